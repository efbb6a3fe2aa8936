/** A line of the core in virtual time: asked when somebody joins or is settled, and when it has said. */
import { newLine, type Line, type Waiting } from "../../core/queues/line-state.ts";
import { hold, join, next, released, settled } from "../../core/queues/line.ts";
import type { Agenda } from "./agenda.ts";
import type { Happening } from "./happening.ts";
import { LedgerPages, type Ledger } from "./ledger.ts";
import type { SlotWaiting, Slots } from "./slots.ts";
import type { SimulatedLimits } from "./world.ts";

/** Before all runs. */
const FIRST = -1;

export class SimulatedLine<W extends Waiting> implements Happening, SlotWaiting {
  readonly name: string;
  readonly line: Line;
  readonly age = FIRST;
  position = -1;
  ticket = 0;
  readonly #agenda: Agenda<Happening>;
  readonly #slots: Slots;
  readonly #begin: (together: readonly W[]) => void;
  /** How many that are in it wait. */
  #waiting = 0;
  /** When somebody may start, and when that is asked for; Infinity: that is not known. */
  #askedFor = Infinity;
  #asksAt = Infinity;
  #isServing = false;
  /** For whom keys wait, by their ids. */
  readonly #held = new Map<string, W>();
  #waitsForSlot = false;
  /** Null: nobody wants to know what is waited for. */
  readonly #pages: LedgerPages | null;

  /** `begin`: those have their turn, and one slot together. */
  constructor(
    { name, limits }: SimulatedLimits,
    agenda: Agenda<Happening>,
    slots: Slots,
    begin: (together: readonly W[]) => void,
    ledger: Ledger | null,
  ) {
    this.name = name;
    this.line = newLine(limits, agenda.now, true);
    this.#agenda = agenda;
    this.#slots = slots;
    this.#begin = begin;
    this.#pages = ledger && new LedgerPages(ledger, this.line, agenda.now);
  }

  join(waiting: W): void {
    this.#pages?.close(this.#agenda.now);
    this.#waiting++;
    join(this.line, waiting);
    this.serve();
  }

  /** What it waited for, in a strict order, does not come any more: its key goes on. */
  released(waiting: W): void {
    if (!this.#held.delete(waiting.id)) return;
    this.#pages?.close(this.#agenda.now);
    released(this.line, waiting);
    this.serve();
  }

  /** Those for which keys wait. */
  get held(): Iterable<W> {
    return this.#held.values();
  }

  /** Its body has ended; `comesAgain` in a strict order: its key waits for it. */
  settled(waiting: W, comesAgain: boolean): void {
    this.#pages?.close(this.#agenda.now);
    if (comesAgain) {
      this.#held.set(waiting.id, waiting);
      hold(this.line, waiting, this.#agenda.now, undefined);
    } else settled(this.line, waiting, this.#agenda.now);
    this.serve();
  }

  hasSlot(): void {
    this.#waitsForSlot = false;
    this.#slots.release();
    this.serve();
  }

  happens(): void {
    if (this.#agenda.now !== this.#asksAt) return;
    this.#askedFor = this.#asksAt = Infinity;
    this.serve();
  }

  serve(): void {
    if (this.#isServing) return;
    this.#isServing = true;
    this.#pages?.close(this.#agenda.now);
    while (this.#waiting > 0 && this.#serveOne());
    this.#pages?.open(this.#agenda.now, this.#waitsForSlot);
    this.#isServing = false;
  }

  /** False: nobody may start now. */
  #serveOne(): boolean {
    if (!this.#slots.tryTake()) {
      if (!this.#waitsForSlot) {
        this.#waitsForSlot = true;
        this.#slots.take(this);
      }
      return false;
    }
    const { now } = this.#agenda;
    const answer = next(this.line, now);
    if (answer.kind !== "start") {
      this.#slots.release();
      if (answer.kind === "later") this.#askFor(answer.at);
      return false;
    }
    const together = [answer.waiting, ...answer.with] as readonly Waiting[] as readonly W[];
    this.#waiting -= together.length;
    for (const { id } of together) this.#held.delete(id);
    this.#begin(together);
    return true;
  }

  /** Whole milliseconds from now, as the engine asks; not again for what it asks for already. */
  #askFor(at: number): void {
    if (this.#askedFor <= at) return;
    const { now } = this.#agenda;
    this.#askedFor = at;
    this.#asksAt = now + Math.max(1, Math.ceil(at - now));
    this.#agenda.plan(this.#asksAt, this);
  }
}
