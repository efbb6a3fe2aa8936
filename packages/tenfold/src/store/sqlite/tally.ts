/**
 * Counts of runs by workflow, status and time of start, kept up to date in every transaction that changes one.
 * Invariant: they equal a recount at every commit.
 */
import { STATUSES } from "../status-code.ts";
import type { Tally } from "../store.ts";
import { BY_DAY, BY_MINUTE, dayOf, IN_ALL, spansBetween } from "../tally-spans.ts";
import type { Connection } from "./connection.ts";

export const ADD_TO_TALLY = `
  insert into tallies (lane, grain, slot, workflow, status, runs) values (?, ?, ?, ?, ?, ?)
  on conflict (lane, grain, slot, workflow, status) do update set runs = runs + excluded.runs`;

export const DROP_EMPTY_TALLY = `
  delete from tallies where lane = ? and grain = ? and slot = ? and workflow = ? and status = ? and runs = 0`;

export const SUM_TALLIES = `
  select workflow, status, sum(runs) as runs
  from tallies where lane = ? and grain = ? and slot >= ? and slot < ?
  group by workflow, status`;

/** Changes of the counts, gathered over one transaction. */
export class TallyChanges {
  readonly #connection: Connection;
  readonly #lane: number;
  readonly #byWorkflow = new Map<string, Map<number, number[]>>();
  #lastWorkflow = "";
  #lastMinute = NaN;
  #last: number[] = [];

  constructor(connection: Connection, lane: number) {
    this.#connection = connection;
    this.#lane = lane;
  }

  /** One run more (or less) of `workflow`, started in `minute`, has this status. */
  add(workflow: string, status: number, minute: number, runs: 1 | -1): void {
    // Runs of one batch mostly share workflow and minute.
    if (minute !== this.#lastMinute || workflow !== this.#lastWorkflow) {
      const minutes = getOr(this.#byWorkflow, workflow, () => new Map<number, number[]>());
      this.#last = getOr(minutes, minute, noChange);
      this.#lastWorkflow = workflow;
      this.#lastMinute = minute;
    }
    this.#last[status]! += runs;
  }

  flush(): void {
    for (const [workflow, minutes] of this.#byWorkflow) {
      const days = new Map<number, number[]>();
      const all = noChange();
      for (const [minute, changes] of minutes) {
        const day = getOr(days, dayOf(minute), noChange);
        changes.forEach((runs, status) => {
          day[status]! += runs;
          all[status]! += runs;
        });
        this.#write(BY_MINUTE, minute, workflow, changes);
      }
      for (const [day, changes] of days) this.#write(BY_DAY, day, workflow, changes);
      this.#write(IN_ALL, 0, workflow, all);
    }
  }

  #write(grain: number, slot: number, workflow: string, changes: readonly number[]): void {
    changes.forEach((runs, status) => {
      if (runs === 0) return;
      this.#connection.run(ADD_TO_TALLY, this.#lane, grain, slot, workflow, status, runs);
      if (runs < 0) this.#connection.run(DROP_EMPTY_TALLY, this.#lane, grain, slot, workflow, status);
    });
  }
}

/** The counts of runs started in [from, until), both taken to the minute. */
export function tallies(connection: Connection, lane: number, from: number | null, until: number | null): Tally[] {
  const totals = new Map<string, { workflow: string; status: number; runs: number }>();
  for (const [grain, first, end] of spansBetween(from, until)) {
    for (const row of connection.all<{ workflow: string; status: number; runs: number }>(
      SUM_TALLIES,
      lane,
      grain,
      first,
      end,
    )) {
      const total = getOr(totals, `${row.status} ${row.workflow}`, () => ({ ...row, runs: 0 }));
      total.runs += row.runs;
    }
  }
  return [...totals.values()].map((total) => ({ ...total, status: STATUSES[total.status]! }));
}

function noChange(): number[] {
  return STATUSES.map(() => 0);
}

function getOr<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
