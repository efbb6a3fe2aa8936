/**
 * From where on a claim reads the runs that wait.
 * A run that was claimed leaves an entry at the head of its index, which nothing can remove while any reader of the
 * database keeps an older snapshot: read from the head, claims would slow down for as long as that lasts. So they
 * read from the place that was served a moment ago. What became visible behind it (a transaction that was open for
 * long, a clock that is behind) is found by reading all now and then, the rarer the longer that takes.
 */

/** What becomes visible later than this behind the served place is found by reading all (ms). */
const SLACK_MS = 2000;
/** Reading all takes at most this share of the time. */
const SHARE = 0.05;
const WHOLE_LEAST_MS = 200;

export interface Range {
  /** The least turn, and the least due time, of which rows are read. */
  readonly turn: number;
  readonly wakeAt: number;
  readonly isWhole: boolean;
}

const WHOLE: Range = { turn: -1, wakeAt: Number.MIN_SAFE_INTEGER, isWhole: true };

interface Served {
  readonly at: number;
  readonly turn: number;
  readonly wakeAt: number;
}

export class ClaimCursor {
  /** Places in the order in which they were served; the first is the last one that is older than the slack. */
  #served: Served[] = [{ at: -Infinity, turn: WHOLE.turn, wakeAt: WHOLE.wakeAt }];
  #wholeAt = -Infinity;

  /** `elapsed`: ms on a clock that is never set. */
  range(elapsed: number): Range {
    if (elapsed >= this.#wholeAt) return WHOLE;
    while (this.#served.length > 1 && this.#served[1]!.at <= elapsed - SLACK_MS) this.#served.shift();
    const { turn, wakeAt } = this.#served[0]!;
    return { turn, wakeAt: wakeAt - SLACK_MS, isWhole: false };
  }

  /** A read of `range` was sent at `from` and answered at `until` (ms elapsed). */
  read({ isWhole }: Range, from: number, until: number): void {
    if (isWhole) this.#wholeAt = until + Math.max((until - from) / SHARE, WHOLE_LEAST_MS);
  }

  /** Something may have become visible anywhere: the next read is of all. */
  expectLate(): void {
    this.#wholeAt = -Infinity;
  }

  /** The last places that were claimed: of runs that begin, and of runs that continue. */
  claimed(elapsed: number, turn: number | undefined, wakeAt: number | undefined): void {
    const last = this.#served.at(-1)!;
    this.#served.push({
      at: elapsed,
      turn: Math.max(last.turn, turn ?? last.turn),
      wakeAt: Math.max(last.wakeAt, wakeAt ?? last.wakeAt),
    });
  }
}
