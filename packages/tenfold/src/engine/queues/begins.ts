/**
 * Calls bodies that are permitted at the moments at which they may begin. Invariant: none is called while others may own the line, and
 * none closer after the others than the rates let it, however late after its permission it is; a batch begins as one that costs what
 * all of it costs.
 */
import {
  began,
  beganWith,
  beginsAt,
  limitBeginnings,
  newBeginnings,
  restoreBeginnings,
  withPending,
} from "../../core/queues/beginnings.ts";
import type { KeptBucket } from "../../core/queues/bucket.ts";
import type { LineLimits, Waiting } from "../../core/queues/line-state.ts";
import type { Clock } from "../ports.ts";
import type { LaneSlots } from "../slots.ts";
import { callTogether, ofOneBody } from "./call-together.ts";
import { FIRST } from "./serve-again.ts";
import type { Turn } from "./turn.ts";

/** How long a body waits for the lease to be sure again. */
export const UNSURE_MS = 100;

export interface BeginsParts {
  readonly clock: Clock;
  /** Nobody else can own the line now. */
  readonly isSure: () => boolean;
  /** Of the lane that the line is owned in. */
  readonly slots: LaneSlots;
}

export class Begins {
  readonly #parts: BeginsParts;
  readonly #beginnings: ReturnType<typeof newBeginnings>;
  #isClosed = false;

  /** What was permitted is not used. */
  readonly #unused: (turn: Turn) => void;

  constructor(parts: BeginsParts, limits: LineLimits, unused: (turn: Turn) => void) {
    this.#parts = parts;
    this.#unused = unused;
    this.#beginnings = newBeginnings(limits);
  }

  restore(scope: string, kept: KeptBucket): void {
    restoreBeginnings(this.#beginnings, scope, kept, this.#now());
  }

  /** It may begin from now on, and did not yet. */
  permitted({ waiting }: Turn): void {
    this.#beginnings.pending.add(waiting);
  }

  /** It is permitted, and has not begun. */
  isToBegin({ waiting }: Turn): boolean {
    return this.#beginnings.pending.has(waiting);
  }

  /** It does not begin any more, if it has not. */
  isOver({ waiting }: Turn): void {
    this.#beginnings.pending.delete(waiting);
  }

  /** What the buckets are at worst, by what they are of: with all that may begin yet. */
  atWorst(): (scope: string) => number {
    return withPending(this.#beginnings, this.#now());
  }

  change(limits: LineLimits): void {
    limitBeginnings(this.#beginnings, limits, this.#now());
  }

  /** It has cost `more` than it said. */
  spent(waiting: Waiting, more: number): void {
    beganWith(this.#beginnings, waiting, more, this.#now());
  }

  /** The line has another owner. */
  close(): void {
    this.#isClosed = true;
  }

  /** Calls the body of turns that are permitted, and have a slot, when it may begin; or what asks when its body may. */
  start(turns: readonly Turn[]): void {
    const able = this.#able(turns);
    const first = able[0];
    if (first === undefined) return;
    const call = (): void => {
      if (first.asker.batched !== null) callTogether(this.#able(able), this.#parts.slots);
      else if (first.state === "permitted") first.called(null);
    };
    if (first.asker.beginsItself) call();
    else this.begin(able, call);
  }

  /** Those that are called together now; the others ask again. */
  #able(turns: readonly Turn[]): readonly Turn[] {
    const permitted = turns.filter(({ state }) => state === "permitted");
    const able = ofOneBody(permitted);
    const called = new Set(able);
    for (const turn of permitted) if (turn.state === "permitted" && !called.has(turn)) this.#takeBack(turn);
    return able;
  }

  /** What it was permitted is given back, and asked for again: once its lane takes writes, if it takes none now. */
  #takeBack(turn: Turn): void {
    const { slots } = turn.asker;
    turn.takenBack();
    const call = (): void => {
      slots.release();
      turn.asksAgain();
    };
    this.#unused(turn);
    slots.take({ id: FIRST, call });
  }

  /**
   * Calls what calls the body of these, which begin together, when that may begin; at once where none is permitted any more, which it
   * finds out by itself.
   */
  begin(turns: readonly Turn[], call: () => void): void {
    const asking = turns.filter(({ state }) => state !== "over").map(({ waiting }) => waiting);
    const first = asking[0];
    if (first === undefined || this.#isClosed) return call();
    const { clock, isSure } = this.#parts;
    const now = this.#now();
    const all = asking.length === 1 ? first : { ...first, cost: asking.reduce((sum, { cost }) => sum + cost, 0) };
    const at = isSure() ? beginsAt(this.#beginnings, all) : now + UNSURE_MS;
    if (at > now) return void clock.at(clock.now() + Math.ceil(at - now), () => this.begin(turns, call));
    for (const waiting of asking) this.#beginnings.pending.delete(waiting);
    began(this.#beginnings, all, now, asking);
    call();
  }

  #now(): number {
    return this.#parts.clock.elapsed();
  }
}
