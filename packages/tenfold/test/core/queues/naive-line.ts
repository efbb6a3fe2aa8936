/**
 * What a line decides, written plainly: lists that are looked through from one end to the other each time. It shares only
 * the arithmetic of buckets with the line, which has laws of its own.
 */
import { converted, corrected, isKept, readyAt, taken, unknown } from "../../../src/core/queues/bucket.ts";
import type { BatchSize, Limit, LineLimits, Waiting } from "../../../src/core/queues/line-state.ts";
import type { Rate } from "../../../src/value/rate.ts";

interface Virtual {
  now: number;
  highest: number;
}

interface Scope {
  readonly name: string;
  readonly limit: Limit;
  readonly covers: (other: Waiting) => boolean;
}

const NO_LIMIT: Limit = { concurrency: null, rate: null };

export class NaiveLine {
  #limits: LineLimits;
  readonly #beganAt: number;
  readonly #isFirst: boolean;
  readonly waiting = new Set<Waiting>();
  readonly running = new Set<Waiting>();
  /** Who was started together, by whom it began with. */
  readonly #heads = new Map<Waiting, Waiting>();
  readonly #tats = new Map<string, number>();
  readonly #finishes = new Map<string, number>();
  readonly #virtuals = new Map<string, Virtual>();
  readonly #slow = new Map<string, number>();
  readonly #paused = new Set<string>();
  /** By keys, who goes before all others of them. */
  readonly held = new Map<string, Waiting>();

