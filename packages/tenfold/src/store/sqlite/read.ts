/** Reads single runs and graphs as they are shown, and writes graphs. */
import { startedAtOfRun } from "../../value/id.ts";
import type { JournalLine } from "../../core/journal-line.ts";
import type { RunRecord, StoredGraph } from "../store.ts";
import type { Connection } from "./connection.ts";
import { readJournal } from "./load.ts";
import { STATUSES } from "../status-code.ts";

export const READ_RUN = `
  select id, workflow, graph, status, tenant, key, generation,
    (select leases.owner from leases where leases.number = runs.owner) as owner,
    wake_at as wakeAt, deaths, input, output, error, ended_at as endedAt
  from runs where lane = ? and id = ?`;

export const RUN_NUMBER = "select number from runs where lane = ? and id = ?";

export const PUT_GRAPH = `
  insert into graphs (lane, hash, workflow, graph) values (?, ?, ?, ?)
  on conflict (lane, hash) do nothing`;

export const READ_GRAPH = "select hash, workflow, graph from graphs where lane = ? and hash = ?";

interface RunRow extends Omit<RunRecord, "status" | "startedAt"> {
  readonly status: number;
}

export function readRun(connection: Connection, lane: number, id: string): RunRecord | undefined {
  const row = connection.get<RunRow>(READ_RUN, lane, id);
  if (row === undefined) return undefined;
  return { ...row, status: STATUSES[row.status]!, startedAt: startedAtOfRun(id) };
}

export function readJournalOf(connection: Connection, lane: number, id: string): JournalLine[] {
  const run = connection.get<{ number: number }>(RUN_NUMBER, lane, id);
  return run === undefined ? [] : readJournal(connection, lane, run.number, 0);
}

export function putGraphs(connection: Connection, lane: number, graphs: readonly StoredGraph[]): void {
  for (const { hash, workflow, graph } of graphs) connection.run(PUT_GRAPH, lane, hash, workflow, graph);
}

export function readGraph(connection: Connection, lane: number, hash: string): StoredGraph | undefined {
  const row = connection.get<StoredGraph>(READ_GRAPH, lane, hash);
  return row === undefined ? undefined : { ...row };
}
