/**
 * Compares what the bodies of queued steps noted with what their limits promise, from the notes alone.
 * Invariants: a body of a killed program ends with it; one of a program that was frozen past its lease counts until others may
 * have taken over from it, and from then on is listed and not counted.
 */
import { effectsOf, marksOf, type Effect, type Life } from "./queue-log.ts";
import type { Promised, PromisedRate } from "./queued-flows.ts";

export interface QueueEvidence {
  readonly lives: readonly Life[];
  readonly leaseMs: number;
  readonly promised: readonly Promised[];
  /** Tasks that were to be done: a run and a node. */
  readonly tasks: number;
}

export interface QueueFindings {
  /** None: everything was kept. */
  readonly breaches: readonly string[];
  /** Bodies that were at work in a frozen program, beside what was counted. */
  readonly overlaps: number;
  readonly again: number;
  readonly effects: readonly Effect[];
}

/** From a decision to the line that its body writes, on a machine that is busy. */
const JITTER_MS = 60;
/** A program goes on for so long at the place where it was stopped. */
const THAWING_MS = 20;
/** The part of a lease after which others may own what a frozen program did: less than all, since it was silent before. */
const SURE = 0.5;

export function auditQueues({ lives, leaseMs, promised, tasks }: QueueEvidence): QueueFindings {
  const all = effectsOf(lives);
  const counted = all.flatMap((effect) => inTime(effect, leaseMs));
  const breaches = promised.flatMap((one) => {
    const effects = counted.filter(({ queue }) => one.queues.includes(queue));
    const groups = one.isPerKey ? Map.groupBy(effects, ({ key }) => key) : new Map([["", effects]]);
    return [...groups].flatMap(([key, of]) =>
      [tooManyAtOnce(of, one.concurrency), tooFast(of, one.rate)].flatMap((found) =>
        found === null ? [] : [`${one.name} ${key}: ${found}`],
      ),
    );
  });
  const byTask = Map.groupBy(all, ({ task }) => task);
  if (byTask.size !== tasks) breaches.push(`${byTask.size} tasks were called, of ${tasks}`);
  for (const [task, calls] of byTask) breaches.push(...needless(task, calls));
  const overlaps = all.length - counted.filter((effect) => all.includes(effect)).length;
  return { breaches, overlaps, again: all.length - byTask.size, effects: all };
}

/** The effect, so far as it counts. */
function inTime(effect: Effect, leaseMs: number): readonly Effect[] {
  for (const { from, until } of effect.life.frozen) {
    if (effect.from >= until && effect.from < until + THAWING_MS) return [];
    const ownedUntil = from + leaseMs * SURE;
    if (effect.from <= from && effect.until > ownedUntil) return [{ ...effect, until: ownedUntil }];
  }
  return [effect];
}

function tooManyAtOnce(effects: readonly Effect[], most: number | null): string | null {
  if (most === null) return null;
  const edges = effects.flatMap((effect) => [
    { at: effect.from, by: 1, effect },
    { at: effect.until, by: -1, effect },
  ]);
  edges.sort((a, b) => a.at - b.at || a.by - b.by);
  const atWork = new Set<Effect>();
  for (const { by, effect, at } of edges) {
    if (by < 0) atWork.delete(effect);
    else atWork.add(effect);
    if (atWork.size > most) {
      return `${atWork.size} at once, and ${most} were permitted, at ${at}: ${told(atWork)}`;
    }
  }
  return null;
}

/** As a bucket that leaks: a window is fullest where it begins and ends with a start. */
function tooFast(effects: readonly Effect[], rate: PromisedRate | null): string | null {
  if (rate === null) return null;
  const { count, perMs, burst } = rate;
  const most = burst + (JITTER_MS * count) / perMs;
  let level = 0;
  let last = -Infinity;
  for (const effect of effects) {
    level = Math.max(0, level - ((effect.from - last) * count) / perMs) + 1;
    last = effect.from;
    if (level > most + 1e-6) return `${level - burst} starts too many at ${last}: ${told([effect])}`;
  }
  return null;
}

/** Calls of a body after one that nothing had happened to. */
function needless(task: string, calls: readonly Effect[]): readonly string[] {
  return calls.flatMap((call, nth) => {
    const before = calls[nth - 1];
    if (before === undefined || wasLost(before.life, before.from, call.from)) return [];
    return [`${task} was called again at ${call.from}, and nothing had happened to ${told([before])}`];
  });
}

function wasLost(life: Life, from: number, until: number): boolean {
  if (life.killedAt <= until) return true;
  if (life.frozen.some((frozen) => frozen.from <= until && frozen.until >= from)) return true;
  return marksOf(life).some((mark) => mark.kind === "log" && mark.at <= until && /lease was lost/.test(mark.message));
}

function told(effects: Iterable<Effect>): string {
  return Array.from(effects, ({ queue, task, from, until, life }) => {
    const died = life.killedAt < Infinity ? `, killed at ${life.killedAt.toFixed(1)}` : "";
    const frozen = life.frozen.map((each) => `, frozen ${each.from.toFixed(1)} to ${each.until.toFixed(1)}`).join("");
    return `${queue} of ${task}, ${from.toFixed(1)} to ${until.toFixed(1)}, in ${life.log.split("/").at(-1)}${died}${frozen}`;
  }).join("; ");
}
