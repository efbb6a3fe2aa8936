/** The function of a script in the memory of the worker that drives its run, as the run and its driver see it. */
import type { Command } from "../core/command.ts";
import type { Place } from "../core/state.ts";
import type { CalledStep } from "./script-calls.ts";

export type Execute = Extract<Command, { kind: "execute" }>;

export interface ScriptInMemory {
  readonly place: Place;
  readonly path: string;
  /** Something is to be told, or the function to be called. */
  stir(): void;
  /** Nothing is told any more, and nothing recorded. */
  drop(): void;
  /** The code of a call; undefined: the function has not come to it yet, and has it executed then. */
  stepOf(call: number, command: Execute): CalledStep | undefined;
}
