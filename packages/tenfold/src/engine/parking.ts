/** When a run leaves memory without having ended: it only waits, and for long, or its worker needs the room or ends. */
import { isStillAsked } from "../core/command.ts";
import { NEVER } from "../core/wake-time.ts";
import type { ClaimedRun, RunCommit, Then } from "../store/store.ts";
import type { LiveRun } from "./live-run.ts";

/** A run that others call up for its turns is given to them, unless it has something to do as soon as this (ms). */
const LATE_MS = 250;

/** One object for all: it is asked for at each commit of each run. */
const KEEP: Then = { kind: "keep" };

/** What becomes of a run after what it has to write now; a worker that drains gives up whatever has no body left. */
export function thenOf(run: LiveRun, now: number, parkAfterMs: number, isDraining: boolean): Then {
  // It may go on after all, or wait for something else.
  if (run.upgrading !== null) return KEEP;
  // A child that is being started now has to be let go once it is there.
  if (run.ending !== null) return isAnswerOpen(run) ? KEEP : run.ending;
  if (run.attempts.size > run.linedUp || run.calls.size > 0 || run.busyScripts > 0) return KEEP;
  const wakeAt = wakeAtOf(run);
  const park: Then = { kind: "park", wakeAt: Math.max(wakeAt, now) };
  if (isDraining || run.isGivenBack) return park;
  // What is due now of one that waits in lines too would be parked before it is done, and claimed again, for ever.
  const comesLate = wakeAt - now >= LATE_MS && allComeLate(run);
  if (run.turns.size > 0) return wakeAt > now && (run.wantsPark || comesLate) ? park : KEEP;
  const isLong = wakeAt - now >= parkAfterMs && now >= run.lingersUntil;
  return isLong || (run.wantsPark && wakeAt > 0) ? park : KEEP;
}

/** A run whose turn comes soon in one line stays for it, however late others come; not for one that is held back. */
function allComeLate({ turns }: LiveRun): boolean {
  let comesLate = false;
  for (const turn of turns) {
    if (turn.isLate) comesLate = true;
    else if (!turn.isHeldBack) return false;
  }
  return comesLate;
}

function isAnswerOpen({ calls }: LiveRun): boolean {
  for (const call of calls.values()) if (call.isSent) return true;
  return false;
}

/** When the run has to go on; 0: at once, because something of it can be done now. */
function wakeAtOf(run: LiveRun): number {
  if (run.wakesNow) return 0;
  let at = run.timers.firstAt;
  for (const command of run.deferred) {
    if (isStillAsked(command)) at = Math.min(at, "until" in command ? command.until : 0);
  }
  if (at < Infinity) return at;
  return run.turns.size > 0 ? NEVER : 0;
}

/** Runs that only wait, those that wait longest first, until they are worth `bytes`. */
export function longestIdle(runs: Iterable<LiveRun>, bytes: number): LiveRun[] {
  const idle = [...runs].filter((run) => run.isIdle && (run.timers.size > 0 || run.turns.size > 0));
  idle.sort((a, b) => restsUntil(b) - restsUntil(a));
  let freed = 0;
  const chosen: LiveRun[] = [];
  for (const run of idle) {
    if (freed >= bytes) break;
    freed += run.bytes;
    chosen.push(run);
  }
  return chosen;
}

/** Those that wait for their turns are the first to go on, in the order in which they came. */
function restsUntil(run: LiveRun): number {
  let until = run.turns.size === 0 ? run.timers.firstAt : Infinity;
  for (const { waiting } of run.turns) until = Math.min(until, waiting.rank);
  return until;
}

/** What is written of a run that was claimed and is not even loaded. */
export function unloaded({ id: run, journal, mail }: ClaimedRun, then: Then): RunCommit {
  return { run, from: journal.length, lines: [], absorbed: [], mailSeen: mail.count, clearsDeaths: false, then };
}
