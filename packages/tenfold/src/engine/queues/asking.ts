/** Asks the store for one owner of a line until it answers, or nobody may ask any more. */
import { LeaseLost } from "../../store/store.ts";
import { isClosed, isPassing } from "../passing.ts";
import type { Clock } from "../ports.ts";

/** How long what failed waits for the next try (ms). */
const RETRY_MS = 250;

export class Asking {
  readonly #clock: Clock;
  isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  close(): void {
    this.isClosed = true;
  }

  pause(): Promise<void> {
    return new Promise((resolve) => void this.#clock.at(this.#clock.now() + RETRY_MS, resolve));
  }

  /** Null: nobody here may ask any more, or now. */
  async until<T>(ask: () => Promise<T>, mayAsk: () => boolean = () => true): Promise<T | null> {
    while (!this.isClosed && mayAsk()) {
      try {
        const answer = await ask();
        return this.isClosed || !mayAsk() ? null : answer;
      } catch (thrown) {
        if (!isPassing(thrown) && !(thrown instanceof LeaseLost) && !isClosed(thrown)) throw thrown;
        await this.pause();
        if (thrown instanceof LeaseLost) return null;
      }
    }
    return null;
  }
}
