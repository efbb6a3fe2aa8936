/**
 * The place of a run among the active ones of its workflow: it holds one while a body of it runs or waits for its turn.
 * Invariants: without a place none of its bodies is asked for; what is held back meanwhile is what core asks for again once the run is
 * loaded anew; it has begun, and takes nothing more of the rate, once a body of it was called.
 */
import type { Command } from "../../core/command.ts";
import type { JournalLine } from "../../core/journal-line.ts";
import type { Turn } from "./turn.ts";

export class Admission {
  /** Null: it is asked for nothing; its place is this turn's, or will be. */
  turn: Turn | null = null;
  isAdmitted = false;
  /** Some body of it was called before: it goes on. */
  hasBegun: boolean;
  #held: Command[] = [];

  constructor(journal: readonly JournalLine[]) {
    this.hasBegun = journal.some(({ kind, data }) => CALLED.has(kind) && OF_BODY.test(data));
  }

  get isWaiting(): boolean {
    return this.turn !== null && !this.isAdmitted;
  }

  holdBack(command: Command): void {
    this.#held.push(command);
  }

  /** Its turn has come: answers what was held back. */
  admit(): readonly Command[] {
    this.isAdmitted = true;
    this.hasBegun = true;
    return this.#held.splice(0);
  }

  /** It is active no more, or leaves memory. */
  leave(): void {
    const { turn } = this;
    this.turn = null;
    this.isAdmitted = false;
    this.#held = [];
    turn?.over();
  }
}

const CALLED: ReadonlySet<string> = new Set(["done", "failed", "begun", "unsure", "undone", "undo-failed"]);
/** A derive's attempt is 0. */
const OF_BODY = /"attempt":[1-9]/;
