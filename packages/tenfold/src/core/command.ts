/** What is to be done next in a run, as data: the only thing that core tells whoever drives it. */
import type { Json } from "../value/json.ts";
import type { RunError, UndoOutcome } from "./entry.ts";
import { ASLEEP, RETRYING, type Place, type Undo } from "./state.ts";

export type Command =
  /** Call the step's body; a result may be used only after what led here is durable. */
  | { readonly kind: "execute"; readonly place: Place; readonly attempt: number }
  /** Call the body that was begun: that it was is durable. */
  | { readonly kind: "perform"; readonly place: Place; readonly attempt: number }
  /** Journal that nobody knows whether this attempt has happened: it was begun, and nobody here works on it. */
  | { readonly kind: "doubt"; readonly place: Place; readonly attempt: number; readonly error: RunError }
  /** Compute a derive in the driver, and journal its result. */
  | { readonly kind: "derive"; readonly place: Place }
  /** Nothing before `until` (ms since 1970); then the node is done, or has waited for a signal in vain. */
  | { readonly kind: "sleep"; readonly place: Place; readonly until: number }
  /** Have the child of a call started, told of its parent, and, from the second attempt on, retried. */
  | { readonly kind: "call"; readonly place: Place; readonly attempt: number }
  /** Cancel the child that this attempt of a call asked for: it is needed no more. */
  | { readonly kind: "disown"; readonly place: Place; readonly attempt: number }
  /**
   * Call the function of a script, from its start, and tell it what came of the calls that it has made before; one that is
   * in memory goes on, unless what it was told was taken back.
   */
  | { readonly kind: "script"; readonly place: Place; readonly isAnew: boolean }
  /** A call of a script has come to its end: tell its function. */
  | { readonly kind: "answer"; readonly place: Place }
  /** Ask `choose` which arm a match takes, and journal it. */
  | { readonly kind: "choose"; readonly place: Place }
  /** Journal that the node failed without an attempt: its input could not be made. */
  | { readonly kind: "refuse"; readonly place: Place; readonly error: RunError }
  /** Nothing before `until`; then the node's next attempt. */
  | { readonly kind: "wait"; readonly place: Place; readonly attempt: number; readonly until: number }
  /** Call the undo of a step, not before `until`. */
  | {
      readonly kind: "undo";
      readonly place: Place;
      readonly undo: Undo;
      readonly attempt: number;
      readonly until: number;
    }
  /** Stop the node if it runs, and journal that it was abandoned if it has not. */
  | { readonly kind: "abandon"; readonly place: Place }
  | { readonly kind: "finish"; readonly output: Json | undefined }
  | { readonly kind: "fail"; readonly error: RunError }
  | { readonly kind: "cancel"; readonly reason: string; readonly undo?: UndoOutcome };

/** Whether what was put off is still to be done: a cancel, or a failure, closes nodes that had not started. */
export function isStillAsked(command: Command): boolean {
  switch (command.kind) {
    case "execute":
    case "perform":
      return command.place.frame.waits[command.place.node.local] === 0;
    case "wait":
      return command.place.frame.waits[command.place.node.local] === RETRYING;
    case "undo":
      return !command.undo.isOver;
    case "sleep":
    case "call":
      return command.place.frame.waits[command.place.node.local] === ASLEEP;
    default:
      return true;
  }
}

/** The number of a node's attempt that is open, or comes next, counted since the node began. */
export function attemptOf({ frame, node }: Place): number {
  const retries = frame.retries?.get(node.local);
  return retries === undefined ? 1 : retries.before + retries.attempts + 1;
}
