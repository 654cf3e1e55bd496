/** An update cannot go on. Before the commit point this means that it is rolled back. */
export class UpdateFailed extends Error {
  override readonly name = "UpdateFailed";
}

/** The update was committed, so nothing can be rolled back, and then the guest did not answer. */
export class SilentAfterCommit extends Error {
  override readonly name = "SilentAfterCommit";
}

/** A strategy cannot bring an update into effect on a guest, and says why. It has touched nothing. */
export class DoesNotApply extends Error {
  override readonly name = "DoesNotApply";
}
