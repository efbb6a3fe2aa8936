/**
 * Attempts in strict queues that are over only when they do not come again: their keys wait for them, and nobody else of the key
 * goes meanwhile. Invariant: for whom a key waits is durable before its body begins, so that the next owner of the line waits too.
 */
import type { Line, Waiting } from "../../core/queues/line-state.ts";
import { awaits, hold, released, settled } from "../../core/queues/line.ts";
import type { KeptBucket } from "../../store/queues.ts";
import type { KeptWait, LineKeeper } from "./line-keeper.ts";
import { runOfTurn } from "./turn-id.ts";

/** Who is told for whom keys wait. */
export interface HoldingHost {
  holds(waiting: Waiting): void;
  /** It has come, or comes no more. */
  letsGo(waiting: Waiting): void;
}

export class Holding {
  readonly #line: Line;
  readonly #keeper: LineKeeper;
  readonly #host: HoldingHost;
  /** By the ids of their turns. */
  readonly #held = new Map<string, Waiting>();
  /** Those of which the store has it, or is to have it: that their body may be at work, or that they come again. */
  readonly #kept = new Set<string>();

  constructor(line: Line, keeper: LineKeeper, host: HoldingHost) {
    this.#line = line;
    this.#keeper = keeper;
    this.#host = host;
  }

  /** The owner before has kept these; where a queue is not strict any more, it waits for nobody. */
  restore(kept: readonly KeptBucket[], isStrict: (queue: string) => boolean): void {
    for (const bucket of kept) {
      const waiting = waitingOf(bucket);
      if (!isStrict(waiting.queue)) {
        this.#keeper.forget(bucket.scope);
        continue;
      }
      this.#kept.add(waiting.id);
      this.#held.set(waiting.id, waiting);
      awaits(this.#line, waiting);
    }
  }

  /** It has settled, and comes again, or waits `again` already. */
  hold(waiting: Waiting, now: number, again: Waiting | undefined): void {
    this.#held.set(waiting.id, waiting);
    hold(this.#line, waiting, now, again);
    this.#host.holds(waiting);
  }

  /** Undefined: no key waits for it. */
  of(id: string): Waiting | undefined {
    return this.#held.get(id);
  }

  /** It has come, and has its turn: what is to be durable before its body. */
  started(waiting: Waiting, isStrict: boolean): readonly KeptWait[] {
    if (this.#held.delete(waiting.id)) this.#host.letsGo(waiting);
    if (!isStrict || this.#kept.has(waiting.id)) return [];
    this.#kept.add(waiting.id);
    return [{ scope: scopeOf(waiting), rank: waiting.rank }];
  }

  /** It has settled, and does not come again. */
  isOver(waiting: Waiting, now: number): void {
    settled(this.#line, waiting, now);
    this.#forget(waiting);
  }

  /** It does not come any more. */
  gaveUp(waiting: Waiting): void {
    if (!this.#held.delete(waiting.id)) return;
    this.#forget(waiting);
    released(this.#line, waiting);
    this.#host.letsGo(waiting);
  }

  /** Nothing of the run comes any more. */
  ended(run: string): void {
    for (const waiting of this.#held.values()) if (runOfTurn(waiting.id) === run) this.gaveUp(waiting);
  }

  get all(): IteratorObject<Waiting> {
    return this.#held.values();
  }

  #forget(waiting: Waiting): void {
    if (this.#kept.delete(waiting.id)) this.#keeper.forget(scopeOf(waiting));
  }
}

/** Names a wait among what is kept of a line; buckets have no more than two parts. */
const WAIT = "waits for";

function scopeOf({ queue, key, id }: Waiting): string {
  return JSON.stringify([WAIT, queue, key, id]);
}

export function isWait({ scope }: KeptBucket): boolean {
  return (JSON.parse(scope) as readonly string[]).length > 2;
}

/** Its cost and weight are those of any: it says them when it comes. */
function waitingOf({ scope, tat: rank }: KeptBucket): Waiting {
  const [, queue, key, id] = JSON.parse(scope) as [string, string, string, string];
  return { queue, key, id, rank, cost: 1, weight: 1 };
}
