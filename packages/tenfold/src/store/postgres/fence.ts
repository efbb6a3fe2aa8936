/**
 * The fence: the row of a lease, which every write under that lease takes and joins.
 * Invariant: whoever holds it `for key share` keeps a takeover waiting, and a takeover that came first leaves nothing
 * to join; so no statement of a dead owner writes a row.
 */

/** Each fenced statement begins with these parameters: lane, owner, and the lease's outside commits. */
export const FENCED = `l.lane = $1 and l.owner = $2 and l.is_alive and l.outside_commits = $3`;

export const FENCE = `select 1 as held from tenfold.leases l where ${FENCED} for key share`;

/** For verbs to which it is the same through which handle the lease commits. */
export const FENCE_ALIVE = `
  select outside_commits from tenfold.leases where lane = $1 and owner = $2 and is_alive for key share`;

/**
 * Waits for all that is under way in the lease's name, also for what nobody waits for any more since its answer was
 * lost, and keeps the rest out: what is read behind it is all that this lease has written.
 */
export const FENCE_ALONE = `
  select outside_commits as "outsideCommits"
  from tenfold.leases where lane = $1 and owner = $2 and is_alive for update`;
