/** Runs that stay in memory although they only wait: where one child of many has ended, the next one soon will. */
import type { Message } from "../store/store.ts";
import type { LiveRun } from "./live-run.ts";
import type { Clock } from "./ports.ts";

/** For how long after a child has ended (ms). */
const LINGER_MS = 2000;

/** Keeps a run that got `messages` from being loaded anew for each child; `park` is called when that is over. */
export function linger(run: LiveRun, messages: readonly Message[], clock: Clock, park: () => void): void {
  if (!messages.some(({ body }) => body.kind === "returned")) return;
  const isArmed = run.lingersUntil > 0;
  run.lingersUntil = clock.now() + LINGER_MS;
  if (!isArmed) arm(run, clock, park);
}

function arm(run: LiveRun, clock: Clock, park: () => void): void {
  run.lingersNoMore = clock.at(run.lingersUntil, () => {
    if (clock.now() < run.lingersUntil) return arm(run, clock, park);
    run.lingersUntil = 0;
    park();
  });
}
