/**
 * The row of a lane: while it stands in a server's `lanes`, the lane is worked there, and nowhere else.
 * Invariants: whatever writes without a lease holds the row first, so that a lane that leaves waits for what is in
 * flight, and what comes later writes nothing; a lane that is being moved is still read where its rows are whole.
 */
import { TenfoldError } from "../../value/error.ts";

export const LOCK_LANE = `select 1 as held from tenfold.lanes a where a.lane = $1 for key share`;

/** Sent behind a read: true then means that nothing of the lane was gone when it was read. */
export const HAS_LANE = `
  select exists (select from tenfold.lanes a where a.lane = $1)
    or exists (select from tenfold.moves m where m.lane = $1 and not m.is_handed) as here`;

export const READ_LANES = `
  select a.lane, false as "isMoving" from tenfold.lanes a
  union all
  select m.lane, true from tenfold.moves m where not m.is_handed`;

export const COUNT_LANES = `select count(*)::integer as count from tenfold.lanes a`;

/** The lane is not on this server, or not any more: nothing was written, and nothing that was read counts. */
export class LaneGone extends TenfoldError {
  constructor(lane: number, store: string) {
    super(
      "STORE_MIXED",
      `Lane ${lane} is not in ${store}, but on another server of the same store; nothing was written. Name all of its ` +
        `servers: \`store: ["${store}", …]\`.`,
      { facts: { store, lane } },
    );
  }
}
