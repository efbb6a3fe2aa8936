/**
 * How a schedule goes on from where it stands: which runs it starts, what it leaves out, what waits.
 * Invariants: a tick's run is started before the schedule goes on past it. Where overlaps are skipped, the store
 * decides first whether a tick is started or left out, so that no two workers decide otherwise: from then on the
 * schedule stands before the tick with the run that is to be its, and whoever finds it so starts the tick.
 */
import { dueTicks, LATE_MS, type DueTicks } from "../core/due-ticks.ts";
import type { Advance, Reached } from "../store/schedules.ts";
import { FINISHED, type RunRecord, type Store } from "../store/store.ts";
import { instantText } from "../value/day.ts";
import { TenfoldError } from "../value/error.ts";
import { laneOfRun } from "../value/id.ts";
import type { LogLevel } from "./ports.ts";
import type { PreparedStart } from "./start.ts";
import type { Starts } from "./starts.ts";
import { nameOf, prepareTick, startTicks, tickKey, type Scheduled } from "./tick-starts.ts";

/** Ticks of a schedule that are started together. */
const TICKS_MAX = 100;
/** Further than clocks are apart (ms): what stands so far ahead was taken there by a clock that was wrong. */
const AHEAD_MS = 3_600_000;

export interface Note {
  readonly level: LogLevel;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

export type Step =
  /** Nothing is due after the tick that was settled last. */
  | { readonly kind: "rest"; readonly settled: number }
  /** The next tick waits for the end of a run. */
  | { readonly kind: "wait" }
  | GoOn;

export interface GoOn {
  readonly kind: "go-on";
  readonly advance: Advance;
  /** What to start if it is this worker that has the schedule go on, and the tick that this settles then. */
  readonly chosen: { readonly start: PreparedStart; readonly tick: number } | null;
  /** What to tell of it then. */
  readonly notes: readonly Note[];
}

export interface StepParts {
  readonly store: Store;
  readonly starts: Starts;
}

/** Rejects with what is wrong with the input of the first tick that is due. */
export async function stepOf(
  parts: StepParts,
  scheduled: Scheduled,
  reached: Reached | null,
  now: number,
): Promise<Step> {
  // What was before it is first seen was never missed.
  if (reached === null) return goOn(scheduled, null, { at: now, run: null }, []);
  if (reached.at > now + AHEAD_MS) return goOn(scheduled, reached, { at: now - LATE_MS, run: reached.run }, [aheadNote(reached.at)]); // prettier-ignore
  const { missed, overlap } = scheduled.schedule;
  const due = dueTicks(scheduled.ticks, missed, reached.at, now, TICKS_MAX);
  if (due === null) return { kind: "rest", settled: reached.at };
  const passed = passedOver(due);
  if (due.start.length === 0) return goOn(scheduled, reached, { at: due.to, run: reached.run }, passed);
  if (overlap === "allow") return startAll(parts, scheduled, reached, due, passed);
  const before = await runOf(parts.store, reached.run);
  if (overlap === "skip") return startOrSkip(parts, scheduled, reached, due, before, passed);
  if (isOpen(before)) return { kind: "wait" };
  return startAll(parts, scheduled, reached, { ...due, start: due.start.slice(0, 1), to: due.start[0]! }, passed);
}

/** What became of a step whose tick was chosen: its run is started, and the tick settled with it. */
export async function startChosen(parts: StepParts, { advance, chosen }: GoOn): Promise<GoOn> {
  const { start, tick } = chosen!;
  const [made] = await startTicks([start], parts.starts);
  const to = { at: tick, run: made!.run };
  const notes = made!.isNew ? [startedNote(tick, made!.run)] : [];
  return { kind: "go-on", advance: { ...advance, from: advance.to, to }, chosen: null, notes };
}

/** Starts the runs of ticks, in order, up to the first whose input is refused; rejects if that is the first of all. */
async function startAll(
  { starts }: StepParts,
  scheduled: Scheduled,
  reached: Reached,
  { start, to }: DueTicks,
  passed: readonly Note[],
): Promise<GoOn> {
  const prepared: PreparedStart[] = [];
  for (const at of start) {
    try {
      prepared.push(await prepareTick(scheduled, at, starts));
    } catch (thrown) {
      if (!(thrown instanceof TenfoldError) || prepared.length === 0) throw thrown;
      break;
    }
  }
  const runs = await startTicks(prepared, starts);
  const notes = runs.flatMap(({ run, isNew }, nth) => (isNew ? [startedNote(start[nth]!, run)] : []));
  const at = runs.length === start.length ? to : start[runs.length - 1]!;
  return goOn(scheduled, reached, { at, run: runs.at(-1)!.run }, [...passed, ...notes]);
}

async function startOrSkip(
  { starts }: StepParts,
  scheduled: Scheduled,
  reached: Reached,
  due: DueTicks,
  before: RunRecord | undefined,
  passed: readonly Note[],
): Promise<GoOn> {
  const tick = due.start[0]!;
  // Chosen, and started, by a worker that told nobody.
  if (before?.key === tickKey(scheduled, tick)) return goOn(scheduled, reached, { at: tick, run: before.id }, passed);
  if (isOpen(before)) {
    const facts = { ticks: due.start.map(instantText), run: before!.id };
    const skipped: Note = { level: "warn", message: "ticks were skipped: the run before them has not finished", facts };
    return goOn(scheduled, reached, { at: due.to, run: reached.run }, [...passed, skipped]);
  }
  const start = await prepareTick(scheduled, tick, starts);
  const to = { at: reached.at, run: start.start.id };
  return { ...goOn(scheduled, reached, to, passed), chosen: { start, tick } };
}

function goOn(scheduled: Scheduled, from: Reached | null, to: Reached, notes: readonly Note[]): GoOn {
  return { kind: "go-on", advance: { ...nameOf(scheduled), from, to }, chosen: null, notes };
}

/** Undefined: there is none, or it was removed, so it has ended. */
async function runOf(store: Store, run: string | null): Promise<RunRecord | undefined> {
  return run === null ? undefined : (await store.read(laneOfRun(run)!, [run]))[0];
}

function isOpen(run: RunRecord | undefined): boolean {
  return run !== undefined && !FINISHED.has(run.status);
}

function startedNote(tick: number, run: string): Note {
  return { level: "info", message: "a schedule started a run", facts: { tick: instantText(tick), run } };
}

function aheadNote(at: number): Note {
  const message =
    "a worker's clock was ahead, and had the schedule go on to a time that is yet to come; it goes on from now";
  return { level: "warn", message, facts: { until: instantText(at) } };
}

function passedOver({ passedFrom, start, to }: DueTicks): readonly Note[] {
  if (passedFrom === null) return [];
  const facts = { from: instantText(passedFrom), until: instantText(start[0] ?? to) };
  return [{ level: "warn", message: "ticks were missed, and are not started", facts }];
}
