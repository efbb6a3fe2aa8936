/**
 * Group commit, as the engine makes it: what is given while one is on its way goes into the next; a second one beside it only where
 * the store takes two, and enough is there for it. Invariant: what is given at one time is sent at that time, after all that happens then.
 */
import type { StoreModel } from "../model/model.ts";
import type { Agenda } from "./agenda.ts";
import type { Happening } from "./happening.ts";

/** As many as a second commit is worth while one is on its way, and the most of one. */
const WORTH_A_SECOND = 250;
const MOST = 500;

export class GroupCommits<T> implements Happening {
  readonly #agenda: Agenda<Happening>;
  readonly #store: StoreModel | null;
  readonly #linesOf: (item: T) => number;
  readonly #written: (items: readonly T[]) => void;
  #waiting: T[] = [];
  #isPlanned = false;
  #inFlight = 0;
  /** Commits so far, their lines, and how long the store was at work on them (ms). */
  commits = 0;
  lines = 0;
  busyMs = 0;

  constructor(
    agenda: Agenda<Happening>,
    store: StoreModel | null,
    linesOf: (item: T) => number,
    written: (items: readonly T[]) => void,
  ) {
    this.#agenda = agenda;
    this.#store = store;
    this.#linesOf = linesOf;
    this.#written = written;
  }

  add(item: T): void {
    this.#waiting.push(item);
    this.#schedule();
  }

  #schedule(): void {
    const waiting = this.#waiting.length;
    if (this.#isPlanned || waiting === 0) return;
    if (this.#inFlight > 0 && (this.#inFlight === this.#store!.commitsAtOnce || waiting < WORTH_A_SECOND)) return;
    this.#isPlanned = true;
    this.#agenda.plan(this.#agenda.now, this);
  }

  happens(): void {
    this.#isPlanned = false;
    const items = this.#waiting.length <= MOST ? this.#waiting : this.#waiting.slice(0, MOST);
    this.#waiting = this.#waiting.length <= MOST ? [] : this.#waiting.slice(MOST);
    this.commits++;
    const lines = items.reduce((sum, item) => sum + this.#linesOf(item), 0);
    this.lines += lines;
    if (this.#store === null) {
      this.#written(items);
      return this.#schedule();
    }
    const takesMs = this.#store.commitMs + this.#store.lineMs * lines;
    this.busyMs += takesMs;
    this.#inFlight++;
    this.#agenda.plan(this.#agenda.now + takesMs, {
      happens: () => {
        this.#inFlight--;
        this.#written(items);
        this.#schedule();
      },
    });
    this.#schedule();
  }
}
