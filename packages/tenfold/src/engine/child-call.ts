/** One attempt of a call to have its child started, or joined. */
import type { Place } from "../core/state.ts";

export interface ChildCall {
  place: Place;
  readonly path: string;
  readonly attempt: number;
  /** Which time it is that its node runs: a node that was reset since has another child. */
  readonly generation: number;
  /** The store was asked, and has not answered. */
  isSent: boolean;
  /** How often that failed. */
  failures: number;
}

/** Names it among those of its run. */
export function nameOfCall({ path, attempt }: Pick<ChildCall, "path" | "attempt">): string {
  return `${path} ${attempt}`;
}
