/** Where a node stands that waits for nothing and is not open: the values of `waits` below 0. */
/** The node has its result. */
export const DONE = -1;
/** The node failed for good. */
export const FAILED = -2;
/** The node could start, but its run (or item) is failing or cancelled. */
export const SUPPRESSED = -3;
/** An attempt failed; the next starts at the time in `retries`. */
export const RETRYING = -4;
/** What it opened is at work: an arm, items, a body, rounds. */
export const OPENED = -5;
/** Nothing of it runs until its time, its signal, a decision, its child's end, or what a person knows comes: a run that fails or is cancelled does not wait for it. */
export const ASLEEP = -6;
/** Its effect was taken back: it runs anew once the run is retried. */
export const UNDONE = -7;
/** Its effect could not be taken back; that is tried again once the run is retried. */
export const UNDO_FAILED = -8;
