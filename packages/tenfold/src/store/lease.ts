/** The right to write. */

/** A worker's right to own runs of a lane; `owner` names one incarnation of it and is never used again. */
export interface Lease {
  readonly lane: number;
  readonly owner: string;
}
