/** What a driver asks of its worker. */
import type { CommitAnswer, Lease, RunCommit, RunStart, StartAnswer, Store } from "../store/store.ts";
import type { EngineEvents } from "./events.ts";
import type { OneByOne } from "./one-by-one.ts";
import type { Ports } from "./ports.ts";
import type { Dispatchers } from "./queues/dispatchers.ts";
import type { Registry } from "./registry.ts";
import type { LaneSlots } from "./slots.ts";
import type { DriverLimits } from "./worker-settings.ts";

export interface DriverHost {
  readonly ports: Ports;
  readonly store: Store;
  readonly registry: Registry;
  readonly slots: LaneSlots;
  readonly dispatchers: Dispatchers;
  readonly events: EngineEvents;
  readonly limits: DriverLimits;
  /** Starts runs of any lane that are due only once a message comes for them. */
  startChildren(lane: number, starts: readonly RunStart[]): Promise<readonly StartAnswer[]>;
  commit(lease: Lease, batch: readonly RunCommit[]): Promise<readonly CommitAnswer[]>;
  /** While no run comes into this worker's hands. */
  readonly exclusively: OneByOne;
  /** The lease is gone. */
  leaseLost(): void;
  stalled(isStalled: boolean, cause: unknown): void;
  /** A run left memory: there may be room for another. It may still be, or again, in this worker's name. */
  left(isClaimedAgain: boolean): void;
}
