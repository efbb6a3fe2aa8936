/**
 * Keeps a lease's beat growing from a thread of its own, so that a busy main loop does not lose its runs; and stops
 * it when the main loop has not turned for a while, so that a hung one does.
 */
import { Worker } from "node:worker_threads";
import type { Lease } from "../store.ts";

const TURN_EVERY_MS = 1000;
const FROZEN_AFTER_MS = 60_000;

/** What the thread is given. */
export interface HeartbeatOrder {
  readonly path: string;
  readonly lease: Lease;
  readonly everyMs: number;
  readonly frozenAfterMs: number;
  /** One 32-bit counter, which the main loop adds to while it turns. */
  readonly turns: SharedArrayBuffer;
}

export interface Heartbeat {
  stop(): void;
  /** Settles when the thread is gone, and its connection with it. */
  readonly stopped: Promise<void>;
}

export function startHeartbeat(
  path: string,
  lease: Lease,
  everyMs: number,
  frozenAfterMs: number = FROZEN_AFTER_MS,
): Heartbeat {
  const turns = new SharedArrayBuffer(4);
  const counter = new Int32Array(turns);
  const timer = setInterval(() => Atomics.add(counter, 0, 1), Math.min(TURN_EVERY_MS, frozenAfterMs / 4)).unref();
  const order: HeartbeatOrder = { path, lease, everyMs, frozenAfterMs, turns };
  const suffix = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const thread = new Worker(new URL(`./heartbeat-thread.${suffix}`, import.meta.url), { workerData: order });
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
