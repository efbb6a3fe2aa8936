/**
 * What a commit means for runs of which this handle does not know that they are owned and how long their journals
 * are: their rows are locked, looked at, and then written by the same statements.
 * Invariant: it is alone in the lease's name, since one that got no answer may still be under way: a "keep" locks no
 * run's row, and would be written beside this one.
 */
import type { JournalLine } from "../../core/journal-line.ts";
import type { CommitAnswer, Lease, RunCommit } from "../store.ts";
import { commitVerdict } from "../verdict.ts";
import { plain, texts } from "./arrays.ts";
import { writesOf, type Write } from "./commit.ts";
import type { Answer, Connection, Transaction } from "./connection.ts";
import { FENCE_ALONE } from "./fence.ts";
import { remember, type KnownLease } from "./held-runs.ts";

/** Of a handle that has not joined the lease: those that have are to look at their runs again. */
export const COUNT_OUTSIDE_COMMIT = `
  update tenfold.leases set outside_commits = outside_commits + 1
  where lane = $1 and owner = $2`;

export const LOCK_RUNS_TO_COMMIT = `
  select r.id, r.workflow, r.owner, r.mail
  from tenfold.runs r where r.lane = $1 and r.id = any ($2::text[]) order by r.id for update`;

export const JOURNAL_LENGTHS = `
  select t.run, (select j.seq + 1 from tenfold.journal j where j.lane = $1 and j.run = t.run order by j.seq desc limit 1)
    as length
  from unnest($2::text[]) as t (run)`;

/** Each run's, from the answer to JOURNAL_LENGTHS. */
export function lengthsOf({ rows }: Answer): ReadonlyMap<string, number> {
  return new Map((rows as { run: string; length: number | null }[]).map(({ run, length }) => [run, length ?? 0]));
}

export const LINES_FROM = `
  select j.run, j.kind, j.node, j.data, j.at
  from unnest($2::text[], $3::integer[]) as t (run, first)
    join tenfold.journal j on j.lane = $1 and j.run = t.run and j.seq >= t.first
  order by j.run, j.seq`;

interface RowToCommit {
  readonly id: string;
  readonly workflow: string;
  readonly owner: string | null;
  readonly mail: number;
}

export interface CarefulCommit {
  readonly lease: Lease;
  /** Undefined: this handle has not joined the lease. */
  readonly known: KnownLease | undefined;
  readonly now: number;
}

/** Each run at most once in `batch`; "gone": the lease is dead. */
export async function commitCarefully(
  connection: Connection,
  batch: readonly RunCommit[],
  careful: CarefulCommit,
): Promise<CommitAnswer[] | "gone"> {
  try {
    return await connection.transaction((transaction) => lookAndCommit(transaction, batch, careful));
  } catch (error) {
    // What got no answer may be written yet: nothing of what was known is so for certain.
    careful.known?.runs.clear();
    throw error;
  }
}

async function lookAndCommit(
  { send, commit }: Transaction,
  batch: readonly RunCommit[],
  { lease, known, now }: CarefulCommit,
): Promise<CommitAnswer[] | "gone"> {
  const { lane, owner } = lease;
  const ids = texts(batch.map(({ run }) => run));
  const [locked, rows, lengths, lines] = await send([
    { sql: FENCE_ALONE, values: [lane, owner] },
    { sql: LOCK_RUNS_TO_COMMIT, values: [lane, ids] },
    { sql: JOURNAL_LENGTHS, values: [lane, ids] },
    { sql: LINES_FROM, values: [lane, ids, plain(batch.map(({ from }) => from))] },
  ]);
  if (locked!.count === 0) return "gone";
  const { outsideCommits } = locked!.rows[0] as { outsideCommits: number };
  const byId = new Map((rows!.rows as unknown as RowToCommit[]).map((row) => [row.id, row]));
  const lengthOf = lengthsOf(lengths!);
  const linesOf = Map.groupBy(lines!.rows as unknown as (JournalLine & { run: string })[], ({ run }) => run);
  const writes: Write[] = [];
  const answers = batch.map((each): CommitAnswer => {
    const row = byId.get(each.run);
    if (row === undefined) return "lost";
    const toCommit = { owner: row.owner, committer: owner, length: lengthOf.get(each.run) ?? 0, mail: row.mail };
    const verdict = commitVerdict(each, toCommit, () => linesOf.get(each.run) ?? []);
    if (verdict !== "new") return verdict;
    writes.push({ commit: each, workflow: row.workflow });
    return "written";
  });
  const statements = writes.length === 0 ? [] : writesOf([lane, owner, outsideCommits], writes, now);
  if (known === undefined) statements.push({ sql: COUNT_OUTSIDE_COMMIT, values: [lane, owner] });
  await commit(statements);
  if (known !== undefined) {
    if (known.outsideCommits !== outsideCommits) known.runs.clear();
    known.outsideCommits = outsideCommits;
    for (const { commit: each, workflow } of writes) remember(known, each, workflow);
  }
  return answers;
}
