/** Changes of the counts of runs, gathered over one transaction and appended by it. */
import { minuteOf } from "../tally-spans.ts";
import { plain, texts } from "./arrays.ts";
import type { Statement } from "./connection.ts";

export const APPEND_CHANGES = `
  insert into tenfold.tally_changes (lane, minute, workflow, status, runs)
  select a.lane, t.minute, t.workflow, t.status, t.runs
  from tenfold.lanes a,
    unnest($2::bigint[], $3::text[], $4::smallint[], $5::integer[]) as t (minute, workflow, status, runs)
  where a.lane = $1`;

interface Change {
  readonly minute: number;
  readonly workflow: string;
  readonly status: number;
  runs: number;
}

export class TallyChanges {
  readonly #changes = new Map<string, Change>();

  /** One run more (or less) has this status. */
  add(run: string, workflow: string, status: number, runs: 1 | -1): void {
    const minute = minuteOf(run);
    const name = `${minute} ${status} ${workflow}`;
    const change = this.#changes.get(name);
    if (change === undefined) this.#changes.set(name, { minute, workflow, status, runs });
    else change.runs += runs;
  }

  move(run: string, workflow: string, from: number, to: number): void {
    this.add(run, workflow, from, -1);
    this.add(run, workflow, to, 1);
  }

  writes(lane: number): Statement[] {
    return this.#changes.size === 0 ? [] : [{ sql: APPEND_CHANGES, values: [lane, ...this.columns()] }];
  }

  /** Minutes, workflows, statuses, and how many runs more. */
  columns(): string[] {
    const changes = [...this.#changes.values()];
    return [
      plain(changes.map(({ minute }) => minute)),
      texts(changes.map(({ workflow }) => workflow)),
      plain(changes.map(({ status }) => status)),
      plain(changes.map(({ runs }) => runs)),
    ];
  }
}
