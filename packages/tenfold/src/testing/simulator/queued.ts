/** The queues that some seeds have before their steps, and what must hold of the bodies: the limits, in true time. */
import type { StepDefinition } from "../../flow/definition.ts";
import { limit } from "../../flow/index.ts";
import { ALL_POOLS, type Pools } from "../../engine/queues/pools.ts";
import { isQueued, laneOfLine, limitsOf, lineNameOf } from "../../core/queues/queue-of.ts";
import { hash32 } from "../../value/hash.ts";
import { canonicalJson, type Json } from "../../value/json.ts";
import { seededRandom, type Random } from "../../value/random.ts";
import { breachesOf, overtaken, type Effect, type Excuse } from "../effect-log.ts";
import { withoutErrors } from "./answer.ts";
import type { BodyCall } from "./body-call.ts";
import { STEPS } from "./interpreter.ts";
import type { OpenBook } from "./open-book.ts";
import { backlogOf, checkTurnedAway } from "./turned-away.ts";
import { Violation } from "./violation.ts";

/** Each has room for what costs most. */
const RATES = ["5/s burst 2", "2/s burst 2", "10/s burst 3", "60/min burst 2", "40/min burst 3", "200/min burst 20"];
const KEYS = 3;
/** The others are called at most once, or write where the store is. */
const MAY_BE_BATCHED: ReadonlySet<string> = new Set(["north", "south"]);

export interface QueuesDrawn {
  /** The `queue` of each step that has one. */
  readonly options: ReadonlyMap<string, object>;
  /** Runs that wait in memory in one line. */
  readonly linedUpMax: number;
  /** Steps of one pool, and of none: processes serve one or the other. */
  readonly hasPools: boolean;
}

/** Lines of a journal, after which attempts are made that no policy speaks of; what waits for people or for code lets others go. */
const BY_PEOPLE: ReadonlySet<string> = new Set(["retried", "resolved", "upgraded"]);

const POOL = "heavy";

/** What the process in a place serves, of so many: all but the pool, that alone, or all. */
export function poolsAt(place: number, count: number): Pools {
  if (count === 1 || place > 1) return ALL_POOLS;
  return place === 0 ? { served: null, except: [POOL] } : { served: [POOL], except: [] };
}

/**
 * What workflows are drawn with such queues: scripts cannot call a step that takes several inputs; a request that is shown again and again
 * may be turned away before or after somebody has decided, which nobody can know.
 */
export function drawsOf({ options }: QueuesDrawn): { readonly hasScripts: boolean; readonly hasShows: boolean } {
  const have = (option: string): boolean => options.values().some((queue) => option in queue);
  return { hasScripts: !have("batch"), hasShows: !have("maxBacklog") };
}

/** Null: this seed has none. What it draws it draws from the number, so that the others stay the stories they were. */
export function queuesOf(seed: number): QueuesDrawn | null {
  const random = seededRandom(`queues ${seed}`);
  if (random() < 0.4) return null;
  const below = (most: number): number => Math.floor(random() * most);
  const shared = limit("shared", {
    concurrency: 1 + below(4),
    ...(random() < 0.4 ? { rate: RATES[below(RATES.length)]! } : {}),
  });
  const options = new Map<string, object>();
  for (const step of STEPS) {
    if (random() < 0.3) continue;
    const costs = random() < 0.3;
    const drawn = {
      ...limitOf(random, 0.5),
      ...(random() < 0.5 ? { per: { key: keyOf, weight: () => 2, ...limitOf(random, 0.6) } } : {}),
      ...(random() < 0.4 ? { limit: shared } : {}),
      ...(random() < 0.4 ? { priority: priorityOf } : {}),
    };
    options.set(step, { ...drawn, ...backlogOf(seed, step), ...(costs && hasSomeRate(drawn) ? { cost: costOf } : {}) });
  }
  if (random() < 0.5) for (const [step, drawn] of options) options.set(step, withMore(step, drawn, random));
  const linedUpMax = [1, 3, 3, 10_000][below(4)]!;
  // Those that share a limit have one owner, and so one pool.
  const pooled = random() < 0.3 ? [...options].filter(([, queue]) => !("limit" in queue)) : [];
  for (const [step, queue] of pooled) if (random() < 0.6) options.set(step, { ...queue, pool: POOL });
  return { options, linedUpMax, hasPools: options.values().some((queue) => "pool" in queue) };
}

/** Of a key in strict order, or several at once. */
function withMore(step: string, drawn: object, random: Random): object {
  if ("per" in drawn && random() < 0.4) {
    const { concurrency: _one, ...per } = drawn.per as { readonly concurrency?: number };
    return { ...drawn, per: { ...per, order: "strict" } };
  }
  if (!MAY_BE_BATCHED.has(step) || random() < 0.4) return drawn;
  return { ...drawn, batch: { max: 2 + Math.floor(random() * 4), wait: Math.floor(random() * 1500) } };
}

function limitOf(random: Random, chance: number): object {
  return {
    ...(random() < chance ? { concurrency: 1 + Math.floor(random() * 3) } : {}),
    ...(random() < 0.4 ? { rate: RATES[Math.floor(random() * RATES.length)]! } : {}),
  };
}

interface Rated {
  readonly rate?: string;
  readonly limit?: { readonly rate: unknown };
  readonly per?: object;
}

function hasSomeRate({ rate, per, limit: shared }: Rated): boolean {
  return rate !== undefined || (per !== undefined && "rate" in per) || (shared?.rate ?? null) !== null;
}

