/** An update cannot go on. Before the commit point this means that it is rolled back. */
export class UpdateFailed extends Error {
  override readonly name = "UpdateFailed";
}
