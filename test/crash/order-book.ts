/** Which orders were asked for and accepted, as the log tells, and which ones the next life asks for. */
import type { Mark } from "./effect-log.ts";

/** More than all workers take at once. */
const BACKLOG = 700;
/** New orders of a life at least, so that starts are killed too. */
const NEW_MIN = 12;

export class OrderBook {
  /** Orders that are asked for and not finished, as far as the book sees to it. */
  readonly #backlog: number;
  /** Orders that any life was told to ask for. */
  orders = 0;
  /** How often a run was finished, parked or held. */
  left = 0;
  /** Orders that nobody was seen to be told of, with the life that asks for each. */
  readonly #unaccepted = new Map<number, number>();
  /** Runs that a life is known to have finished: all but a few of those that are. */
  readonly #finished = new Set<string>();

  constructor(backlog: number = BACKLOG) {
    this.#backlog = backlog;
  }

  /** Every asker was answered. */
  get isAccepted(): boolean {
    return this.#unaccepted.size === 0;
  }

  /** Orders whose asker died before the answer, one that was accepted long ago, and new ones. */
  ordersFor(life: number, isAlive: (life: number) => boolean): readonly number[] {
    const orders = [...this.#unaccepted].filter(([, asker]) => !isAlive(asker)).map(([order]) => order);
    if (this.orders > 0) orders.push(Math.floor(this.orders / 2));
    const backlog = this.orders - this.#finished.size;
    for (let added = 0; added < Math.max(NEW_MIN, this.#backlog - backlog); added++) orders.push(this.orders++);
    for (const order of orders) this.#unaccepted.set(order, life);
    return orders;
  }

  read(mark: Mark): void {
    if (mark.kind === "accepted") this.#unaccepted.delete(mark.order);
    if (mark.kind !== "committed") return;
    for (const run of mark.finished) this.#finished.add(run);
    this.left += mark.finished.length + mark.laidDown.length;
  }
}
