/** Why a run is where it is: what it waits for, behind what, until when, and who can change that. */
import type { RunError } from "../core/entry.ts";
import { waitsOf, type Wait } from "../core/why.ts";
import { FINISHED, type RunRecord, type RunStatus } from "../store/store.ts";
import type { Engine } from "./engine.ts";
import { isUnreadable, readRun, stateOf } from "./inspect.ts";
import { inLineOf } from "./queues/in-line.ts";
import { viewOf } from "./run-view.ts";

export interface Why {
  readonly run: string;
  readonly workflow: string;
  readonly status: RunStatus;
  /** A worker has it in its hands now. */
  readonly owned: boolean;
  /** When it is due by itself (ms since 1970); null: not before somebody sends it something, or it has ended. */
  readonly wakeAt: number | null;
  /** What its open nodes wait for; none of a run that has ended, or that was not begun. */
  readonly waits: readonly Wait[];
  /** Why it failed, was cancelled, or is held. */
  readonly error: RunError | null;
}

/** RUN_UNKNOWN if there is none. */
export async function whyOf(engine: Engine, id: string): Promise<Why> {
  const record = await readRun(engine, id);
  const { status, workflow, owned, wakeAt, error } = viewOf(record);
  const isOpen = !FINISHED.has(status) && status !== "waiting";
  const waits = isOpen ? await waitsIn(engine, record) : [];
  return { run: id, workflow, status, owned, wakeAt, waits, error };
}

/** None of one that is held because it cannot be read: why it is says its error. */
async function waitsIn(engine: Engine, record: RunRecord): Promise<readonly Wait[]> {
  try {
    const state = await stateOf(engine, record);
    return waitsOf(state, await inLineOf(engine, record, state));
  } catch (thrown) {
    if (record.status === "held" && isUnreadable(thrown)) return [];
    throw thrown;
  }
}
