/** How many more runs a driver may hold. */
import type { RunStart } from "../store/store.ts";
import { RUN_BYTES } from "./live-run.ts";
import type { WorkerSettings } from "./worker-settings.ts";

/** What a driver holds. */
export interface Held {
  /** Of runs in memory. */
  readonly bytes: number;
  /** Runs that do more than wait. */
  readonly busy: number;
}

export class Room {
  readonly #settings: Pick<WorkerSettings, "runsMax" | "memoryMax">;

  constructor(settings: Pick<WorkerSettings, "runsMax" | "memoryMax">) {
    this.#settings = settings;
  }

  for({ bytes, busy }: Held): number {
    const { runsMax, memoryMax } = this.#settings;
    return bytes >= memoryMax ? 0 : Math.min(runsMax - busy, Math.ceil((memoryMax - bytes) / RUN_BYTES));
  }

  fits(held: Held, starts: readonly RunStart[]): boolean {
    if (starts.length > this.for(held)) return false;
    const bytes = starts.reduce((sum, { input }) => sum + RUN_BYTES + input.length, held.bytes);
    return bytes <= this.#settings.memoryMax;
  }
}
