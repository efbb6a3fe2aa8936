/** The form of an objective: `volume: "500/day"`, `finish: "p95 < 2m"` and their like, checked when it is written. */
import { durationMs } from "../value/duration.ts";
import { TenfoldError } from "../value/error.ts";
import type { Expect } from "./definition.ts";
import { checkOptionNames } from "./options.ts";

interface Form {
  readonly example: string;
  readonly pattern: RegExp;
  /** The groups of `pattern` that are durations. */
  readonly durations: readonly number[];
}

const RATE = /^(\d[\d_,]*(?:\.\d+)?)\s*\/\s*(?:s|sec|second|min|minute|h|hour|day|week|month|year)$/;

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
