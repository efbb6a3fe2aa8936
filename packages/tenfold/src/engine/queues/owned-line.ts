/** What the owner of a line has of it beside who asks: how many run, its buckets, and when bodies begin; under one lease. */
import { change, changed, restore } from "../../core/queues/limit-changes.ts";
import { newLine, type Line, type LineLimits, type Waiting } from "../../core/queues/line-state.ts";
import { isHeldBack, slow, spent } from "../../core/queues/line.ts";
import type { Lease } from "../../store/store.ts";
import type { OwnedQueue } from "../../store/queues.ts";
import type { Clock } from "../ports.ts";
import { Begins, type BeginsParts } from "./begins.ts";
import { Holding, isWait, type HoldingHost } from "./holding.ts";
import { LineKeeper, type LineKeeperParts } from "./line-keeper.ts";
import type { Turn } from "./turn.ts";

/** How long a line waits that was told to slow down, and not for how long (ms). */
const SLOW_MS = 1000;
/** The longest that is believed: what is longer is as a rule no time from now (ms). */
const SLOW_MAX_MS = 3_600_000;

export interface OwnedLineParts extends BeginsParts, HoldingHost, Omit<LineKeeperParts, "atWorst"> {
  /** Of a key of the queue the next goes only when the one before is over, also with its retries. */
  readonly isStrict: (queue: string) => boolean;
  /** What was permitted is not used. */
  readonly unused: (turn: Turn) => void;
}

export class OwnedLine {
  readonly lease: Lease;
  readonly line: Line;
  readonly begins: Begins;
  readonly keeper: LineKeeper;
  /** For whom keys wait. */
  readonly holding: Holding;
  readonly #clock: Clock;

  constructor(parts: OwnedLineParts, limits: LineLimits, lease: Lease, { wasUsed, buckets }: OwnedQueue) {
    const { clock } = parts;
    this.#clock = clock;
    const now = clock.elapsed();
    // In the clock that only passes, which nobody sets.
    const offset = clock.now() - now;
    this.lease = lease;
    this.line = newLine(limits, now, !wasUsed);
    this.begins = new Begins(parts, limits, parts.unused);
    for (const { scope, tat, at } of buckets.filter((bucket) => !isWait(bucket))) {
      const kept = { tat: tat - offset, at: at - offset };
      restore(this.line, scope, kept, now);
      this.begins.restore(scope, kept);
    }
    this.keeper = new LineKeeper({ ...parts, atWorst: () => this.begins.atWorst() }, lease);
    this.holding = new Holding(this.line, this.keeper, parts);
    this.holding.restore(buckets.filter(isWait), parts.isStrict);
  }

  /** Its key waits for another one. */
  isHeldBack(waiting: Waiting): boolean {
    return isHeldBack(this.line, waiting);
  }

  /** Calls what calls its body when that may begin. */
  begin(turn: Turn, call: () => void): void {
    const { begins, line, keeper } = this;
    if (turn.state === "over" || begins.isToBegin(turn)) return begins.begin([turn], call);
    // Its body is called once more by itself, in another transaction: that takes as much again, and is kept before.
    begins.permitted(turn);
    spent(line, turn.waiting, turn.waiting.cost);
    keeper.keep(changed(line), [], () => begins.begin([turn], call));
  }

  change(limits: LineLimits): void {
    change(this.line, limits);
    this.begins.change(limits);
  }

  /** The queue, or with null the whole line, waits for so long (ms); at 0 shortly. */
  slow(queue: string | null, forMs: number): void {
    slow(this.line, queue, this.#clock.elapsed() + (forMs > 0 ? Math.min(forMs, SLOW_MAX_MS) : SLOW_MS));
  }

  close(): void {
    this.begins.close();
    this.keeper.close();
  }
}
