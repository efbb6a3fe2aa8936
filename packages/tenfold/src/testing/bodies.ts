/**
 * Bodies that are under way in real time while virtual time stands still.
 * Invariants: what bodies answer is handed on when none of them is under way and nothing else is due, in the order in
 * which they were called, so that it is the same in each run of a test; one that waits for virtual time is not under way.
 */
import { TenfoldError } from "../value/error.ts";
import { afterRealMs, realNow } from "./real-time.ts";

/** A body that was called and has not been answered for. */
export interface OpenBody {
  readonly name: string;
  /** It answered a promise. */
  isAwaited: boolean;
  /** How often it waits for virtual time now. */
  waits: number;
  /** What it came to, for whoever follows it; null: nothing yet. */
  outcome: { readonly arrived: () => void; readonly handOn: () => void } | null;
  /** Since when it is under way (ms of real time). */
  since: number;
}

/** Whoever called a body. */
export interface Follower {
  /** It has settled, as have all that are handed on with it; nothing was handed on yet. */
  arrived(): void;
  /** Whether somebody still waits for what it came to. */
  isThere(): boolean;
}

export class Bodies {
  readonly #patienceMs: number;
  readonly #isDue: () => boolean;
  readonly #settled: () => void;
  readonly #open = new Set<OpenBody>();
  #underWay = 0;
  /** Those that settled and were not handed on. */
  #arrived = 0;
  #change = Promise.withResolvers<void>();
  #isForgotten = false;

  /** `isDue` says whether anything else happens now; `settled` is called when something may be handed on. */
  constructor(patienceMs: number, isDue: () => boolean, settled: () => void) {
    this.#patienceMs = patienceMs;
    this.#isDue = isDue;
    this.#settled = settled;
  }

  begin(name: string): OpenBody {
    return { name, isAwaited: false, waits: 0, outcome: null, since: 0 };
  }

  /** What `answer` comes to, once it is its turn; never, if nobody is there then. */
  follow<T>(body: OpenBody, answer: PromiseLike<T>, follower: Follower): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#open.add(body);
      this.#update(body, () => (body.isAwaited = true));
      const settle = (answered: () => void): void => {
        const handOn = (): void => (follower.isThere() ? answered() : undefined);
        this.#arrived++;
        this.#update(body, () => (body.outcome = { arrived: () => follower.arrived(), handOn }));
        this.#settled();
      };
      answer.then(
        (known) => settle(() => resolve(known)),
        (thrown) => settle(() => reject(thrown as Error)),
      );
    });
  }

  /** While `waiting` is not settled, the body waits for virtual time. */
  async rest(body: OpenBody, waiting: Promise<void>): Promise<void> {
    this.#update(body, () => body.waits++);
    try {
      await waiting;
    } finally {
      this.#update(body, () => body.waits--);
    }
  }

  /** Something is to be waited for, or null: then all that settled was handed on. BODY_UNSETTLED once patience is over. */
  underWay(): Promise<unknown> | null {
    if (this.#isForgotten || this.#isDue()) return null;
    if (this.#underWay > 0) return this.#changed();
    if (this.#arrived === 0) return null;
    this.#arrived = 0;
    const settled = [...this.#open].filter(({ outcome }) => outcome !== null);
    for (const body of settled) this.#open.delete(body);
    for (const { outcome } of settled) outcome!.arrived();
    for (const { outcome } of settled) outcome!.handOn();
    return Promise.resolve();
  }

  /** Whoever waits is to look again: something else is due. */
  wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }

  /** Nobody waits for any of them any more. */
  forget(): void {
    this.#isForgotten = true;
    this.wake();
  }

  #update(body: OpenBody, change: () => void): void {
    const before = isUnderWay(body);
    change();
    const after = isUnderWay(body);
    if (before === after) return;
    if (after) body.since = realNow();
    this.#underWay += after ? 1 : -1;
    if (this.#underWay === 0) this.wake();
  }

  async #changed(): Promise<void> {
    const waited = [...this.#open].filter(isUnderWay).reduce((a, b) => (b.since < a.since ? b : a));
    const leftMs = waited.since + this.#patienceMs - realNow();
    if (leftMs <= 0) throw unsettled(waited, this.#patienceMs);
    const { promise: change } = this.#change;
    const { promise: over, resolve } = Promise.withResolvers<void>();
    await Promise.race([change, over]).finally(afterRealMs(leftMs, resolve));
  }
}

function isUnderWay({ isAwaited, waits, outcome }: OpenBody): boolean {
  return isAwaited && waits === 0 && outcome === null;
}

function unsettled({ name }: OpenBody, patienceMs: number): TenfoldError {
  return new TenfoldError(
    "BODY_UNSETTLED",
    `The body of ${name} has not settled within ${patienceMs} ms of real time; virtual time waits for it and was not moved. Stub the step, with \`takes("10m", …)\` where it is to be slow, or give the test more \`patience\`.`,
    { facts: { body: name, patienceMs } },
  );
}
