/** The thread that beats for one lease, until it is told to stop or the lease is gone. */
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { watchTurns, type HeartbeatOrder } from "./heartbeat.ts";
import { BEAT } from "./membership.ts";

const { path, lease, everyMs, frozenAfterMs, turns } = workerData as HeartbeatOrder;
const counter = new Int32Array(turns);
const mainLoopTurns = watchTurns(frozenAfterMs);

// This thread may wait for the lock inside SQLite: it has nothing else to do. A beat need not survive a power cut.
const database = new DatabaseSync(path, { timeout: Math.max(5000, everyMs) });
database.exec("pragma synchronous = normal; pragma wal_autocheckpoint = 0");
const beat = database.prepare(BEAT);
const timer = setInterval(beatOnce, everyMs);
parentPort!.on("message", stop);

function beatOnce(): void {
  if (!mainLoopTurns(Atomics.load(counter, 0), performance.now())) return;
  let beats: number | bigint;
  try {
    beats = beat.run(lease.lane, lease.owner).changes;
  } catch {
    // A beat that could not be written (a full disk, a lock held too long) is missed: others see exactly that.
    return;
  }
  if (beats === 0) stop();
}

function stop(): void {
  clearInterval(timer);
  parentPort!.close();
  if (database.isOpen) database.close();
}
