/** One run of a simulation: its state, as core has it, and what it waits to have written. */
import type { Command } from "../../core/command.ts";
import type { Frame, Place, RunState } from "../../core/state.ts";
import { drawn, identity, PURPOSE } from "../model/chance.ts";
import type { SimulatedWorkflow } from "./world.ts";

/** The node of another run that waits for this one. */
export interface SimulatedCaller {
  readonly run: SimulatedRun;
  readonly place: Place;
  readonly attempt: number;
}

export type Ending = Extract<Command, { kind: "finish" | "fail" | "cancel" }>;

export class SimulatedRun {
  readonly workflow: SimulatedWorkflow;
  /** The number of those that came before it. */
  readonly serial: number;
  /** Sorts by when it came. */
  readonly id: string;
  readonly identity: number;
  /** When it was to start, whatever delayed that. */
  readonly cameAt: number;
  /** Null: nobody waits for it. */
  readonly caller: SimulatedCaller | null;
  readonly key: string;
  state: RunState = null as unknown as RunState;
  /** What is to be done once what led to it is written. */
  deferred: Command[] = [];
  /** What goes on, beside that, once it is. */
  settling: (() => void)[] = [];
  /** Lines of its journal that are not written. */
  unwritten = 0;
  isDirty = false;
  ending: Ending | null = null;

  constructor(
    workflow: SimulatedWorkflow,
    serial: number,
    seed: number,
    cameAt: number,
    caller: SimulatedCaller | null = null,
  ) {
    this.workflow = workflow;
    this.serial = serial;
    this.id = String.fromCharCode(serial >>> 16, serial & 0xffff);
    this.identity = identity(identity(seed, workflow.number), serial);
    this.cameAt = cameAt;
    // A child belongs to its parent's customer.
    this.key = caller?.run.key ?? keyOf(workflow, this.identity);
    this.caller = caller;
  }

  /** The identity of what is drawn for a node of it. */
  identityOf({ frame, node }: Place): number {
    return identity(this.#identityIn(frame), node.index);
  }

  #identityIn(frame: Frame): number {
    if (frame.parent === null) return this.identity;
    return identity(identity(this.#identityIn(frame.parent), frame.scope.owner), frame.item);
  }
}

function keyOf({ keyOf: nth }: SimulatedWorkflow, run: number): string {
  return nth === null ? "" : String(nth(drawn(run, PURPOSE.key)));
}
