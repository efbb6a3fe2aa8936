/** Reads runs as they are shown, and keeps graphs. */
import { startedAtOfRun } from "../../value/id.ts";
import type { RunRecord } from "../store.ts";
import { STATUSES } from "../status-code.ts";

export const RUN_COLUMNS = `r.id, r.workflow, r.graph, r.status, r.tenant, r.key, r.generation, r.owner,
    r.wake_at as "wakeAt", r.deaths, r.input, r.output, r.error, r.ended_at as "endedAt"`;

export const READ_RUNS = `
  select ${RUN_COLUMNS}
  from tenfold.runs r where r.lane = $1 and r.id = any ($2::text[])`;

export const READ_JOURNAL = `
  select j.kind, j.node, j.data, j.at
  from tenfold.journal j where j.lane = $1 and j.run = $2 order by j.seq`;

export const PUT_GRAPHS = `
  insert into tenfold.graphs (lane, hash, workflow, graph)
  select a.lane, t.hash, t.workflow, t.graph
  from tenfold.lanes a, unnest($2::text[], $3::text[], $4::text[]) as t (hash, workflow, graph)
  where a.lane = $1
  on conflict (lane, hash) do nothing`;

export const READ_GRAPH = `
  select g.hash, g.workflow, g.graph
  from tenfold.graphs g where g.lane = $1 and g.hash = $2`;

export interface RunRow extends Omit<RunRecord, "status" | "startedAt"> {
  readonly status: number;
}

export function recordOf(row: RunRow): RunRecord {
  return { ...row, status: STATUSES[row.status]!, startedAt: startedAtOfRun(row.id) };
}
