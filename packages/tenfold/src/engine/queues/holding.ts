/** Attempts in strict queues that come again: their keys wait for them, and nobody else of the key goes meanwhile. */
import type { Line, Waiting } from "../../core/queues/line-state.ts";
import { hold, released } from "../../core/queues/line.ts";
import { runOfTurn } from "./turn-id.ts";

export class Holding {
  /** By the ids of their turns. */
  readonly #held = new Map<string, Waiting>();

  /** It has settled, and comes again. */
  hold(line: Line, waiting: Waiting, now: number): void {
    this.#held.set(waiting.id, waiting);
    hold(line, waiting, now);
  }

  /** Undefined: no key waits for it. */
  of(id: string): Waiting | undefined {
    return this.#held.get(id);
  }

  /** It has come, and has its turn. */
  started(id: string): void {
    this.#held.delete(id);
  }

  /** It does not come any more. */
  gaveUp(line: Line, waiting: Waiting): void {
    if (this.#held.delete(waiting.id)) released(line, waiting);
  }

  /** Nothing of the run comes any more. */
  ended(line: Line, run: string): void {
    for (const waiting of this.#held.values()) if (runOfTurn(waiting.id) === run) this.gaveUp(line, waiting);
  }

  /** A key waits for an attempt of this run. */
  isForRun(run: string): boolean {
    return this.#held.values().some(({ id }) => runOfTurn(id) === run);
  }

  get all(): readonly Waiting[] {
    return [...this.#held.values()];
  }

  clear(): void {
    this.#held.clear();
  }
}
