/** Where a thread finds the body of a step, as the engine reads it. */

/** A module, and what of it is the step. */
export interface ThreadModule<Place = string> {
  /** A file URL. */
  readonly module: Place;
  /** The name under which it exports the step; by default the step is found by its own name. */
  readonly export?: string;
}
