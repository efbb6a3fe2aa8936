/** What the function of a script in memory asks of its driver. */
import type { AskedEntry, RunError } from "../core/entry.ts";
import type { Place } from "../core/state.ts";
import type { Settled } from "./body.ts";
import type { LiveRun } from "./live-run.ts";
import type { Ports } from "./ports.ts";
import type { Execute, ScriptInMemory } from "./script-in-memory.ts";

export interface ScriptHost {
  readonly ports: Ports;
  /** The longest JSON text of an input (characters). */
  readonly payloadMax: number;
  readonly isDraining: boolean;
  /** A call that is not recorded yet is to be. */
  asked(run: LiveRun, place: Place, entry: AskedEntry): void;
  /** `harmless`: as in the entry of a failure. */
  ended(run: LiveRun, script: ScriptInMemory, settled: Settled, harmless?: readonly number[]): void;
  hold(run: LiveRun, error: RunError): void;
  /** The code of a call is known now that was to be executed before. */
  execute(run: LiveRun, command: Execute): void;
  /** The function came to rest, or is dropped. */
  rested(run: LiveRun): void;
}
