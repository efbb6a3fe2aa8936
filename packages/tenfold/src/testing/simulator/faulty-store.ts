/**
 * A store as one process sees it over a bad connection: slow, silent, full, and cut off at the worst moment.
 * Invariant: the verb itself takes effect in one piece or not at all; only the way there and back is faulty.
 */
import { TenfoldError } from "../../value/error.ts";
import type { Random } from "../../value/random.ts";
import type { Change, Store } from "../../store/store.ts";
import type { TransactedWork } from "../../store/transactions.ts";
import { storeByVerb } from "../store-by-verb.ts";
import type { WorkerTime, VirtualTime } from "../virtual-time.ts";

/** How often what goes wrong, as chances per verb. */
export interface Faults {
  readonly lostRequest: number;
  readonly lostAnswer: number;
  readonly crashBefore: number;
  readonly crashAfter: number;
  readonly slow: number;
  readonly slowMs: number;
  readonly full: number;
  readonly lostNotice: number;
  /** A message is delivered a second time, later. */
  readonly delivery: number;
}

export const NO_FAULTS: Faults = {
  lostRequest: 0,
  lostAnswer: 0,
  crashBefore: 0,
  crashAfter: 0,
  slow: 0,
  slowMs: 0,
  full: 0,
  lostNotice: 0,
  delivery: 0,
};

export interface Connection {
  readonly time: VirtualTime;
  readonly process: WorkerTime;
  readonly random: Random;
  /** The faults of now. */
  readonly faults: () => Faults;
  readonly crash: () => void;
}

const DELIVERED_AGAIN_MS = 10_000;

const WRITES: ReadonlySet<string> = new Set([
  "join",
  "start",
  "claim",
  "commit",
  "send",
  "deliver",
  "remove",
  "release",
  "advance",
  "writeParts",
  "removeFiles",
  "sweepFiles",
  "subscribe",
  "emit",
  "take",
  "settle",
  "redeliver",
  "transact",
  "ownQueues",
  "releaseQueues",
  "keepBuckets",
  "arrivals",
  "callRuns",
  "setQueueSettings",
  "setQueueStats",
]);

/** `store` as `connection`'s process sees it. */
export function faultyStore(store: Store, connection: Connection): Store {
  const faulty = storeByVerb(store, (verb, of) => {
    const real = of(store);
    if (verb !== "transact") return (...args) => call(connection, verb, () => real(...args));
    return (lease, work) =>
      call(connection, verb, () => real(lease, workIn(connection.process, work as TransactedWork)));
  });
  const watch = (what: Change, changed: () => void): (() => void) => {
    return store.watch(what, () => {
      const { random, faults, time, process } = connection;
      if (random() >= faults().lostNotice) time.at(time.now + 1, () => process.run(changed));
    });
  };
  return { ...faulty, watch, close: async () => {} };
}

/** Its body is called by its process, which may be frozen, or dead. */
function workIn(process: WorkerTime, work: TransactedWork): TransactedWork {
  const body: TransactedWork["body"] = (transaction) =>
    new Promise((resolve) => process.run(() => resolve(work.signal.aborted ? null : work.body(transaction))));
  return { ...work, body };
}

function call(connection: Connection, verb: string, real: () => Promise<unknown>): Promise<unknown> {
  const { time, process, random, crash } = connection;
  const faults = connection.faults();
  const happens = (chance: number) => random() < chance;
  const slowMs = happens(faults.slow) ? Math.floor(random() * faults.slowMs) : 0;
  const there = Math.floor(random() * 3) + (happens(0.5) ? slowMs : 0);
  const back = Math.floor(random() * 3) + (there >= slowMs && slowMs > 0 ? 0 : slowMs);
  return new Promise((resolve, reject) => {
    const answer = (callback: () => void) => time.at(time.now + back, () => process.run(callback));
    time.at(time.now + there, () => {
      // What a process sent before it died may still arrive.
      if (process.isDead && happens(0.5)) return;
      if (happens(faults.lostRequest)) return void answer(() => reject(unreachable(verb)));
      if (happens(faults.crashBefore)) return crash();
      if (WRITES.has(verb) && happens(faults.full)) return void answer(() => reject(full(verb)));
      if (verb === "send" && happens(faults.delivery)) {
        time.at(time.now + Math.floor(random() * DELIVERED_AGAIN_MS), () => void real());
      }
      real().then(
        (value) => {
          if (happens(faults.crashAfter)) return crash();
          if (happens(faults.lostAnswer)) return void answer(() => reject(unreachable(verb)));
          answer(() => resolve(value));
        },
        (thrown: unknown) => void answer(() => reject(thrown as Error)),
      );
    });
  });
}

function unreachable(verb: string): TenfoldError {
  return new TenfoldError("STORE_UNREACHABLE", `The store did not answer ${verb}; whether it was done is not known.`);
}

function full(verb: string): TenfoldError {
  return new TenfoldError("STORE_FULL", `The disk is full; ${verb} was not done.`);
}
