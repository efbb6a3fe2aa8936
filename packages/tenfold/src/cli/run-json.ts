/** A run as a program reads it: times as ISO 8601, and an output always. */
import type { RunView } from "../engine/run-view.ts";

export function runJson({ startedAt, endedAt, wakeAt, ...run }: RunView): Readonly<Record<string, unknown>> {
  return {
    ...run,
    output: run.output ?? null,
    startedAt: timeJson(startedAt),
    endedAt: timeJson(endedAt),
    wakeAt: timeJson(wakeAt),
  };
}

/** A time (ms since 1970) as ISO 8601; null: never, or not yet. */
export function timeJson(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
