/** The SQLite store's schedules: each verb is one transaction. */
import type { Advance, Reached, ScheduleName, Schedules } from "../schedules.ts";
import type { Connection } from "./connection.ts";

export const READ_REACHED = "select at, run from schedules where lane = ? and workflow = ? and schedule = ?";

export const FIRST_SEEN = `
  insert into schedules (lane, workflow, schedule, at, run) values (?, ?, ?, ?, ?)
  on conflict (lane, workflow, schedule) do nothing`;

export const ADVANCE = `
  update schedules set at = ?, run = ? where lane = ? and workflow = ? and schedule = ? and at = ? and run is ?`;

/** How a lane's schedules are read and written. */
export interface ScheduleAccess {
  readonly read: <T>(lane: number, act: (connection: Connection) => T) => Promise<T>;
  readonly write: <T>(lane: number, act: (connection: Connection) => T) => Promise<T>;
}

export class SqliteSchedules implements Schedules {
  readonly #access: ScheduleAccess;

  constructor(access: ScheduleAccess) {
    this.#access = access;
  }

  async reached(lane: number, schedules: readonly ScheduleName[]): Promise<readonly (Reached | null)[]> {
    return this.#access.read(lane, (connection) =>
      schedules.map(({ workflow, schedule }) => {
        const row = connection.get<Reached>(READ_REACHED, lane, workflow, schedule);
        return row === undefined ? null : { ...row };
      }),
    );
  }

  async advance(lane: number, batch: readonly Advance[]): Promise<readonly boolean[]> {
    return this.#access.write(lane, (connection) =>
      batch.map(({ workflow, schedule, from, to: { at, run } }) => {
        if (from === null) return connection.run(FIRST_SEEN, lane, workflow, schedule, at, run) > 0;
        return connection.run(ADVANCE, at, run, lane, workflow, schedule, from.at, from.run) > 0;
      }),
    );
  }
}
