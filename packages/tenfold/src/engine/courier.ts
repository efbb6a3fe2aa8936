/**
 * Carries what the runs of one lane have for runs of others, and forgets what was carried to this lane long ago.
 * Invariants: a parcel leaves the outbox after it was received; what keeps a second delivery of it out outlasts every
 * courier that may still have it in hand, since none delivers or removes what it read longer ago than half of that time.
 */
import type { Parcel, ParcelName, Store } from "../store/store.ts";
import { laneOfRun } from "../value/id.ts";
import { isClosed, isPassing } from "./passing.ts";
import type { Clock } from "./ports.ts";

/** How long a received parcel is remembered after it came last (ms). */
export const REMEMBERED_MS = 600_000;
/** How often it is worth looking for some that need not be remembered any more (ms). */
export const SWEEP_EVERY_MS = REMEMBERED_MS / 2;
const PARCELS = 500;

export class Courier {
  readonly #store: Store;
  readonly #lane: number;
  readonly #clock: Clock;
  #isCarrying = false;
  #carriesAgain = false;

  constructor(store: Store, lane: number, clock: Clock) {
    this.#store = store;
    this.#lane = lane;
    this.#clock = clock;
  }

  /** Carries what lies in the outbox; what cannot be delivered now stays there. */
  async carry(): Promise<void> {
    if (this.#isCarrying) return void (this.#carriesAgain = true);
    this.#isCarrying = true;
    try {
      do {
        this.#carriesAgain = false;
        await this.#carryAll();
      } while (this.#carriesAgain);
    } catch (thrown) {
      if (!isPassing(thrown) && !isClosed(thrown)) throw thrown;
    } finally {
      this.#isCarrying = false;
    }
  }

  async #carryAll(): Promise<void> {
    let after: ParcelName | null = null;
    for (;;) {
      const readAt = this.#clock.elapsed();
      const parcels: readonly Parcel[] = await this.#store.post.outgoing(this.#lane, after, PARCELS);
      const byLane = Map.groupBy(parcels, ({ send }) => laneOfRun(send.run) ?? this.#lane);
      await Promise.all([...byLane].map(([lane, group]) => this.#carryTo(lane, group, readAt)));
      if (parcels.length < PARCELS) return;
      after = nameOf(parcels.at(-1)!);
    }
  }

  async #carryTo(lane: number, parcels: readonly Parcel[], readAt: number): Promise<void> {
    const isInTime = (): boolean => this.#clock.elapsed() - readAt < REMEMBERED_MS / 2;
    try {
      if (isInTime()) await this.#store.post.deliver(lane, parcels, this.#clock.now());
      if (isInTime()) await this.#store.post.remove(this.#lane, parcels.map(nameOf));
    } catch (thrown) {
      // Lanes of other servers go on; this one's are found in the outbox again.
      if (!isPassing(thrown)) throw thrown;
    }
  }

  /** Forgets parcels that came to this lane long ago, and that no outbox has any more. */
  async sweep(): Promise<void> {
    const { post } = this.#store;
    for (;;) {
      const names = await post.received(this.#lane, this.#clock.now() - REMEMBERED_MS, PARCELS);
      const gone: ParcelName[] = [];
      for (const [lane, group] of Map.groupBy(names, ({ from }) => laneOfRun(from) ?? this.#lane)) {
        const isHeld = await post.holds(lane, group).catch((thrown: unknown) => {
          if (isPassing(thrown)) return group.map(() => true);
          throw thrown;
        });
        gone.push(...group.filter((_, nth) => !isHeld[nth]));
      }
      if (gone.length > 0) await post.release(this.#lane, gone);
      if (names.length < PARCELS || gone.length === 0) return;
    }
  }
}

function nameOf({ from, send }: Parcel): ParcelName {
  return { from, key: send.message.key };
}
