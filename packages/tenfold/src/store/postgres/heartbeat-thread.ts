/** The thread that beats for one lease, on a connection of its own, until it is told to stop or the lease is gone. */
import { setTimeout } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { watchTurns, type HeartbeatOrder } from "../heartbeat.ts";
import type { LeaseSeen } from "../store.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { BEAT_AND_SEE } from "./membership.ts";

/** How a heartbeat's thread reaches the server. */
export interface BeatenStore {
  readonly url: string;
  readonly options: ConnectionOptions;
}

const { store, lease, everyMs, frozenAfterMs, turns } = workerData as HeartbeatOrder<BeatenStore>;
const counter = new Int32Array(turns);
const mainLoopTurns = watchTurns(frozenAfterMs);
const connection = new Connection(store.url, store.options);
const stopped = new AbortController();
parentPort!.on("message", () => stopped.abort());
await beatUntil(stopped.signal);
parentPort!.close();
await connection.close();

async function beatUntil(signal: AbortSignal): Promise<void> {
  for (let nextAt = performance.now() + everyMs; ; nextAt = Math.max(nextAt + everyMs, performance.now())) {
    await setTimeout(Math.max(0, nextAt - performance.now()), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    if (mainLoopTurns(Atomics.load(counter, 0), performance.now()) && !(await beatOnce())) return;
  }
}

/** Tells what was seen; false: the lease is gone. */
async function beatOnce(): Promise<boolean> {
  try {
    const rows = await connection.rows<LeaseSeen & { beaten: boolean }>(BEAT_AND_SEE, lease.lane, lease.owner);
    const isAlive = rows[0]?.beaten === true;
    parentPort!.postMessage(isAlive ? rows.map(({ beaten: _beaten, ...seen }) => seen) : null);
    return isAlive;
  } catch {
    // A beat that could not be written is missed: others see exactly that, and the main loop too.
    return true;
  }
}
