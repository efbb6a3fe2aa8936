/**
 * What bodies of steps with queues did, as somebody outside of the engine saw it, and the oracle that reads nothing else: never
 * more at once than permitted, in no window more than burst and rate allow, in each scope that a limit holds for.
 * Invariant: it knows no places, permissions, leases or clocks of workers: an effect has its beginning and its end in true time.
 *
 * What nobody can prevent is listed by name and not counted: a process that is frozen beyond its lease, and a body that ignores
 * its signal past it, may be at work beside those that another owner permits. What begins is always counted.
 */
import type { Limit, LineLimits, QueueLimits } from "../core/queues/line-state.ts";
import type { Rate } from "../value/rate.ts";

export interface Effect {
  readonly queue: string;
  /** "": the queue has no keys. */
  readonly key: string;
  /** The name of the limit that its queue shares with others; null: none. */
  readonly limit: string | null;
  /** Which task: a run and a node. */
  readonly task: string;
  /** What it takes of rates. */
  readonly cost: number;
  readonly began: number;
  /** When it settled, or its process died; Infinity: it is at work. */
  ended: number;
  /** From when on, and why, it may be at work beside others; null: it may not. */
  excused: Excuse | null;
  /** Names the call that took it together with others, which counts as one at work. */
  readonly together?: string;
}

export interface Excuse {
  readonly from: number;
  readonly why: "its process was frozen beyond its lease" | "it ignored its signal past its lease";
}

/** A limit that was not kept. */
export interface Breach {
  readonly law: string;
  readonly scope: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A window in which an effect was not counted. */
export interface Overlap {
  readonly effect: Effect;
  readonly from: number;
  readonly to: number;
  readonly why: Excuse["why"];
}

/** Rounding of rates that are no whole numbers (in starts). */
const SLACK = 1e-6;

/** What a line promised and did not keep; `name`: of the limit that its queues share, or of its one queue. */
export function breachesOf(effects: readonly Effect[], name: string, { shared, queues }: LineLimits): Breach[] {
  const ofLimit = shared === null ? [] : effects.filter(({ limit }) => limit === name);
  const breaches = shared === null ? [] : breachesIn(ofLimit, `limit ${name}`, shared);
  for (const limits of queues) breaches.push(...breachesOfQueue(effects, limits));
  return breaches;
}

function breachesOfQueue(effects: readonly Effect[], { queue, own, per }: QueueLimits): Breach[] {
  const ofQueue = effects.filter((effect) => effect.queue === queue);
  const breaches = breachesIn(ofQueue, `queue ${queue}`, own);
  if (per === null) return breaches;
  for (const [key, ofKey] of Map.groupBy(ofQueue, (effect) => effect.key)) {
    breaches.push(...breachesIn(ofKey, `queue ${queue}, key ${key}`, per));
  }
  return breaches;
}

/** The first breach of each kind by effects that one limit holds for, which is named `scope`. */
export function breachesIn(effects: readonly Effect[], scope: string, { concurrency, rate }: Limit): Breach[] {
  const breaches: Breach[] = [];
  const crowd = concurrency === null ? null : crowdAbove(effects, concurrency);
  if (crowd !== null) {
    const facts = { concurrency, at: crowd[0]!.began, tasks: crowd };
    breaches.push({ law: "never more than `concurrency` at once", scope, facts });
  }
  const early = rate === null ? null : tooEarly(effects, rate);
  if (early !== null) {
    breaches.push({ law: "in any window no more than burst and rate allow", scope, facts: { rate, ...early } });
  }
  return breaches;
}

/** The most that were at work at one moment. */
export function mostAtOnce(effects: readonly Effect[]): number {
  let most = 0;
  atWork(effects, (crowd) => void (most = Math.max(most, callsOf(crowd))));
  return most;
}

/** The first that were too many at once, the last to begin first; null: they never were. */
function crowdAbove(effects: readonly Effect[], concurrency: number): readonly Effect[] | null {
  let found: readonly Effect[] | null = null;
  atWork(effects, (crowd) => {
    if (found === null && callsOf(crowd) > concurrency) found = [...crowd].reverse();
  });
  return found;
}

/** How many calls a crowd is. */
function callsOf(crowd: ReadonlySet<Effect>): number {
  return new Set([...crowd].map((effect) => effect.together ?? effect)).size;
}

/** Shows who is at work each time that one begins. One that ends makes room for one that begins at the same moment. */
function atWork(effects: readonly Effect[], show: (crowd: ReadonlySet<Effect>) => void): void {
  const began = effects.toSorted((a, b) => a.began - b.began);
  const ended = effects.toSorted((a, b) => countedUntil(a) - countedUntil(b));
  const crowd = new Set<Effect>();
  let nextEnd = 0;
  for (const effect of began) {
    for (; nextEnd < ended.length && countedUntil(ended[nextEnd]!) <= effect.began; nextEnd++) {
      crowd.delete(ended[nextEnd]!);
    }
    // What ends at the moment at which it begins is never beside another.
    if (countedUntil(effect) > effect.began) crowd.add(effect);
    show(crowd);
  }
}

function countedUntil({ began, ended, excused }: Effect): number {
  return excused === null || excused.from < began ? ended : Math.min(ended, excused.from);
}

/** The first start that a bucket of this rate would not have given; a window is fullest where it begins and ends with a start. */
function tooEarly(effects: readonly Effect[], { count, perMs, burst }: Rate): Record<string, unknown> | null {
  let level = 0;
  let last: Effect | null = null;
  for (const effect of effects.toSorted((a, b) => a.began - b.began)) {
    const passedMs = last === null ? 0 : effect.began - last.began;
    level = Math.max(0, level - (passedMs * count) / perMs) + effect.cost;
    if (level > burst + SLACK) return { tooMany: level - burst, effect, before: last };
    last = effect;
  }
  return null;
}

/** The first of a key that began between two effects of one task of that key; null: each task came to its end before the next. */
export function overtaken(effects: readonly Effect[]): { readonly task: Effect; readonly by: Effect } | null {
  for (const ofKey of Map.groupBy(effects, ({ key }) => key).values()) {
    const lastOf = new Map<string, number>();
    const inTurn = ofKey.toSorted((a, b) => a.began - b.began);
    for (const [nth, effect] of inTurn.entries()) {
      const last = lastOf.get(effect.task);
      const by = last === undefined ? undefined : inTurn.slice(last, nth).find(({ task }) => task !== effect.task);
      if (by !== undefined) return { task: effect, by };
      lastOf.set(effect.task, nth);
    }
  }
  return null;
}

/** The windows in which effects were not counted. */
export function overlapsOf(effects: readonly Effect[]): Overlap[] {
  return effects.flatMap((effect) => {
    const from = countedUntil(effect);
    return from < effect.ended ? [{ effect, from, to: effect.ended, why: effect.excused!.why }] : [];
  });
}

/**
 * How often the one who waited most for its key's turn saw one other key start before it: counted from when it waited as
 * the first of its key, so that what its own key's limits hold up is for the caller to leave out.
 */
export function mostPassed(effects: readonly Effect[], waitedFrom: (effect: Effect) => number): number {
  let most = 0;
  for (const effect of effects) {
    const ofKey = effects.filter(({ key, began }) => key === effect.key && began < effect.began);
    const from = Math.max(waitedFrom(effect), ...ofKey.map(({ began }) => began));
    const passing = effects.filter(({ key, began }) => key !== effect.key && began > from && began < effect.began);
    for (const starts of Map.groupBy(passing, ({ key }) => key).values()) most = Math.max(most, starts.length);
  }
  return most;
}
