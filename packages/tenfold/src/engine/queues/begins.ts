/**
 * Calls bodies at the moments at which they may begin. Invariant: none is called while others may own the line, and none closer after
 * the others than the rates let it, however late after its permission it is.
 */
import { began, beganWith, beginsAt, limitBeginnings, newBeginnings } from "../../core/queues/beginnings.ts";
import type { LineLimits, Waiting } from "../../core/queues/line-state.ts";
import type { Clock } from "../ports.ts";
import type { Turn } from "./turn.ts";

/** How long a body waits for the lease to be sure again. */
export const UNSURE_MS = 100;

export interface BeginsParts {
  readonly clock: Clock;
  /** Nobody else can own the line now. */
  readonly isSure: () => boolean;
}

export class Begins {
  readonly #parts: BeginsParts;
  readonly #beginnings: ReturnType<typeof newBeginnings>;
  #isClosed = false;

  constructor(parts: BeginsParts, limits: LineLimits) {
    this.#parts = parts;
    this.#beginnings = newBeginnings(limits);
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

  /** Calls what calls its body when that may begin; at once where it is not permitted any more, which it finds out by itself. */
  begin(turn: Turn, call: () => void): void {
    if (turn.state === "over" || this.#isClosed) return call();
    const { clock, isSure } = this.#parts;
    const now = this.#now();
    const at = isSure() ? beginsAt(this.#beginnings, turn.waiting) : now + UNSURE_MS;
    if (at > now) return void clock.at(clock.now() + Math.ceil(at - now), () => this.begin(turn, call));
    began(this.#beginnings, turn.waiting, now);
    call();
  }

  #now(): number {
    return this.#parts.clock.elapsed();
  }
}
