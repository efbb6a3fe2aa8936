/** The form of an objective: `volume: "500/day"`, `finish: "p95 < 2m"` and their like, checked when it is written, and read. */
import { durationMs, unitMsOf } from "../value/duration.ts";
import { TenfoldError } from "../value/error.ts";
import type { Expect } from "./definition.ts";
import { checkOptionNames } from "./options.ts";

interface Form {
  readonly example: string;
  readonly pattern: RegExp;
  /** The groups of `pattern` that are durations. */
  readonly durations: readonly number[];
}

const RATE = /^(\d[\d_,]*(?:\.\d+)?)\s*\/\s*(s|sec|second|min|minute|h|hour|day|week|month|year)$/;
/** In the long run: a month and a year as the calendar has them on average. */
const YEAR_MS = 365.25 * 86_400_000;
const MONTH_MS = YEAR_MS / 12;

const FORMS: Readonly<Record<keyof Expect, Form>> = {
  volume: { example: "500/day", pattern: RATE, durations: [] },
  peak: { example: "20/min", pattern: RATE, durations: [] },
  finish: { example: "p95 < 2m", pattern: /^p(\d{1,2}(?:\.\d+)?)\s*<\s*(.+)$/, durations: [2] },
  failed: { example: "< 0.1%", pattern: /^<\s*(\d+(?:\.\d+)?)\s*%$/, durations: [] },
  drain: { example: "< 15m after 10m", pattern: /^<\s*(.+?)\s+after\s+(.+)$/, durations: [1, 2] },
  cost: { example: "< $0.02", pattern: /^<\s*[$€£]\s*(\d+(?:\.\d+)?)$/, durations: [] },
};

/** Refuses an objective of the wrong form; answers it frozen. */
export function checkExpect(workflow: string, expect: Expect): Expect {
  const owner = `\`expect\` of workflow "${workflow}"`;
  checkOptionNames(owner, expect, { known: Object.keys(FORMS), later: [] }, "OBJECTIVE_INVALID");
  for (const [name, text] of Object.entries(expect) as [keyof Expect, string | undefined][]) {
    if (text !== undefined && !fits(FORMS[name], text)) {
      throw new TenfoldError(
        "OBJECTIVE_INVALID",
        `Workflow "${workflow}": \`expect.${name}\` is ${JSON.stringify(text)}, which is no objective of that kind; the workflow was not defined. Write it like "${FORMS[name].example}".`,
        { facts: { workflow, name, text } },
      );
    }
  }
  return Object.freeze({ ...expect });
}

function fits({ pattern, durations }: Form, text: unknown): boolean {
  const found = typeof text === "string" ? pattern.exec(text.trim()) : null;
  if (found === null) return false;
  const [, amount] = found;
  if (durations.length === 0 && Number(amount!.replaceAll(/[_,]/g, "")) <= 0) return false;
  return durations.every((group) => isDuration(found[group]!));
}

function isDuration(text: string): boolean {
  try {
    return durationMs(text) > 0;
  } catch {
    return false;
  }
}

/** So many percent of what it is about take no longer, and how that was written. */
export interface Quantile {
  readonly percent: number;
  readonly withinMs: number;
  readonly text: string;
}

/** Reads "p95 < 2m"; null where that is none. */
export function readQuantile(written: string): Quantile | null {
  if (!fits(FORMS.finish, written)) return null;
  const text = written.trim();
  const [, percent, within] = FORMS.finish.pattern.exec(text)!;
  return { percent: Number(percent), withinMs: durationMs(within!), text };
}

/** So many runs in so many milliseconds, and how that was written. */
export interface ExpectedRate {
  readonly count: number;
  readonly perMs: number;
  readonly text: string;
}

/** What is expected, as numbers; null where nothing is. Of `failed` and `cost` nothing can be computed before a run. */
export interface Objective {
  readonly volume: ExpectedRate | null;
  readonly peak: ExpectedRate | null;
  /** So many percent of the runs end within this time. */
  readonly finish: Quantile | null;
  /** What a peak of `afterMs` has left waiting is worked off within this time. */
  readonly drain: { readonly withinMs: number; readonly afterMs: number; readonly text: string } | null;
}

/** Reads an objective that `checkExpect` has checked. */
export function objectiveOf({ volume, peak, finish, drain }: Expect = {}): Objective {
  const drained = partsOf("drain", drain);
  return {
    volume: rateOf("volume", volume),
    peak: rateOf("peak", peak),
    finish: finish === undefined ? null : readQuantile(finish),
    drain: drained && {
      withinMs: durationMs(drained.parts[0]!),
      afterMs: durationMs(drained.parts[1]!),
      text: drained.text,
    },
  };
}

function rateOf(name: "volume" | "peak", given: string | undefined): ExpectedRate | null {
  const found = partsOf(name, given);
  if (found === null) return null;
  const [amount, unit] = found.parts;
  const count = Number(amount!.replaceAll(/[_,]/g, ""));
  const perMs = unit === "month" ? MONTH_MS : unit === "year" ? YEAR_MS : unitMsOf(unit!)!;
  return { count, perMs, text: found.text };
}

function partsOf(name: keyof Expect, given: string | undefined) {
  if (given === undefined) return null;
  const text = given.trim();
  return { text, parts: FORMS[name].pattern.exec(text)!.slice(1) };
}
