/** Removes finished runs with all that belongs to them, and keeps their keys for a while. */
import { REMOVED } from "../file-state-code.ts";
import { STATUSES } from "../status-code.ts";
import type { PruneAnswer, Pruning } from "../store.ts";
import { minuteOf } from "../tally-spans.ts";
import { pruneVerdicts, type RunToPrune } from "../verdict.ts";
import type { Connection } from "./connection.ts";
import { keyDigest } from "./key-digest.ts";
import { journalLength } from "./load.ts";
import { TallyChanges } from "./tally.ts";

export const RUN_TO_PRUNE = `
  select number, workflow, status, tenant, key, generation, ended_at as endedAt,
    exists (select 1 from outbox where outbox.lane = ?1 and outbox.run = ?2) as hasParcels
  from runs where lane = ?1 and id = ?2`;

export const KEEP_KEY = `
  update keys set status = ?, until = ?
  where lane = ? and digest = ? and key = ? and workflow = ? and tenant = ? and generation = ?`;

export const DROP_LINES = "delete from journal where lane = ? and run = ?";

export const DROP_MAIL = "delete from inbox where lane = ? and run = ?";

export const DROP_ATTRIBUTES = "delete from attributes where lane = ? and run = ?";

/** Their parts are many, and are freed a few at a time. */
export const DROP_FILES = `
  update files set state = ${REMOVED} where lane = ? and run = ? and state <> ${REMOVED}`;

export const DROP_RESULTS = "delete from tx_results where lane = ? and run = ?";

export const DROP_RUN = "delete from runs where lane = ? and number = ?";

/** The last run of each key whose time is over for all of its runs. */
export const KEYS_TO_FORGET = `
  select digest, key, workflow, tenant
  from keys where lane = ?1 and until < ?2
    and not exists (
      select 1 from keys as o
      where o.lane = ?1 and o.digest = keys.digest and o.key = keys.key and o.workflow = keys.workflow
        and o.tenant = keys.tenant and (o.generation > keys.generation or o.until is null or o.until >= ?2))
  order by until, run limit ?3`;

export const FORGET_KEY = `
  delete from keys where lane = ? and digest = ? and key = ? and workflow = ? and tenant = ?`;

interface RowToPrune extends Omit<RunToPrune, "status" | "hasParcels" | "length"> {
  readonly number: number;
  readonly workflow: string;
  readonly status: number;
  readonly tenant: string;
  readonly key: string | null;
  readonly generation: number;
  readonly hasParcels: number;
}

export function pruneRuns(
  connection: Connection,
  lane: number,
  runs: readonly string[],
  pruning: Pruning,
): PruneAnswer[] {
  const rows = new Map<string, RowToPrune>();
  const lookAt = (run: string): RunToPrune | undefined => {
    const row = connection.get<RowToPrune>(RUN_TO_PRUNE, lane, run);
    if (row === undefined) return undefined;
    rows.set(run, row);
    const length = journalLength(connection, lane, row.number);
    return { endedAt: row.endedAt, status: STATUSES[row.status]!, hasParcels: row.hasParcels > 0, length };
  };
  const answers = pruneVerdicts(runs, lookAt, pruning);
  const tallies = new TallyChanges(connection, lane);
  runs.forEach((run, place) => {
    if (answers[place] !== "pruned") return;
    const { number, workflow, status, tenant, key, generation, endedAt } = rows.get(run)!;
    if (key !== null) {
      const until = endedAt! + pruning.keysForMs;
      const digest = keyDigest(key, workflow, tenant);
      connection.run(KEEP_KEY, status, until, lane, digest, key, workflow, tenant, generation);
    }
    connection.run(DROP_LINES, lane, number);
    connection.run(DROP_MAIL, lane, number);
    connection.run(DROP_ATTRIBUTES, lane, run);
    connection.run(DROP_FILES, lane, run);
    connection.run(DROP_RESULTS, lane, run);
    connection.run(DROP_RUN, lane, number);
    tallies.add(workflow, status, minuteOf(run), -1);
  });
  tallies.flush();
  return answers;
}

export function forgetKeys(connection: Connection, lane: number, now: number, limit: number): number {
  const over = connection.all<{ digest: number; key: string; workflow: string; tenant: string }>(
    KEYS_TO_FORGET,
    lane,
    now,
    limit,
  );
  let runs = 0;
  for (const { digest, key, workflow, tenant } of over) {
    runs += connection.run(FORGET_KEY, lane, digest, key, workflow, tenant);
  }
  return runs;
}
