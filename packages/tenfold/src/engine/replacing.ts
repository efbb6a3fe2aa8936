/**
 * What `ifRunning: "replace"` does to runs that are in the way of others of their keys: cancels them, and waits for their ends.
 * Invariant: when it resolves they have ended; a caller that dies before leaves the key without a run that goes on, and starts
 * the next one when it tries again.
 */
import type { Send } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import { laneIn } from "./caller-checks.ts";
import type { Engine } from "./engine.ts";

/** A run, each named once, and the start that it makes room for. */
export interface Replaced {
  readonly run: string;
  readonly by: string;
}

/** Resolves when the run has ended, as the client's handles do. */
export type WaitForEnd = (run: string) => Promise<unknown>;

export async function replaceRuns(
  engine: Engine,
  replaced: readonly Replaced[],
  waitForEnd: WaitForEnd,
): Promise<void> {
  const { store, ports, newId } = engine;
  for (const [lane, inLane] of Map.groupBy(replaced, ({ run }) => laneIn(store, run))) {
    const now = ports.clock.now();
    const sends = inLane.map(({ run, by }): Send => {
      const reason = `replaced by run ${by}, which was started under its key`;
      return { run, message: { key: newId(lane), body: { kind: "cancel", reason }, at: now }, reopens: false };
    });
    // One that has ended meanwhile, or was pruned since, is in nobody's way.
    await store.send(lane, sends, now);
  }
  engine.look();
  await Promise.all(replaced.map(({ run }) => waitForEnd(run).catch(mustHaveEnded)));
}

/** What is not there any more, or cannot be decoded, has ended. */
function mustHaveEnded(thrown: unknown): void {
  const isOver = thrown instanceof TenfoldError && (thrown.code === "RUN_UNKNOWN" || thrown.code.startsWith("CODEC_"));
  if (!isOver) throw thrown;
}
