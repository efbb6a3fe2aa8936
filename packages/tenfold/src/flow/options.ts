/** Options as they were given: an unknown one, or one of a later release, is refused by name, never ignored. */
import { describe } from "../value/describe.ts";
import { durationMs } from "../value/duration.ts";
import { TenfoldError, type ErrorCode } from "../value/error.ts";
import { nearestName } from "../value/nearest.ts";
import type { StepOverrides } from "./definition.ts";

/** The options of one thing: those that it takes, and those that a later release will take. */
export interface OptionNames {
  readonly known: readonly string[];
  readonly later: readonly string[];
}

const RETRY: OptionNames = {
  known: ["attempts", "backoff", "first", "max", "jitter", "unless", "budget"],
  later: [],
};
const OVERRIDES: OptionNames = { known: ["retry", "timeout"], later: [] };

/** Refuses every option of `owner` (for example `step "enrich"`) that is not in `names.known`. */
export function checkOptionNames(owner: string, options: unknown, names: OptionNames, code: ErrorCode): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw refused(code, owner, `its options are ${describe(options)}`, `Give an object: \`{ ${names.known[0]}: … }\`.`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || names.known.includes(name)) continue;
    if (names.later.includes(name)) {
      throw refused(
        "OPTION_UNSUPPORTED",
        owner,
        `the option \`${name}\` is not supported by this release`,
        `Leave \`${name}\` out; it is never ignored silently.`,
        { option: name },
      );
    }
    const nearest = nearestName(name, [...names.known, ...names.later]);
    throw refused(
      "OPTION_UNSUPPORTED",
      owner,
      `there is no option \`${name}\``,
      nearest === undefined
        ? `The options are: ${names.known.join(", ")}.`
        : `Did you mean \`${nearest}\`? The options are: ${names.known.join(", ")}.`,
      { option: name, nearest },
    );
  }
}

/** Checks what one use of a step sets anew. */
export function checkOverrides(owner: string, overrides: StepOverrides): StepOverrides {
  checkOptionNames(owner, overrides, OVERRIDES, "STEP_INVALID");
  return checkRetryAndTimeout(owner, overrides);
}

/** Checks the values of `retry` and `timeout`, and answers just them, frozen. */
export function checkRetryAndTimeout(owner: string, { retry, timeout }: StepOverrides): StepOverrides {
  if (retry !== undefined) checkRetry(owner, retry);
  if (timeout !== undefined && durationMs(timeout, `the timeout of ${owner}`) === 0) {
    throw refused("DURATION_INVALID", owner, "its timeout is 0, so no attempt could end in time", `Write "10s".`);
  }
  return Object.freeze({
    ...(retry === undefined ? {} : { retry: Object.freeze({ ...retry }) }),
    ...(timeout === undefined ? {} : { timeout }),
  });
}

function checkRetry(owner: string, retry: NonNullable<StepOverrides["retry"]>): void {
  checkOptionNames(`the retry of ${owner}`, retry, RETRY, "STEP_INVALID");
  const { attempts, backoff, first, max, jitter, unless, budget } = retry;
  const demand = (holds: boolean, option: string, value: unknown, wayOut: string): void => {
    if (!holds) throw refused("STEP_INVALID", owner, `its \`retry.${option}\` is ${describe(value)}`, wayOut);
  };
  demand(
    attempts === undefined || (Number.isInteger(attempts) && attempts >= 1),
    "attempts",
    attempts,
    "Give the number of attempts in all, the first included: a whole number from 1.",
  );
  demand(
    backoff === undefined || backoff === "exponential" || backoff === "constant",
    "backoff",
    backoff,
    `Write "exponential" or "constant".`,
  );
  demand(jitter === undefined || jitter === "full" || jitter === "none", "jitter", jitter, `Write "full" or "none".`);
  demand(
    unless === undefined || typeof unless === "function",
    "unless",
    unless,
    "Give a function of the error that answers true where it is final.",
  );
  if (isAsyncFunction(unless)) {
    throw refused(
      "STEP_INVALID",
      owner,
      "its `retry.unless` is async, and what it decides is needed at once",
      "Give a plain function of the error that answers true where it is final.",
    );
  }
  const share = /^(\d+(?:\.\d+)?)%$/.exec(budget ?? "10%");
  demand(
    share !== null && Number(share[1]) > 0 && Number(share[1]) <= 100,
    "budget",
    budget,
    `Give the share of attempts that may be retries, above 0% and up to 100%: "10%".`,
  );
  const firstMs = first === undefined ? 0 : durationMs(first, `\`retry.first\` of ${owner}`);
  const maxMs = max === undefined ? Infinity : durationMs(max, `\`retry.max\` of ${owner}`);
  demand(firstMs <= maxMs, "first", first, `Make it no longer than \`retry.max\`, which is ${describe(max)}.`);
}

/** A definition that is refused for one of its options. */
export function refused(
  code: ErrorCode,
  owner: string,
  happened: string,
  wayOut: string,
  facts: Readonly<Record<string, unknown>> = {},
): TenfoldError {
  return new TenfoldError(code, `The ${owner.replace(/^the /, "")} was not defined: ${happened}. ${wayOut}`, {
    facts: { owner, ...facts },
  });
}

/** Whether `code` is an `async` function: that shows before it is called. */
export function isAsyncFunction(code: unknown): boolean {
  return Object.prototype.toString.call(code) === "[object AsyncFunction]";
}
