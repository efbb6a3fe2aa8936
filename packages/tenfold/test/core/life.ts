/**
 * A run lived through by core alone: its open commands are answered one by one, in any order, and journaled.
 * Invariant: what is open is what core asked for and was not answered; nothing else is remembered.
 */
import { choose } from "../../src/core/choose.ts";
import { dueOf, openRequest } from "../../src/core/constructs/approval.ts";
import { openCalled } from "../../src/core/constructs/call.ts";
import { openDoubt } from "../../src/core/constructs/undertaking.ts";
import type { Command } from "../../src/core/command.ts";
import { compileGraph, type CompiledGraph } from "../../src/core/compile.ts";
import type { Entry, RunError } from "../../src/core/entry.ts";
import { pathOf } from "../../src/core/path.ts";
import { begin, openWork, reduce, resume } from "../../src/core/reduce.ts";
import { ASLEEP, outputFrom, type Place, type RunState } from "../../src/core/state.ts";
import { evaluate } from "../../src/flow/evaluate.ts";
import type { ApprovalNode, WaitNode } from "../../src/flow/graph.ts";
import * as flow from "../../src/flow/index.ts";
import type { WorkflowDefinition } from "../../src/flow/definition.ts";
import type { Answers, Fate } from "./answers.ts";
import { TenfoldError } from "../../src/value/error.ts";
import type { Json } from "../../src/value/json.ts";
import { checkAsked } from "./check-asked.ts";
import { generationAt } from "./undone.ts";
import { LifeScripts } from "./life-scripts.ts";

export { answering, Failure, type Answers, type Fate } from "./answers.ts";

export const RUN = "r";
export const NOW = 1_760_000_000_000;

export type NodeCommand = Extract<Command, { place: Place }>;
export type Ending = Extract<Command, { kind: "finish" | "fail" | "cancel" }>;

/** The constructs without their types: whether these hold is the flow floor's business. */
export const untyped: any = flow;

/** Draws a workflow whose values have no types. */
export function drawn(write: (input: any) => unknown): WorkflowDefinition {
  return untyped.workflow("w", { flow: write }) as WorkflowDefinition;
}

/** A step that is drawn without types; what it answers is said by `Answers`. */
export function stepNamed(name: string): any {
  return untyped.step(name, { run: (given: unknown) => given });
}

export class Life {
  readonly #scripts = new LifeScripts(this);
  readonly compiled: CompiledGraph;
  readonly input: Json;
  readonly state: RunState;
  readonly entries: Entry[] = [];
  open: NodeCommand[] = [];
  endings: Ending[] = [];
  /** Calls whose children were let go, with the attempt that they were asked for in. */
  disowned: string[] = [];
  at = NOW;

  constructor(compiled: CompiledGraph, input: Json, entries: readonly Entry[] = []) {
    this.compiled = compiled;
    this.input = input;
    const commands: Command[] = [];
    this.state = begin(compiled, { run: RUN, input, startedAt: NOW }, commands);
    if (entries.length > 0) {
      for (const entry of entries) reduce(this.state, entry, []);
      commands.length = 0;
      openWork(this.state, commands);
    }
    this.entries.push(...entries);
    this.#obey(commands);
  }

  static of(definition: WorkflowDefinition, input: Json = null): Life {
    return new Life(compileGraph(definition.graph), input);
  }

  /** The same run, loaded from its journal as it is now. */
  reloaded(): Life {
    return new Life(this.compiled, this.input, this.entries);
  }

  get ending(): Ending | undefined {
    return this.endings.at(-1);
  }

  pathOf({ frame, node }: Place): string {
    return pathOf(this.compiled, frame, node);
  }

