/**
 * The waiting ledger of lines: each moment that an attempt waits in a queue is charged to what kept the queue from starting one then.
 * Invariant: what is charged to a queue is all that was waited in it: it is counted per queue, so many at a time, not per attempt.
 */
import type { Line } from "../../core/queues/line-state.ts";
import { binding, type Binding } from "../../core/queues/line-facts.ts";

/** What a queue waits for: a limit, and whose it is; or a slot of its worker. */
export type Cause = `${Binding["kind"]} of ${Binding["of"]}` | "slots";

export class Ledger {
  /** By queue and cause (ms, added up over all that waited). */
  readonly charged = new Map<string, Map<Cause, number>>();

  charge(queue: string, cause: Cause, ms: number): void {
    let causes = this.charged.get(queue);
    if (causes === undefined) this.charged.set(queue, (causes = new Map()));
    causes.set(cause, (causes.get(cause) ?? 0) + ms);
  }
}

/** The pages of one line: to be closed before anything changes in it, and opened after. */
export class LedgerPages {
  readonly #ledger: Ledger;
  readonly #line: Line;
  readonly #causes = new Map<string, Cause>();
  #since: number;

  constructor(ledger: Ledger, line: Line, now: number) {
    this.#ledger = ledger;
    this.#line = line;
    this.#since = now;
  }

  close(now: number): void {
    const ms = now - this.#since;
    this.#since = now;
    if (ms === 0) return;
    for (const [name, { waiting }] of this.#line.queues) {
      if (waiting > 0) this.#ledger.charge(name, this.#causes.get(name)!, waiting * ms);
    }
  }

  /** `waitsForSlot`: it was not even asked whose turn it is. */
  open(now: number, waitsForSlot: boolean): void {
    for (const [name, { waiting }] of this.#line.queues) {
      if (waiting === 0) continue;
      const binds = waitsForSlot ? null : binding(this.#line, name, now);
      this.#causes.set(name, binds === null ? "slots" : `${binds.kind} of ${binds.of}`);
    }
  }
}
