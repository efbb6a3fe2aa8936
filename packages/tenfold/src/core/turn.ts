/** One entry's effect while it happens, and the moves of a run that every construct is made of. */
import type { Json } from "../value/json.ts";
import type { Command } from "./command.ts";
import type { CompiledNode } from "./compile.ts";
import type { RunError } from "./entry.ts";
import type { Frame, Place, RunState } from "./state.ts";

/** The state that an entry changes, when it happened, and what it asks for. */
export interface Turn {
  readonly state: RunState;
  readonly at: number;
  readonly commands: Command[];
  readonly moves: Moves;
}

/** What advance.ts does for the constructs, which it knows by their kinds. */
export interface Moves {
  /** Starts what a new frame finds ready. */
  openFrame(turn: Turn, frame: Frame): void;
  /** Opens a frame and sees what has come of it at once. */
  enterFrame(turn: Turn, frame: Frame): void;
  /** The node goes on with what is drawn in one of its scopes: an arm, a body, what runs otherwise. */
  openInner(turn: Turn, place: Place, scope: number, isBoundary: boolean, input: Json | undefined): void;
  /** Opens a node that is ready, now or again. */
  openNode(turn: Turn, frame: Frame, node: CompiledNode): void;
  /** The node has its result. */
  finishNode(turn: Turn, frame: Frame, node: CompiledNode, output: Json | undefined): void;
  /** The node has its result, and those that wait for it start; its frame waits until it is closed. */
  hearNode(turn: Turn, frame: Frame, node: CompiledNode, output: Json | undefined): void;
  /** Nothing of a node that was heard is under way any more. */
  closeNode(turn: Turn, frame: Frame): void;
  /** The node failed for good. */
  failNode(turn: Turn, frame: Frame, node: CompiledNode, error: RunError): void;
  /** After a node closed: is its frame finished, or has a boundary that fails come to rest? */
  settle(turn: Turn, frame: Frame): void;
}