  /** What is open, as text: the kind, the path and the attempt; the wait for an attempt counts as that attempt. */
  get asked(): string[] {
    const texts = this.open.map((command) => {
      // What was begun is in doubt for whoever loads it.
      const kind = ({ wait: "execute", perform: "doubt" } as Record<string, string>)[command.kind] ?? command.kind;
      return `${kind} ${this.pathOf(command.place)}${"attempt" in command ? ` ${command.attempt}` : ""}`;
    });
    return texts.sort();
  }

  /** Records `entry` and takes note of what core asks for. */
  record(entry: Entry): void {
    const commands: Command[] = [];
    this.entries.push(entry);
    reduce(this.state, entry, commands);
    this.#obey(commands);
    if (this.entries.length < 100) checkAsked(this.state);
  }

  cancel(message = "c1", how: { undo?: true } = {}): void {
    this.record({ kind: "cancelled", at: ++this.at, message, reason: "no longer wanted", ...how });
  }

  retry(message = "r1", how: { from?: string; newKeys?: true } = {}): void {
    this.endings = [];
    this.record({ kind: "retried", at: ++this.at, message, ...how });
  }

  /** Answers one open command. */
  answer(command: NodeCommand, answers: Answers): void {
    this.open = this.open.filter((other) => other !== command);
    const { place } = command;
    const node = this.pathOf(place);
    const at = ++this.at;
    switch (command.kind) {
      case "wait":
        resume(place);
        this.open.push({ kind: "execute", place, attempt: command.attempt });
        return;
      case "execute":
        if (answers.isOnce?.(node) !== true) return this.#settle(command, answers);
        return this.record({ kind: "begun", node, at, attempt: command.attempt });
      case "perform":
        // Its worker may die; what has to fail fails by itself.
        if (this.entries.length % 3 === 0 && "output" in this.#fateOf(command, node, answers))
          return this.#doubt(node, command.attempt);
        return this.#settle(command, answers);
      case "doubt":
        return this.#doubt(node, command.attempt);
      case "derive": {
        if (place.node.node.kind !== "derive") throw new Error("only a derive is derived");
        const read = outputFrom(this.compiled, place.frame);
        const inputs = place.node.node.inputs.map((input) => evaluate(input, read));
        const output = answers.deriveOf(place.node.node.id, inputs);
        return this.record({ kind: "done", node, at, attempt: 0, output, tookMs: 0 });
      }
      case "choose": {
        const choice = choose(this.state, place);
        if (choice.kind === "chose") return this.record({ kind: "chose", node, at, arm: choice.arm });
        return this.#refuse(node, choice.error);
      }
      case "sleep":
        if (place.node.node.kind === "approval") return this.#endApproval(command, place.node.node, answers);
        if (place.node.node.kind === "call") return this.#endChild(command.place, answers);
        if (place.node.node.kind === "wait") return this.#endWait(command, place.node.node, answers);
        if (place.node.node.kind === "step") return this.#endDoubt(command, answers);
        this.at = Math.max(at, command.until);
        return this.record({ kind: "done", node, at: this.at, attempt: 0, output: null, tookMs: 0 });
      case "refuse":
        return this.#refuse(node, command.error);
      case "call":
        // Its result may come before it is known to be there.
        if (this.entries.length % 3 === 0) return this.#endChild(command.place, answers);
        return this.record({ kind: "called", node, at, attempt: command.attempt, child: `child of ${node}` });
      case "undo":
        return this.#undo(command, answers);
      case "script":
      case "answer":
        throw new Error("what a script is told it is told at once");
      case "disown":
        throw new Error("a child that is let go is asked for by nobody");
      case "abandon":
        return this.record({ kind: "abandoned", node, at });
    }
  }

  /** Answers the open command of the node at `path`. */
  answerAt(path: string, answers: Answers): void {
    const command = this.open.find(({ place }) => this.pathOf(place) === path);
    if (command === undefined) throw new Error(`${path} is not open; open: ${this.asked.join(", ")}`);
    this.answer(command, answers);
  }

  /** Answers whatever is open, in the order that `pick` says, until nothing is. */
  play(answers: Answers, pick: (count: number) => number = () => 0): this {
    while (this.open.length > 0) this.answer(this.open[pick(this.open.length)]!, answers);
    return this;
  }

  /** What has no timeout is sent a signal; another node may have waited longer for one like it. */
  #endWait(command: Extract<NodeCommand, { kind: "sleep" }>, wait: WaitNode, { signalOf }: Answers): void {
    const { place } = command;
    if (wait.timeoutMs !== null) {
      this.at = Math.max(this.at, command.until);
      return this.record({ kind: "timed-out", node: this.pathOf(place), at: this.at });
    }
    const whom = wait.for === null ? null : String(evaluate(wait.for, outputFrom(this.compiled, place.frame)));
    this.open.push(command);
    this.signal(wait.signal, whom, signalOf?.(wait.signal, whom));
  }

