/** The thread that beats for one lease, until it is told to stop or the lease is gone. */
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { watchTurns, type HeartbeatOrder } from "../heartbeat.ts";
import { BEAT, SEE_LEASES } from "./membership.ts";

const { store: path, lease, everyMs, frozenAfterMs, turns } = workerData as HeartbeatOrder<string>;
const counter = new Int32Array(turns);
const mainLoopTurns = watchTurns(frozenAfterMs);

// This thread may wait for the lock inside SQLite: it has nothing else to do. A beat need not survive a power cut.
const database = new DatabaseSync(path, { timeout: Math.max(5000, everyMs) });
database.exec("pragma synchronous = normal; pragma wal_autocheckpoint = 0");
const beat = database.prepare(BEAT);
const see = database.prepare(SEE_LEASES);
const timer = setInterval(beatOnce, everyMs);
parentPort!.on("message", stop);

function beatOnce(): void {
  if (!mainLoopTurns(Atomics.load(counter, 0), performance.now())) return;
  try {
    const isAlive = beat.run(lease.lane, lease.owner).changes !== 0;
    parentPort!.postMessage(isAlive ? see.all(lease.lane) : null);
    if (!isAlive) stop();
  } catch {
    // A beat that could not be written (a full disk, a lock held too long) is missed: others see exactly that.
  }
}

function stop(): void {
  clearInterval(timer);
  parentPort!.close();
  if (database.isOpen) database.close();
}
