/**
 * Which failures of a script's calls a retry takes back, and what its function is told then.
 * Invariant: the recorded calls stay what they are; each comes after the answers that it came after, less those taken back.
 */
import type { ScriptCall, ScriptCalls } from "../state.ts";

/** What a function is told, and what it is to have called by then. */
export interface Told {
  readonly answers: ScriptCalls["answers"];
  /** By the number of the call: how many of the answers it had heard. */
  readonly heard: readonly number[];
}

/** Calls that failed and that the function had heard of before it made its last call: that one may follow from them. */
export function failuresGoneOnFrom(child: ScriptCalls): readonly number[] {
  return child.answers
    .slice(0, heardAtLast(child))
    .flatMap(({ call }) => (child.calls[call]!.failed === null ? [] : [call]));
}

/** Calls whose failures a retry takes back: those that no other call came after, and those that are known to have led to none. */
export function failuresTakenBack(child: ScriptCalls): ReadonlySet<number> {
  const harmless = new Set(child.harmless);
  const last = heardAtLast(child);
  const failed = child.answers.filter(({ call }, nth) => {
    return child.calls[call]!.failed !== null && (nth >= last || harmless.has(call));
  });
  return new Set(failed.map(({ call }) => call));
}

/** What is told where these calls have not failed. */
export function toldWithout(
  { calls, answers }: Pick<ScriptCalls, "calls" | "answers">,
  gone: ReadonlySet<number>,
): Told {
  const goneBefore = [0];
  for (const { call } of answers) goneBefore.push(goneBefore.at(-1)! + (gone.has(call) ? 1 : 0));
  return {
    answers: answers.filter(({ call }) => !gone.has(call)),
    heard: calls.map(({ heard }) => heard - goneBefore[heard]!),
  };
}

function heardAtLast({ calls }: { readonly calls: readonly ScriptCall[] }): number {
  return calls.at(-1)?.heard ?? 0;
}
