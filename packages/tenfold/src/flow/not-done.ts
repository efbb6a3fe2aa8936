/** What the body of a step that is called at most once throws to say that nothing has happened. */
export class NotDone extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "NotDone";
  }
}
