/** Rings at the soonest of the times that it was given, once. */
import type { Clock } from "./ports.ts";

export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #set: { readonly at: number; readonly cancel: () => void } | null = null;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings then (ms since 1970), or before. */
  noLaterThan(at: number): void {
    if (this.#set !== null && this.#set.at <= at) return;
    this.cancel();
    const cancel = this.#clock.at(at, () => {
      this.#set = null;
      this.#ring();
    });
    this.#set = { at, cancel };
  }

  cancel(): void {
    this.#set?.cancel();
    this.#set = null;
  }
}
