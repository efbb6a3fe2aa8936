/** The timers of a run in memory: of its nodes between two attempts, and of those that are asleep. */
import { pathOf } from "../core/path.ts";
import type { Place, RunState } from "../core/state.ts";
import type { Clock } from "./ports.ts";

/** How long a due timer waits for the answer of a commit that parks its run. */
const PARKING_RETRY_MS = 10;

interface Timer {
  readonly at: number;
  readonly cancel: () => void;
}

/** The run that they belong to. */
export interface TimedRun {
  readonly state: RunState;
  readonly isGone: boolean;
  readonly isParking: boolean;
  readonly ending: unknown;
  wantsPark: boolean;
}

export class RunTimers {
  readonly #run: TimedRun;
  /** By the path of the node. */
  #timers: Map<string, Timer> | null = null;

  constructor(run: TimedRun) {
    this.#run = run;
  }

  get size(): number {
    return this.#timers?.size ?? 0;
  }

  /** When the first is due; Infinity: there is none. */
  get firstAt(): number {
    let at = Infinity;
    if (this.#timers !== null) for (const timer of this.#timers.values()) at = Math.min(at, timer.at);
    return at;
  }

  has(path: string): boolean {
    return this.#timers?.has(path) === true;
  }

  cancel(path: string): void {
    this.#timers?.get(path)?.cancel();
    this.#timers?.delete(path);
  }

  cancelAll(): void {
    if (this.#timers === null) return;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  /**
   * Calls `act` at a time (ms since 1970), if the run is still here then and the node `isStill` to wait so now; null: it
   * waits so no more.
   */
  at(
    clock: Clock,
    { frame, node }: Place,
    isStill: () => boolean,
    until: number,
    act: (path: string | null) => void,
  ): void {
    const run = this.#run;
    const path = pathOf(run.state.compiled, frame, node);
    if (run.isGone || !isStill()) return;
    const fire = (): void => {
      if (run.isParking) return arm(clock.now() + PARKING_RETRY_MS);
      this.#timers?.delete(path);
      if (run.isGone || run.ending !== null) return;
      if (isStill()) run.wantsPark = false;
      act(isStill() ? path : null);
    };
    const timers = (this.#timers ??= new Map());
    const arm = (at: number): void => void timers.set(path, { at, cancel: clock.at(at, fire) });
    timers.get(path)?.cancel();
    arm(until);
  }
}
