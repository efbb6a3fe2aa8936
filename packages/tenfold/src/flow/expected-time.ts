/** How long a step is expected to take, and may wait in its queue, before anything of it was measured: `takes`, `wait`. */
import { describe } from "../value/describe.ts";
import { durationMs } from "../value/duration.ts";
import { readQuantile, type Quantile } from "./expect.ts";
import { refused } from "./options.ts";

/** As `takes` says it: half of the attempts take no longer, and 95 % (ms). */
export interface ExpectedTime {
  readonly p50Ms: number;
  readonly p95Ms: number;
}

export interface ExpectedOptions {
  readonly takes?: string;
  readonly wait?: string;
}

const TAKES = /^(.+?)(?:\s+p95\s+(.+))?$/;

/** Answers just them, as they were written. */
export function checkExpected(owner: string, { takes, wait }: ExpectedOptions, hasQueue: boolean): ExpectedOptions {
  if (takes !== undefined && expectedTime(takes) === null) {
    const way = 'Write what half of its attempts take at most, and what 95 % do: `takes: "300ms p95 800ms"`; or what each takes: `takes: "300ms"`.'; // prettier-ignore
    throw refused("STEP_INVALID", owner, `its \`takes\` is ${describe(takes)}`, way);
  }
  if (wait !== undefined && readQuantile(wait) === null) {
    throw refused("OBJECTIVE_INVALID", owner, `its \`wait\` is ${describe(wait)}`, 'Write it like `wait: "p95 < 1s"`.');
  }
  if (wait !== undefined && !hasQueue) {
    const way = "Give it a `queue`, `{}` if nothing limits it, or leave `wait` out.";
    throw refused("OBJECTIVE_INVALID", owner, "its `wait` is of waiting in a queue, and it has none", way);
  }
  return { ...(takes === undefined ? {} : { takes }), ...(wait === undefined ? {} : { wait }) };
}

/** Null: that says no time. */
export function expectedTime(takes: string): ExpectedTime | null {
  const found = typeof takes === "string" ? TAKES.exec(takes.trim()) : null;
  if (found === null) return null;
  try {
    const p50Ms = durationMs(found[1]!);
    const p95Ms = found[2] === undefined ? p50Ms : durationMs(found[2]);
    return p50Ms > 0 && p95Ms >= p50Ms ? { p50Ms, p95Ms } : null;
  } catch {
    return null;
  }
}

/** So many percent of its attempts wait no longer; null: nothing is asked of that. */
export function objectiveOfWait({ wait }: ExpectedOptions): Quantile | null {
  return wait === undefined ? null : readQuantile(wait);
}
