/** An update cannot go on. Before the commit point this means that it is rolled back. */
export class UpdateFailed extends Error {
  override readonly name = "UpdateFailed";
}

/** The update was committed, so nothing can be rolled back, and then the guest did not answer. */
export class SilentAfterCommit extends Error {
  override readonly name = "SilentAfterCommit";
}

/** An update failed before its commit point, and then the original VM could not be put back as it was. */
export class NotUndone extends Error {
  override readonly name = "NotUndone";
}

/** A strategy cannot bring an update into effect on a guest, and says why. It has touched nothing. */
export class DoesNotApply extends Error {
  override readonly name = "DoesNotApply";
}
