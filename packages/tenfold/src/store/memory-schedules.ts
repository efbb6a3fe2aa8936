/** The memory store's schedules: each verb takes effect in one piece, in one lane. */
import type { Lane } from "./memory-lane.ts";
import type { Advance, Reached, ScheduleName, Schedules } from "./schedules.ts";

export class MemorySchedules implements Schedules {
  readonly #lane: (lane: number) => Lane;

  constructor(lane: (lane: number) => Lane) {
    this.#lane = lane;
  }

  async reached(lane: number, schedules: readonly ScheduleName[]): Promise<readonly (Reached | null)[]> {
    return schedules.map((name) => this.peek(lane, name));
  }

  /** How far one has come right now, for those who look from outside of time. */
  peek(lane: number, name: ScheduleName): Reached | null {
    return this.#lane(lane).schedules.get(textOf(name)) ?? null;
  }

  async advance(laneNumber: number, batch: readonly Advance[]): Promise<readonly boolean[]> {
    const { schedules } = this.#lane(laneNumber);
    return batch.map((advance) => {
      const reached = schedules.get(textOf(advance));
      const isThere = reached?.at === advance.from?.at && reached?.run === advance.from?.run;
      if (isThere) schedules.set(textOf(advance), advance.to);
      return isThere;
    });
  }
}

function textOf({ workflow, schedule }: ScheduleName): string {
  return `${workflow} ${schedule}`;
}