function keyOf(input: unknown): string {
  return `key ${hashOf(input) % KEYS}`;
}

function priorityOf(input: unknown): number {
  return (hashOf(input) % 3) - 1;
}

function costOf(input: unknown): number {
  return 1 + (hashOf(input) % 2);
}

function hashOf(input: unknown): number {
  return hash32(`queued ${canonicalJson(withoutErrors(input as Json))}`);
}

/** What is told of a body that is being called. */
export interface Told {
  /** Names the call that takes several inputs; null: it takes one. */
  readonly together: string | null;
  /** What it says that it took of rates; null: nothing. */
  readonly spent: number | null;
}

/** What a call says that it has spent; null: nothing. */
export function spentOf({ queue }: StepDefinition, key: string, attempt: number): number | null {
  const hash = hash32(`spent ${key} ${attempt}`);
  return (queue?.cost ?? null) === null || hash % 3 > 0 ? null : (hash % 50) / 10;
}

/** How long a call that fails says that its queue is to wait (ms); null: it says nothing. */
export function slowsForMs({ queue }: StepDefinition, key: string, attempt: number): number | null {
  const hash = hash32(`slows ${key} ${attempt}`);
  return queue === undefined || hash % 4 > 0 ? null : (hash >>> 8) % 3000;
}

interface Noted {
  readonly call: BodyCall;
  readonly process: number;
  readonly lane: number;
  readonly effect: Effect;
}

/** Bodies of steps with queues, as they were seen from outside of the engine. */
export class QueuedBodies {
  readonly #lanes: number;
  readonly #noted: Noted[] = [];
  readonly #steps = new Map<string, StepDefinition>();
  /** Runs of which people decided something. */
  readonly #decided = new Set<string>();

  constructor(lanes: number) {
    this.#lanes = lanes;
  }

  /** A body, or an undo, is being called by a process. */
  called(
    call: BodyCall,
    process: number,
    step: StepDefinition,
    input: Json | undefined,
    { together, spent }: Told,
  ): void {
    if (!isQueued(step)) return;
    this.#steps.set(step.name, step);
    const { queue, name } = step;
    const lane = laneOfLine(lineNameOf(step), this.#lanes);
    const effect: Effect = {
      queue: name,
      key: queue.per === null ? "" : keyOf(input),
      limit: queue.limit?.name ?? null,
      task: `${call.run} ${call.node} ${call.attempt}, of process ${process}`,
      // More than it was to cost is known when it has begun.
      cost: Math.min(queue.cost === null ? 1 : costOf(input), spent ?? Infinity),
      began: call.at,
      ended: Infinity,
      excused: null,
      ...(together === null ? {} : { together }),
    };
    this.#noted.push({ call, process, lane, effect });
  }

  /** The process is dead: what it did ended with it. */
  died(process: number, now: number): void {
    for (const { call, effect, process: whose } of this.#noted) {
      if (whose === process && call.endedAt === Infinity) effect.ended = Math.min(effect.ended, now);
    }
  }

  /** Somebody else may own from now on what the process owned in this lane. */
  leaseEnded(process: number, lane: number, isFrozen: boolean, now: number): void {
    for (const one of this.#noted) {
      const { call, effect } = one;
      if (one.process !== process || one.lane !== lane || effect.excused !== null) continue;
      if (Math.min(call.endedAt, effect.ended) <= now) continue;
      const why: Excuse["why"] | null = isFrozen
        ? "its process was frozen beyond its lease"
        : call.ignoresSignal && call.wasStopped
          ? "it ignored its signal past its lease"
          : null;
      if (why !== null) effect.excused = { from: now, why };
    }
  }

  /** To be asked before a run is pruned. */
  noteDecisions(book: OpenBook, run: string): void {
    if (book.journal(run).some(({ kind }) => BY_PEOPLE.has(kind))) this.#decided.add(run);
  }

  /** Every limit held, and nothing was turned away that had begun. */
  check(book: OpenBook): void {
    checkTurnedAway(
      book,
      this.#noted.map(({ call }) => call),
    );
    const effects = this.#noted.map(({ call, effect }) => ({ ...effect, ended: Math.min(effect.ended, call.endedAt) }));
    const steps = [...this.#steps.values()].filter(isQueued);
    for (const [line, ofLine] of Map.groupBy(steps, lineNameOf)) {
      const [breach] = breachesOf(effects, line, limitsOf(line, ofLine));
      if (breach !== undefined) throw new Violation("a limit holds for all workers together", { ...breach });
    }
    for (const { id } of book.records()) this.noteDecisions(book, id);
    for (const { name, queue } of steps) if (queue.per?.isStrict === true) this.#checkOrder(name);
  }

  /** In a strict queue, by what has one idempotency key. What was told to stop has no result, and what people decide, or takes something back, comes when it comes. */
  #checkOrder(queue: string): void {
    const isLeftAlone = ({ run, key, wasStopped }: BodyCall): boolean =>
      !wasStopped && !key.endsWith("/undo") && !this.#decided.has(run);
    const ofQueue = this.#noted.filter(({ call, effect }) => effect.queue === queue && isLeftAlone(call));
    const found = overtaken(ofQueue.map(({ call: { key: task }, effect }) => ({ ...effect, task })));
    if (found !== null)
      throw new Violation("in a strict order nobody passes one that comes again", { queue, ...found });
  }
}
