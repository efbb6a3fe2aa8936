/** The memory store's post: each verb takes effect in one piece, in one lane. */
import { sendTo, textOf, type Lane } from "./memory-lane.ts";
import type { Parcel, ParcelName, Post, SendAnswer } from "./store.ts";

export class MemoryPost implements Post {
  readonly #lane: (lane: number) => Lane;
  readonly #changed: () => void;

  constructor(lane: (lane: number) => Lane, changed: () => void) {
    this.#lane = lane;
    this.#changed = changed;
  }

  async outgoing(lane: number, after: ParcelName | null, limit: number): Promise<readonly Parcel[]> {
    return [...this.#lane(lane).outbox]
      .filter(([name]) => after === null || name > textOf(after))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, limit)
      .map(([, parcel]) => parcel);
  }

  async deliver(laneNumber: number, parcels: readonly Parcel[], now: number): Promise<readonly SendAnswer[]> {
    const lane = this.#lane(laneNumber);
    const answers = parcels.map(({ from, send }): SendAnswer => {
      const name = { from, key: send.message.key };
      const before = lane.received.get(textOf(name));
      lane.received.set(textOf(name), { name, at: Math.max(now, before?.at ?? now) });
      return before === undefined ? sendTo(lane, send, now) : { kind: "sent" };
    });
    this.#changed();
    return answers;
  }

  async remove(lane: number, names: readonly ParcelName[]): Promise<void> {
    for (const name of names) this.#lane(lane).outbox.delete(textOf(name));
  }

  async received(lane: number, before: number, limit: number): Promise<readonly ParcelName[]> {
    return [...this.#lane(lane).received.values()]
      .filter(({ at }) => at < before)
      .slice(0, limit)
      .map(({ name }) => name);
  }

  async holds(lane: number, names: readonly ParcelName[]): Promise<readonly boolean[]> {
    return names.map((name) => this.#lane(lane).outbox.has(textOf(name)));
  }

  async release(lane: number, names: readonly ParcelName[]): Promise<void> {
    for (const name of names) this.#lane(lane).received.delete(textOf(name));
  }
}
