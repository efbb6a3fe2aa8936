/**
 * Keeps a lease's beat growing from a thread of its own, so that a busy main loop does not lose its runs; and stops
 * it when the main loop has not turned for a while, so that a hung one does.
 */
import { Worker } from "node:worker_threads";
import type { Lease, LeaseSeen } from "./store.ts";

const TURN_EVERY_MS = 1000;
const FROZEN_AFTER_MS = 60_000;

/** What the thread is given; `store` is whatever it needs to reach it. */
export interface HeartbeatOrder<Store> {
  readonly store: Store;
  readonly lease: Lease;
  readonly everyMs: number;
  readonly frozenAfterMs: number;
  /** One 32-bit counter, which the main loop adds to while it turns. */
  readonly turns: SharedArrayBuffer;
}

interface Heartbeat {
  stop(): void;
  /** Settles when the thread is gone, and its connection with it. */
  readonly stopped: Promise<void>;
}

/** What the thread tells after each beat: the leases of its lane, or null if its own is gone. */
export type Tell = (seen: readonly LeaseSeen[] | null) => void;

/** Starts the thread whose program is `program`. */
export function startHeartbeat<Store>(
  program: URL,
  what: Pick<HeartbeatOrder<Store>, "store" | "lease" | "everyMs">,
  tell: Tell,
  frozenAfterMs: number = FROZEN_AFTER_MS,
): Heartbeat {
  const turns = new SharedArrayBuffer(4);
  const counter = new Int32Array(turns);
  const timer = setInterval(() => Atomics.add(counter, 0, 1), Math.min(TURN_EVERY_MS, frozenAfterMs / 4)).unref();
  const order: HeartbeatOrder<Store> = { ...what, frozenAfterMs, turns };
  const thread = new Worker(program, { workerData: order });
  thread.on("message", tell);
  thread.unref();
  const stopped = new Promise<void>((resolve) => {
    thread.once("exit", () => {
      clearInterval(timer);
      resolve();
    });
  });
  // A thread that broke beats no more: the lease is lost like that of a worker that died, and its runs go on elsewhere.
  thread.once("error", () => {});
  const stop = () => {
    // Whoever waits for `stopped` must be waited for: an unref'd thread alone would let the process end before.
    thread.ref();
    thread.postMessage("stop");
  };
  return { stop, stopped };
}

/** The heartbeats of one handle on a store. */
export class Heartbeats<Store> {
  readonly #program: URL;
  readonly #running = new Set<Heartbeat>();

  /** `program`: that of the thread. */
  constructor(program: URL) {
    this.#program = program;
  }

  /** Beats from now on; answers how to stop. */
  start(what: Pick<HeartbeatOrder<Store>, "store" | "lease" | "everyMs">, tell: Tell): () => void {
    const heartbeat = startHeartbeat(this.#program, what, tell);
    this.#running.add(heartbeat);
    void heartbeat.stopped.then(() => this.#running.delete(heartbeat));
    return () => heartbeat.stop();
  }

  /** Stops them all, and resolves when their threads are gone. */
  async close(): Promise<void> {
    const running = [...this.#running];
    for (const heartbeat of running) heartbeat.stop();
    await Promise.all(running.map(({ stopped }) => stopped));
  }
}

/** Whether the main loop still turns, as its counter tells. */
export function watchTurns(frozenAfterMs: number): (turns: number, nowMs: number) => boolean {
  let last = -1;
  let since = 0;
  return (turns, nowMs) => {
    if (turns !== last) {
      last = turns;
      since = nowMs;
    }
    return nowMs - since < frozenAfterMs;
  };
}
