/**
 * What the functions of a step's queue answer for one input: whose it is, how urgent, what it costs. Invariant: what comes out
 * can be kept and computed with; a function that throws, or answers something else, refuses the call, and nothing else.
 */
import { describe } from "../value/describe.ts";
import { disownPromise } from "../value/disown-promise.ts";
import { isColumnText } from "../value/plain-name.ts";
import { isPriority } from "./queue.ts";
import { PRIORITY_MOST, type QueueDefinition } from "./queue-definition.ts";

/** The longest key of a queue (characters): more is no name of anybody. */
const KEY_MAX = 256;

export type QueueAnswers =
  | {
      readonly ok: true;
      /** Null: the queue has no keys. */
      readonly key: string | null;
      readonly weight: number;
      readonly priority: number;
      readonly cost: number;
    }
  /** What the attempt fails with, for good: the same input would be answered the same way. */
  | { readonly ok: false; readonly code: "QUEUE_INVALID" | "COST_TOO_LARGE"; readonly message: string };

/** Asks the functions of the queue of `step`; `input` is as it is stored, and may be changed by them: give a copy. */
export function queueAnswers(step: string, queue: QueueDefinition, input: unknown): QueueAnswers {
  const asked: Asked = { step, input, refusal: null };
  const { per, priority, cost } = queue;
  const answers = {
    key: per === null ? null : ask(asked, "per.key", per.key, isKey, `a text of up to ${KEY_MAX} characters`, ""),
    weight: ask(asked, "per.weight", per?.weight ?? 1, isAboveZero, "a number above 0", 1),
    priority: ask(
      asked,
      "priority",
      priority,
      isPriority,
      `a whole number from -${PRIORITY_MOST} to ${PRIORITY_MOST}`,
      0,
    ),
    cost: ask(asked, "cost", cost ?? 1, isAboveZero, "a number above 0", 1),
  };
  return asked.refusal ?? tooLarge(step, queue, answers.cost) ?? { ok: true, ...answers };
}

interface Asked {
  readonly step: string;
  readonly input: unknown;
  refusal: Extract<QueueAnswers, { ok: false }> | null;
}

/** What `given` answers if it is a function, else itself; `instead` where that is refused. */
function ask<T>(
  asked: Asked,
  option: string,
  given: T | ((input: never) => T),
  fits: (answer: unknown) => boolean,
  what: string,
  instead: T,
): T {
  if (typeof given !== "function" || asked.refusal !== null) return typeof given === "function" ? instead : given;
  let happened: string;
  try {
    const answer = (given as (input: unknown) => T)(asked.input);
    if (fits(answer)) return answer;
    disownPromise(answer);
    happened = `answered ${describe(answer)}, and has to answer ${what}`;
  } catch (thrown) {
    happened = `threw ${thrown instanceof Error ? describe(thrown.message) : describe(thrown)}`;
  }
  const message = `The step "${asked.step}" was not called: its \`queue.${option}\` ${happened}. It is given the step's input as it is stored, before the step's schema.`;
  asked.refusal = { ok: false, code: "QUEUE_INVALID", message };
  return instead;
}

function isKey(answer: unknown): boolean {
  return isColumnText(answer) && answer.length <= KEY_MAX;
}

function isAboveZero(answer: unknown): boolean {
  return Number.isFinite(answer) && (answer as number) > 0;
}

/** A call that takes more than may ever start at once could never start, and would keep the line behind it waiting for ever. */
function tooLarge(step: string, { rate, per, limit }: QueueDefinition, cost: number): QueueAnswers | null {
  const bursts = [
    ["`queue.rate`", rate?.burst],
    ["`queue.per.rate`", per?.rate?.burst],
    [`the limit "${limit?.name}"`, limit?.rate?.burst],
  ] as const;
  const exceeded = bursts.find(([, burst]) => cost > (burst ?? Infinity));
  if (exceeded === undefined) return null;
  const [whose, burst] = exceeded;
  const message = `The step "${step}" was not called: it costs ${cost}, and never more than ${burst} starts at once by ${whose}, so it could never run. Write a burst that the largest call fits into: \`rate: "… burst ${Math.ceil(cost)}"\`.`;
  return { ok: false, code: "COST_TOO_LARGE", message };
}
