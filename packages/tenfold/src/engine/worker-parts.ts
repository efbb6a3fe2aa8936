/** What a worker is made of, and what it tells its engine. */
import type { Store } from "../store/store.ts";
import type { Courier } from "./courier.ts";
import type { DriverHost } from "./driver-host.ts";
import type { EngineEvents } from "./events.ts";
import type { LeaseParts } from "./lease-keeper.ts";
import type { Host, Ports } from "./ports.ts";
import type { Dispatchers } from "./queues/dispatchers.ts";
import type { Registry } from "./registry.ts";
import type { LaneSlots } from "./slots.ts";
import type { WorkerSettings } from "./worker-settings.ts";

export interface WorkerParts extends Pick<LeaseParts, "otherLeft"> {
  readonly ports: Ports;
  readonly host: Host;
  readonly store: Store;
  readonly registry: Registry;
  readonly slots: LaneSlots;
  readonly dispatchers: Dispatchers;
  readonly courier: Courier;
  readonly events: EngineEvents;
  readonly settings: WorkerSettings;
  readonly lane: number;
  /** The worker's name, the same after a restart. */
  readonly name: string;
  /** Makes the name of a new incarnation, never used before. */
  readonly newOwner: () => string;
  /** Makes the lane ready for runs, before its first lease. */
  readonly prepare: () => Promise<void>;
  /** Starts runs of any lane, for calls; they are due when they are told of their parents. */
  readonly startChildren: DriverHost["startChildren"];
  /** The lane, which was missing when the others were joined, was joined at last. */
  readonly joinedLate: () => void;
}
