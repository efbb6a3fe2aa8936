/** Attempts in strict queues that come again: their keys wait for them, and nobody of the key goes meanwhile. */
import type { Waiting } from "../../core/queues/line-state.ts";

export class Holding {
  /** By the ids of their turns. */
  readonly #held = new Map<string, Waiting>();

  hold(waiting: Waiting): void {
    this.#held.set(waiting.id, waiting);
  }

  /** It has come; undefined: nobody waited for it. */
  take(id: string): Waiting | undefined {
    const waiting = this.#held.get(id);
    this.#held.delete(id);
    return waiting;
  }

  /** Those of a run of which nothing comes any more. */
  endedOf(run: string): readonly Waiting[] {
    if (this.#held.size === 0) return [];
    const ids = [...this.#held.keys()].filter((id) => runOf(id) === run);
    return ids.map((id) => this.take(id)!);
  }

  get runs(): readonly string[] {
    return [...this.#held.keys()].map(runOf);
  }

  clear(): void {
    this.#held.clear();
  }
}

function runOf(id: string): string {
  return id.slice(0, id.indexOf(" "));
}
