/** One message from outside to one run. */
import type { MessageBody, RunStatus } from "../store/store.ts";
import { laneIn, runUnknown } from "./caller-checks.ts";
import type { Engine } from "./engine.ts";

export interface SendOneOptions {
  /** The same whenever it is sent again; left out: it is sent once. */
  readonly key?: string | null;
  /** It waits with a run that was started for a later time. */
  readonly isPatient?: boolean;
}

/** Resolves when it is durable: with null, or with what the run has ended as, which is told nothing any more; RUN_UNKNOWN if there is none. */
export async function sendOne(
  engine: Engine,
  run: string,
  body: MessageBody,
  { key = null, ...options }: SendOneOptions = {},
): Promise<RunStatus | null> {
  const lane = laneIn(engine.store, run);
  const now = engine.ports.clock.now();
  const message = { key: key ?? engine.newId(lane), body, at: now };
  const [answer] = await engine.store.send(lane, [{ run, message, reopens: false, ...options }], now);
  if (answer!.kind === "unknown") throw runUnknown(run);
  if (answer!.kind === "finished") return answer!.status;
  engine.look();
  return null;
}
