/** The slot of what is permitted: of one turn, or of those of a batch together. Invariant: it is free when the last of them has left it uncalled. */
import type { LaneSlots } from "../slots.ts";

export class TurnSlot {
  readonly #slots: LaneSlots;
  #held: number;

  /** Of so many turns; it is taken. */
  constructor(slots: LaneSlots, held: number) {
    this.#slots = slots;
    this.#held = held;
  }

  /** One of them is not called. */
  leaves(): void {
    if (--this.#held === 0) this.#slots.release();
  }
}
