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

export class CallLog {
  readonly #calls: { readonly step: string; readonly call: Call }[] = [];

  note(step: string, input: unknown, { run, node, attempt, key }: StepContext, at: number): void {
    // A body may change what it is given; what is no JSON has no such copy.
    const given = input === undefined || jsonProblem(input) !== undefined ? input : copyJson(input as Json);
    const after = durationText(at - startedAtOfRun(run.id));
    this.#calls.push({
      step,
      call: { workflow: run.workflow, run: run.id, node, attempt, key, input: given, at, after },
    });
  }

  of(uses: Uses): readonly Call[] {
    return this.#calls.flatMap(({ step, call }) => (isMeant(uses, { ...call, step }) ? [call] : []));
  }
}
