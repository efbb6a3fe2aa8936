/** Asks a step's `retry.unless` whether a failed attempt is final, and tells where it could not say. */
import type { RunError } from "../core/entry.ts";
import type { RetryOptions } from "../flow/definition.ts";
import { disownPromise } from "../value/disown-promise.ts";
import { textsOf, type Settled } from "./body.ts";

type Failed = Extract<Settled, { ok: false }>;

/**
 * The failure as `unless` judges it. One that throws has decided nothing, so the failure is not final: attempts are
 * bounded and have the same key, while a run that a slip of the predicate fails for good waits for a person. One that
 * answers a promise could never decide: that is a mistake of the definition, which would repeat, so it is final.
 */
export function judged(unless: RetryOptions["unless"], failed: Failed): Failed {
  if (unless === undefined || failed.isFinal) return failed;
  let answer: unknown;
  try {
    answer = unless(failed.thrown);
  } catch (thrown) {
    const slip = textsOf(thrown).message;
    return told(
      failed,
      `And \`retry.unless\` threw when it was asked whether that is final: ${slip}. It counts as not final.`,
    );
  }
  if (!disownPromise(answer)) return { ...failed, isFinal: Boolean(answer) };
  const refused = told(
    failed,
    "And `retry.unless` answered a promise when it was asked whether that is final; it has to answer true or false at once. The step is not attempted again until that is corrected.",
  );
  return { ...refused, error: { ...refused.error, code: "STEP_INVALID" }, isFinal: true };
}

function told(failed: Failed, sentence: string): Failed {
  const { message } = failed.error;
  const error: RunError = {
    ...failed.error,
    message: `${/[.!?]$/.test(message) ? message : `${message}.`} ${sentence}`,
  };
  return { ...failed, error };
}
