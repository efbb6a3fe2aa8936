/** Runs that stay in memory although they only wait: where one child of many has ended, the next one soon will. */
import type { Message } from "../store/store.ts";
import type { LiveRun } from "./live-run.ts";
import type { Clock } from "./ports.ts";

/** For how long after a child has ended (ms). */
const LINGER_MS = 2000;

/** Whoever drives the run. */
export interface LingeringHost {
  readonly ports: { readonly clock: Clock };
  /** The run only waits from now on. */
  changed(run: LiveRun): void;
}

/** Keeps a run that got `messages` from being loaded anew for each child, for a while. */
export function linger(run: LiveRun, messages: readonly Message[], host: LingeringHost): void {
  if (!messages.some(isOfChild)) return;
  const isArmed = run.lingersUntil > 0;
  run.lingersUntil = host.ports.clock.now() + LINGER_MS;
  if (!isArmed) arm(run, host);
}

function isOfChild({ body }: Message): boolean {
  return body.kind === "returned";
}

function arm(run: LiveRun, host: LingeringHost): void {
  const { clock } = host.ports;
  run.lingersNoMore = clock.at(run.lingersUntil, () => {
    if (clock.now() < run.lingersUntil) return arm(run, host);
    run.lingersUntil = 0;
    host.changed(run);
  });
}
