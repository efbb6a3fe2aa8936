/** How often something has started lately, without a list of the starts. */

const BIN_MS = 1000;
/** Over how many of these the rate is taken. */
const BINS = 10;
/** From then on after the last start the rate is 0 (ms). */
export const RATE_WINDOW_MS = BINS * BIN_MS;

export class StartRate {
  /** Starts by the second in which they were; the first one comes first. */
  readonly #bins = new Map<number, number>();
  /** When the first of them was, after a time without any. */
  #from = 0;

  started(now: number): void {
    this.#forget(now);
    if (this.#bins.size === 0) this.#from = now;
    const bin = Math.floor(now / BIN_MS);
    this.#bins.set(bin, (this.#bins.get(bin) ?? 0) + 1);
  }

  /** Starts in a second; of one that has just begun, since it did. */
  perSecond(now: number): number {
    this.#forget(now);
    let starts = 0;
    for (const count of this.#bins.values()) starts += count;
    const overMs = Math.min(RATE_WINDOW_MS, Math.max(BIN_MS, now - this.#from));
    return Math.round((starts * 100_000) / overMs) / 100;
  }

  #forget(now: number): void {
    for (const bin of this.#bins.keys()) {
      if (bin * BIN_MS > now - RATE_WINDOW_MS) return;
      this.#bins.delete(bin);
    }
  }
}
