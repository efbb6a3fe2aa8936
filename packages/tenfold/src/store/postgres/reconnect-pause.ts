/**
 * When a session that broke may be made anew: at once after one that worked, then after ever longer pauses, so that
 * a server that is away, or has too many clients, is not hammered by a whole fleet.
 */

const FIRST_MS = 100;
const MAX_MS = 5000;

/** The pause after so many sessions in a row that answered nothing; `random` from 0 to 1 spreads a fleet. */
export function pauseAfter(failures: number, random: number): number {
  return failures === 0 ? 0 : Math.min(FIRST_MS * 2 ** (failures - 1), MAX_MS) * (0.5 + random / 2);
}

export class ReconnectPause {
  #failures = 0;
  #until = 0;

  /** A session is over; `worked`: it answered something. */
  ended(worked: boolean): void {
    this.#failures = worked ? 0 : this.#failures + 1;
    this.#until = performance.now() + pauseAfter(this.#failures, Math.random());
  }

  /** What is left of the pause (ms). */
  get leftMs(): number {
    return Math.max(0, this.#until - performance.now());
  }
}