  /** What has no timeout is decided by people, one after the other; else it is shown again until its time is over. */
  #endApproval(command: Extract<NodeCommand, { kind: "sleep" }>, { timeoutMs }: ApprovalNode, answers: Answers): void {
    const node = this.pathOf(command.place);
    if (timeoutMs === null) {
      const given = openRequest(command.place)!.approvals.length;
      const { by, verdict } = answers.votesOf!(node)[given]!;
      this.open.push(command);
      return this.decide(node, verdict, by);
    }
    this.at = Math.max(this.at, command.until);
    this.record({ kind: dueOf(command.place, this.at)!, node, at: this.at });
  }

  /** An attempt comes to what it has to. */
  #settle(command: Extract<NodeCommand, { kind: "execute" | "perform" }>, answers: Answers): void {
    const { place, attempt } = command;
    const node = this.pathOf(place);
    const at = this.at;
    const fate = this.#fateOf(command, node, answers);
    if ("output" in fate) return this.record({ kind: "done", node, at, attempt, output: fate.output, tookMs: 1 });
    const error = { code: fate.code ?? "STEP_FAILED", message: fate.error, node, attempt };
    this.record({ kind: "failed", node, at, attempt, error, retryAt: fate.retryAt ?? null, tookMs: 1 });
  }

  #doubt(node: string, attempt: number): void {
    const error = { code: "STEP_FAILED", message: "who knows", node, attempt };
    this.record({ kind: "unsure", node, at: this.at, attempt, error });
  }

  /** Somebody knows what came of it: what must fail has not happened. */
  #endDoubt(command: NodeCommand, answers: Answers): void {
    const { place } = command;
    const doubt = openDoubt(place);
    // While what is around it is undone nobody is asked.
    if (doubt === undefined) return void this.open.push(command);
    const node = this.pathOf(place);
    const fate = this.#fateOf({ place, attempt: doubt.attempt }, node, answers);
    const happened = "output" in fate && this.entries.length % 2 === 0;
    this.resolve(node, doubt.attempt, happened, happened ? fate.output : undefined);
  }

  resolve(node: string, attempt: number, happened: boolean, output?: Json, message = `u${this.entries.length}`): void {
    this.open = this.open.filter(({ place }) => openDoubt(place)?.attempt !== attempt || this.pathOf(place) !== node);
    this.record({ kind: "resolved", node, at: this.at, message, attempt, happened, output, by: "kim", comment: null });
  }

  #endChild(place: Place, { stepOf, childOf = stepOf }: Answers): void {
    const { node } = place.node;
    if (node.kind !== "call") throw new Error("only a call has a child");
    const path = this.pathOf(place);
    const { attempt } = openCalled(place)!;
    const input = evaluate(node.input, outputFrom(this.compiled, place.frame));
    this.returns(path, attempt, childOf(path, node.workflow, input, attempt));
  }

  returns(node: string, attempt: number, fate: Fate, message = `m${this.entries.length}`): void {
    const ended =
      "output" in fate
        ? ({ status: "completed", output: fate.output } as const)
        : ({
            status: "failed",
            error: { code: "STEP_FAILED", message: fate.error, node: "inside", attempt: 1 },
          } as const);
    this.record({ kind: "returned", node, at: this.at, message, attempt, child: `child of ${node}`, ...ended });
  }

  /** Of the request that is open now, unless it is said which time it was asked. */
  decide(
    node: string,
    verdict: "approved" | "refused",
    by: string,
    message = `d${this.entries.length}`,
    generation = generationAt(this.state, node),
  ): void {
    const again = generation === 0 ? {} : { generation };
    this.record({ kind: "decided", at: this.at, message, node, verdict, by, roles: [], comment: null, ...again });
  }

  signal(signal: string, whom: string | null, payload: Json | undefined, message = `s${this.entries.length}`): void {
    this.record({ kind: "signalled", at: this.at, message, signal, for: whom, payload });
  }

  #fateOf(
    { place, attempt }: { readonly place: Place; readonly attempt: number },
    path: string,
    answers: Answers,
  ): Fate {
    const { node } = place.node;
    if (node.kind !== "step") throw new Error("only a step is executed");
    try {
      const input = evaluate(node.input, outputFrom(this.compiled, place.frame));
      return answers.stepOf(path, node.step, input, attempt);
    } catch (thrown) {
      if (thrown instanceof TenfoldError) return { code: thrown.code, error: thrown.message };
      throw thrown;
    }
  }

  #undo({ place, undo, attempt, until }: Extract<NodeCommand, { kind: "undo" }>, { undoOf }: Answers): void {
    const { node } = place.node;
    if (node.kind !== "step") throw new Error("only a step is undone");
    const read = outputFrom(this.compiled, place.frame);
    this.at = Math.max(this.at, until);
    const fate = undoOf?.(undo.path, evaluate(node.input, read), read(place.node.index), attempt) ?? { output: null };
    const line = { node: undo.path, at: this.at, attempt, tookMs: 1 };
    if ("output" in fate) return this.record({ kind: "undone", ...line });
    const error = { code: "STEP_FAILED", message: fate.error, node: undo.path, attempt };
    this.record({ kind: "undo-failed", ...line, error, retryAt: fate.retryAt ?? null });
  }

  #refuse(node: string, error: RunError): void {
    this.record({ kind: "failed", node, at: this.at, attempt: 0, error, retryAt: null, tookMs: 0 });
  }

  #obey(commands: readonly Command[]): void {
    for (const command of commands) {
      if (!("place" in command)) {
        this.endings.push(command);
        continue;
      }
      if (command.kind === "script" || command.kind === "answer") {
        this.#scripts.stir(command.place, command.kind === "script" && command.isAnew);
        continue;
      }
      if (command.kind === "disown") {
        this.disowned.push(`${this.pathOf(command.place)} ${command.attempt}`);
        continue;
      }
      const { frame, node } = command.place;
      const isOther = (other: NodeCommand) => other.place.frame !== frame || other.place.node !== node;
      if (["abandon", "sleep", "call", "undo"].includes(command.kind)) this.open = this.open.filter(isOther);
      else if (!this.open.every(isOther)) throw new Error(`${this.pathOf(command.place)} is asked for twice`);
      this.open.push(command);
    }
    const sleeps = this.compiled.graph.nodes.some(({ kind }) =>
      ["sleep", "wait", "approval", "call", "script"].includes(kind),
    );
    if (!sleeps && this.state.unsure === null) return;
    // Nobody waits for a sleep once its run, or its item, has come to its end.
    const isOver = this.endings.length > 0 || this.state.cancelled !== null;
    this.open = this.open.filter(({ kind, place: { frame, node } }) => {
      return (kind !== "sleep" && kind !== "call") || (!isOver && frame.waits[node.local] === ASLEEP);
    });
    this.#scripts.tell();
  }
}
