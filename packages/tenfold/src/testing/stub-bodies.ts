/** Bodies for stubs: one that fails first, one that takes its time, one that answers from a list. */
import type { StepContext } from "../flow/definition.ts";
import { durationMs, type Duration } from "../value/duration.ts";
import { TenfoldError } from "../value/error.ts";

/** What a stub is given beside its input. */
export interface StubContext extends StepContext {
  /** Lets so much virtual time pass; rejects with the signal's reason when the attempt is told to stop. */
  wait(duration: Duration): Promise<void>;
}

/** The body of a stub: it takes and answers what the step's own body does. */
export type StubBody<I, O> = (input: I, ctx: StubContext) => O | Promise<O>;

/** In the place of a step's undo: it takes the step's input, and its output where that is known. */
export type StubUndo<I, O> = (input: I, output: O | undefined, ctx: StubContext) => unknown;

/** Fails the first attempts of each node, with `error`, and is `body` from then on. */
export function failsFirst<I, O>(
  attempts: number,
  body: StubBody<I, O>,
  error: unknown = new Error("made to fail by the test"),
): StubBody<I, O> {
  if (!Number.isInteger(attempts) || attempts < 0) {
    throw new TenfoldError(
      "STUB_INVALID",
      `failsFirst was given ${String(attempts)} attempts; there is no such stub. Give how many fail, a whole number from 0.`,
    );
  }
  return (input, ctx) => {
    if (ctx.attempt <= attempts) throw error;
    return body(input, ctx);
  };
}

/** Takes so much virtual time before it is `body`: longer than the step's timeout, and the attempt times out. */
export function takes<I, O>(duration: Duration, body: StubBody<I, O>): StubBody<I, O> {
  const ms = durationMs(duration, "what a stub takes");
  return async (input, ctx) => {
    await ctx.wait(ms);
    return body(input, ctx);
  };
}

/** Answers the first call with the first, and so on; an `Error` is thrown. A call after the last has no answer: STUB_MISSING. */
export function answers<O>(...list: readonly (O | Error)[]): StubBody<unknown, O> {
  let calls = 0;
  return (_input, { node }) => {
    const answer = list[calls++];
    if (calls > list.length) {
      throw new TenfoldError(
        "STUB_MISSING",
        `${node} made call ${calls} of a stub that has ${list.length} ${list.length === 1 ? "answer" : "answers"}; the call failed. Give \`answers(…)\` one for each call, or a function.`,
        { facts: { node, calls } },
      );
    }
    if (Error.isError(answer)) throw answer;
    return answer as O;
  };
}
