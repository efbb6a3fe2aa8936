/** When a line is to be served again: once a slot is free, or when the rates let somebody go. */
import type { Clock } from "../ports.ts";
import type { LaneSlots } from "../slots.ts";

/** Sorts before all runs. */
export const FIRST = "";

export class ServeAgain {
  readonly #parts: { readonly clock: Clock; readonly slots: LaneSlots };
  readonly #serve: () => void;
  #hasTicket = false;
  #alarm: { readonly at: number; readonly cancel: () => void } | null = null;

  constructor(parts: { readonly clock: Clock; readonly slots: LaneSlots }, serve: () => void) {
    this.#parts = parts;
    this.#serve = serve;
  }

  whenSlotIsFree(): void {
    if (this.#hasTicket) return;
    this.#hasTicket = true;
    const { slots } = this.#parts;
    const call = (): void => {
      this.#hasTicket = false;
      // Free again in the same turn of the loop: taken by whom it is decided for now.
      slots.release();
      this.#serve();
    };
    slots.take({ id: FIRST, call });
  }

  /** At this time of the clock that only passes (ms), or before. */
  at(at: number): void {
    if (this.#alarm !== null && this.#alarm.at <= at) return;
    this.#alarm?.cancel();
    const { clock } = this.#parts;
    // Whole milliseconds: a part of one is lost beside the time since 1970, and it would be asked again at the same moment.
    const cancel = clock.at(clock.now() + Math.max(1, Math.ceil(at - clock.elapsed())), () => {
      this.#alarm = null;
      this.#serve();
    });
    this.#alarm = { at, cancel };
  }

  cancel(): void {
    this.#alarm?.cancel();
    this.#alarm = null;
  }
}