  constructor(limits: LineLimits, now: number, isFirst: boolean) {
    this.#limits = limits;
    this.#beganAt = now;
    this.#isFirst = isFirst;
    for (const scope of this.#all()) this.#begin(scope);
  }

  join(waiting: Waiting): void {
    this.#beginBusy("line", this.waiting.size);
    this.#beginBusy(`queue ${waiting.queue}`, [...this.waiting].filter(({ queue }) => queue === waiting.queue).length);
    for (const scope of this.#scopesOf(waiting)) this.#begin(scope);
    this.waiting.add(waiting);
  }

  leave(waiting: Waiting): boolean {
    return this.waiting.delete(waiting);
  }

  /** Whose turn it is and who may start at `now`, if anybody. */
  whoStarts(now: number): Waiting | undefined {
    const firsts = [...new Set([...this.waiting].map(({ queue }) => queue))].flatMap((queue) => {
      const first = this.#firstOf(queue, now);
      return first !== undefined && this.#isOpen(first, `queue ${queue}`, now) ? [first] : [];
    });
    const [first] = firsts.sort((a, b) => this.#tag("line", a) - this.#tag("line", b) || inOrder(a, b));
    return first !== undefined && this.#isOpen(first, "line", now) ? first : undefined;
  }

  /** The first of those of a queue whose key lets one start. */
  #firstOf(queue: string, now: number): Waiting | undefined {
    const heads = new Map<string, Waiting>();
    for (const waiting of this.waiting) {
      const head = heads.get(waiting.key);
      if (waiting.queue === queue && !this.#isHeldUp(waiting) && (head === undefined || inOrder(waiting, head) < 0))
        heads.set(waiting.key, waiting);
    }
    const ripe = [...heads.values()].filter((head) => this.#isRipe(head, now));
    const eligible = ripe.filter((head) => this.#isOpen(head, keyOf(head), now));
    const of = `queue ${queue}`;
    return eligible.sort((a, b) => this.#tag(of, a) - this.#tag(of, b) || inOrder(a, b))[0];
  }

  #isHeldUp(waiting: Waiting): boolean {
    const held = this.held.get(keyOf(waiting));
    return held !== undefined && held.id !== waiting.id;
  }

  #ofKey(waiting: Waiting): readonly Waiting[] {
    return [...this.waiting].filter((other) => keyOf(other) === keyOf(waiting)).sort(inOrder);
  }

  #sizeOf({ queue }: Waiting): BatchSize | null {
    return this.#limits.queues.find((limits) => limits.queue === queue)?.batch ?? null;
  }

  #isRipe(head: Waiting, now: number): boolean {
    const size = this.#sizeOf(head);
    const all = this.#ofKey(head);
    if (size === null || head.isAlone || all.length >= size.max) return true;
    return Math.min(...all.map(({ since }) => since!)) + size.waitMs <= now;
  }

  /** Who starts together, if the first of them does. */
  batchOf(head: Waiting): readonly Waiting[] {
    const size = this.#sizeOf(head);
    if (size === null || head.isAlone) return [head];
    const bursts = this.#scopesOf(head).map(({ limit }) => limit.rate?.burst ?? Infinity);
    const batch: Waiting[] = [];
    for (const waiting of this.#ofKey(head)) {
      const isFull = batch.length === size.max || costOf([...batch, waiting]) > Math.min(...bursts);
      if (batch.length > 0 && (isFull || waiting.isAlone)) break;
      batch.push(waiting);
    }
    return batch;
  }

  /** Whether no limit of any kind forbids that it starts, whoever's turn it is. */
  mayStart(waiting: Waiting, now: number): boolean {
    return !this.#isHeldUp(waiting) && this.#scopesOf(waiting).every(({ name }) => this.#isOpen(waiting, name, now));
  }

  #isOpen(waiting: Waiting, name: string, now: number): boolean {
    const { limit, covers } = this.#scopesOf(waiting).find((scope) => scope.name === name)!;
    const running = this.bodies(covers);
    if (this.#paused.has(name) || (this.#slow.get(name) ?? 0) > now) return false;
    if (limit.concurrency !== null && running >= limit.concurrency) return false;
    const { rate } = limit;
    return (
      rate === null || readyAt(this.#tats.get(name)!, rate, Math.min(costOf(this.batchOf(waiting)), rate.burst)) <= now
    );
  }

  /** How many bodies run: one for all that were started together. */
  bodies(covers: (other: Waiting) => boolean): number {
    return new Set([...this.running].filter(covers).map((one) => this.#heads.get(one))).size;
  }

  start(waiting: Waiting, now: number): void {
    this.held.delete(keyOf(waiting));
    const batch = this.batchOf(waiting);
    for (const one of batch) {
      this.waiting.delete(one);
      this.running.add(one);
      this.#heads.set(one, waiting);
    }
    for (const { name, limit } of this.#scopesOf(waiting)) {
      if (limit.rate !== null) this.#tats.set(name, taken(this.#tats.get(name)!, limit.rate, costOf(batch), now));
    }
    for (const level of ["line", `queue ${waiting.queue}`]) {
      const virtual = this.#virtuals.get(level)!;
      virtual.now = this.#tag(level, waiting);
      const finish = virtual.now + batch.reduce((sum, { cost, weight }) => sum + cost / weight, 0);
      virtual.highest = Math.max(virtual.highest, finish);
      this.#finishes.set(`${level} ${keyOf(waiting)}`, finish);
    }
  }

  settled(waiting: Waiting): void {
    this.running.delete(waiting);
  }

  /** Whether nobody was held of its key. */
  hold(waiting: Waiting): boolean {
    if (this.held.has(keyOf(waiting))) return false;
    this.running.delete(waiting);
    this.held.set(keyOf(waiting), waiting);
    return true;
  }

  released(waiting: Waiting): void {
    this.held.delete(keyOf(waiting));
  }

  spent(waiting: Waiting, more: number, now: number): void {
    for (const { name, limit } of this.#scopesOf(waiting)) {
      if (limit.rate !== null) this.#tats.set(name, corrected(this.#tats.get(name)!, limit.rate, more, now));
    }
  }

  slow(queue: string | null, until: number): void {
    const name = queue === null ? "line" : `queue ${queue}`;
    this.#slow.set(name, Math.max(this.#slow.get(name) ?? 0, until));
  }

  pause(queue: string, isPaused: boolean): void {
    if (isPaused) this.#paused.add(`queue ${queue}`);
    else this.#paused.delete(`queue ${queue}`);
  }

  /** The queues stay the same. */
  change(limits: LineLimits, now: number): void {
    const before = new Map([...this.#tats.keys()].map((name) => [name, this.#rateOf(name)]));
    this.#limits = limits;
    for (const [name, from] of before) {
      const to = this.#rateOf(name);
      const tat = this.#tats.get(name)!;
      const anew = to === null ? this.#beganAt : unknown(to, now);
      this.#tats.set(name, from === null || to === null ? anew : converted(tat, from, to, now));
    }
  }

  #rateOf(name: string): Rate | null {
    const [kind, queue] = name.split(" ");
    const of = this.#limits.queues.find((limits) => limits.queue === queue);
    return (kind === "line" ? this.#limits.shared : kind === "queue" ? of?.own : of?.per)?.rate ?? null;
  }

  #all(): readonly Scope[] {
    const { shared, queues } = this.#limits;
    return [
      { name: "line", limit: shared ?? NO_LIMIT, covers: () => true },
      ...queues.map(({ queue, own }) => ({
        name: `queue ${queue}`,
        limit: own,
        covers: (other: Waiting) => other.queue === queue,
      })),
    ];
  }

  #scopesOf(waiting: Waiting): readonly Scope[] {
    const { queue, key } = waiting;
    const per = this.#limits.queues.find((limits) => limits.queue === queue)?.per ?? NO_LIMIT;
    return [
      ...this.#all().filter(({ covers }) => covers(waiting)),
      { name: keyOf(waiting), limit: per, covers: (other) => other.queue === queue && other.key === key },
    ];
  }

  #begin({ name, limit: { rate } }: Scope): void {
    if (this.#tats.has(name)) return;
    const isFull = rate === null || this.#isFirst || isKept(rate);
    this.#tats.set(name, isFull ? this.#beganAt : unknown(rate, this.#beganAt));
  }

  #beginBusy(of: string, waiting: number): void {
    const virtual = this.#virtuals.get(of) ?? { now: 0, highest: 0 };
    this.#virtuals.set(of, virtual);
    if (waiting === 0) virtual.now = virtual.highest;
  }

  #tag(of: string, waiting: Waiting): number {
    return Math.max(this.#virtuals.get(of)!.now, this.#finishes.get(`${of} ${keyOf(waiting)}`) ?? 0);
  }
}

function costOf(batch: readonly Waiting[]): number {
  return batch.reduce((sum, { cost }) => sum + cost, 0);
}

function keyOf({ queue, key }: Waiting): string {
  return `key ${queue} ${key}`;
}

function inOrder(a: Waiting, b: Waiting): number {
  return a.rank - b.rank || (a.id < b.id ? -1 : 1);
}
