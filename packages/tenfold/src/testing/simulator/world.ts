/** What all parts of a simulation share, and its processes. */
import type { Tenfold } from "../../engine/client.ts";
import type { VirtualTime, WorkerTime } from "../virtual-time.ts";
import type { Auditor } from "./auditor.ts";
import type { BodyCall } from "./body-call.ts";
import type { EmittedEvents } from "./emitted.ts";
import type { OpenBook } from "./open-book.ts";
import type { QueuedBodies } from "./queued.ts";
import type { Scenario } from "./scenario.ts";

export interface SimulatedWorker {
  readonly id: number;
  readonly time: WorkerTime;
  readonly tenfold: Tenfold;
  readonly calls: BodyCall[];
  /** It has the code that is deployed last. */
  readonly isNew: boolean;
  isOpen: boolean;
}

export interface World {
  readonly scenario: Scenario;
  readonly time: VirtualTime;
  readonly book: OpenBook;
  readonly auditor: Auditor;
  readonly emitted: EmittedEvents;
  readonly queued: QueuedBodies;
  /** Something went wrong that must not. */
  note(thrown: unknown): void;
}
