/** The calls of bodies in a test, in order: real ones and stubs, those of workers that died among them. */
import type { StepContext } from "../flow/definition.ts";
import { durationText } from "../value/duration.ts";
import { startedAtOfRun } from "../value/id.ts";
import { jsonProblem, copyJson, type Json } from "../value/json.ts";
import { isMeant, type Uses } from "./stubs.ts";

/** One call of a step's body. */
export interface Call<I = unknown> {
  readonly workflow: string;
  /** The run's id. */
  readonly run: string;
  /** The node's path. */
  readonly node: string;
  readonly attempt: number;
  /** The idempotency key: the same for every attempt of the node. */
  readonly key: string;
  /** What the body was given. */
  readonly input: I;
  /** The virtual time of the call (ms since 1970). */
  readonly at: number;
  /** The same since the run's start: "3d". */
  readonly after: string;
}

/** One call of a step's undo. */
export interface UndoCall<I = unknown, O = unknown> extends Call<I> {
  /** What is recorded of the step; undefined where it is not known whether it has happened. */
  readonly output: O | undefined;
}

export class CallLog {
  readonly #calls: { readonly step: string; readonly call: Call | UndoCall }[] = [];

  note(
    step: string,
    input: unknown,
    { run, node, attempt, key }: StepContext,
    at: number,
    undoes: { readonly output: unknown } | null,
  ): void {
    // A body may change what it is given; what is no JSON has no such copy.
    const given = input === undefined || jsonProblem(input) !== undefined ? input : copyJson(input as Json);
    const after = durationText(at - startedAtOfRun(run.id));
    this.#calls.push({
      step,
      call: { workflow: run.workflow, run: run.id, node, attempt, key, input: given, at, after, ...undoes },
    });
  }

  of(uses: Uses): readonly Call[] {
    return this.#meant(uses).filter((call) => !("output" in call));
  }

  undosOf(uses: Uses): readonly UndoCall[] {
    return this.#meant(uses).filter((call) => "output" in call);
  }

  #meant(uses: Uses): readonly (Call | UndoCall)[] {
    return this.#calls.flatMap(({ step, call }) => (isMeant(uses, { ...call, step }) ? [call] : []));
  }
}
