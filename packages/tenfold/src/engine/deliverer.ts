/**
 * Has the events of one lane come to the workflows that are open here: says which events start them, takes deliveries
 * that are due, starts their runs, and settles them.
 * Invariants: a delivery is settled after its run is durable; one that is taken and not settled is due again by itself;
 * where no workflow has a trigger on an event, nothing is asked of the store once it is open.
 */
import type { Delivery } from "../store/events.ts";
import type { Store } from "../store/store.ts";
import type { TenfoldError } from "../value/error.ts";
import { Alarm } from "./alarm.ts";
import { isClosed, isPassing, isUnreached } from "./passing.ts";
import { deliver, type Delivered } from "./delivery.ts";
import { decodedDelivery } from "../store/codec/encoded-events.ts";
import type { Clock, Log } from "./ports.ts";
import type { Registry } from "./registry.ts";
import type { Starts } from "./starts.ts";
import { subscribe } from "./subscribing.ts";
import type { WorkerSettings } from "./worker-settings.ts";

/** Deliveries of a workflow that are taken at once: few while nothing is known of their size, then as many as fit. */
const TAKEN_FIRST = 50;
const TAKEN_MAX = 500;
const CHARACTERS_AIM = 8 * 1024 * 1024;
/** How long whoever takes some has them to itself: longer than starts are sent again for want of an answer. */
const TAKEN_FOR_MS = 60_000;
const RETRY_FIRST_MS = 1000;
const RETRY_MAX_MS = 30_000;

export interface DelivererParts {
  readonly store: Store;
  readonly lane: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: Registry;
  readonly starts: Starts;
  readonly settings: Pick<WorkerSettings, "ownChangeMs" | "pollMs" | "pollMaxMs" | "reconcileMs"> & {
    readonly release: string;
  };
}

export class Deliverer {
  readonly #parts: DelivererParts;
  readonly #alarm: Alarm;
  #unwatch: (() => void) | null = null;
  #isTurning = false;
  #hasHeard = false;
  #isStopped = false;
  #lastTurnAt = -Infinity;
  #subscribeAt = -Infinity;
  #retryMs = RETRY_FIRST_MS;
  #limit = TAKEN_FIRST;

  constructor(parts: DelivererParts) {
    this.#parts = parts;
    this.#alarm = new Alarm(parts.clock, () => void this.#turn());
  }

  /** Once it resolves, events are for the workflows that are open here; a lane that is missing hears of it later. */
  async open(): Promise<void> {
    const { store, clock } = this.#parts;
    try {
      if (!(await this.#subscribe())) return;
    } catch (thrown) {
      if (!isUnreached(thrown) || store.missing === undefined) throw thrown;
    }
    this.#unwatch = store.watch("delivery", () => this.#heard());
    this.#arm(clock.now());
  }

  /** Takes nothing from now on; what is under way may still be written. */
  stop(): void {
    this.#isStopped = true;
    this.#alarm.cancel();
    this.#unwatch?.();
  }

  #heard(): void {
    this.#hasHeard = true;
    if (!this.#isTurning) this.#arm(this.#soon());
  }

  /** However much changes, few turns a second come of it. */
  #soon(): number {
    return Math.max(this.#parts.clock.now(), this.#lastTurnAt + this.#parts.settings.ownChangeMs);
  }

  #arm(at: number): void {
    if (!this.#isStopped) this.#alarm.noLaterThan(at);
  }

  async #turn(): Promise<void> {
    const { clock, store, settings } = this.#parts;
    this.#isTurning = true;
    this.#hasHeard = false;
    const poll = clock.now() + (store.hears ? settings.pollMaxMs : settings.pollMs);
    let next = Infinity;
    try {
      if (clock.now() >= this.#subscribeAt) await this.#subscribe();
      next = await this.#deliverAll();
      this.#retryMs = RETRY_FIRST_MS;
    } catch (thrown) {
      if (isClosed(thrown) && this.#isStopped) return;
      if (!isPassing(thrown)) throw thrown;
      next = clock.now() + this.#retryMs;
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
    } finally {
      this.#isTurning = false;
    }
    this.#lastTurnAt = clock.now();
    this.#arm(Math.max(clock.now(), Math.min(next, poll, this.#subscribeAt)));
    if (this.#hasHeard) this.#arm(this.#soon());
  }

  /** Answers whether a workflow that is open here has, or had, a trigger on an event. */
  async #subscribe(): Promise<boolean> {
    const { store, lane, registry, clock, settings } = this.#parts;
    const isSpoken = await subscribe(store, lane, registry.definitions, settings.release, clock.now());
    this.#subscribeAt = clock.now() + settings.reconcileMs;
    return isSpoken;
  }

  /** Until nothing is due; answers when something will be. */
  async #deliverAll(): Promise<number> {
    const { store, lane, registry, clock } = this.#parts;
    while (!this.#isStopped) {
      const now = clock.now();
      const taken = await store.events.take(lane, registry.names, now, now + TAKEN_FOR_MS, this.#limit);
      const { deliveries, next } = taken;
      if (deliveries.length === 0) return next ?? Infinity;
      this.#limit = limitAfter(deliveries);
      const read = deliveries.map((delivery) => decodedDelivery(null, delivery));
      for (const { unread, event, id, workflow } of read)
        if (unread !== undefined) this.#tellUnread(unread, { event, id, workflow });
      const delivered = await deliver(this.#parts, read.filter(({ unread }) => unread === undefined)); // prettier-ignore
      await store.events.settle(lane, delivered.map(({ settled }) => settled)); // prettier-ignore
      for (const each of delivered) this.#tell(each);
    }
    return Infinity;
  }

  #tell({ delivery: { event, id, workflow }, settled: { then }, refusal, isNew }: Delivered): void {
    const { log } = this.#parts;
    if (refusal !== null) {
      const facts = { event, id, workflow, code: refusal.code, reason: refusal.message };
      log.write("error", "an event was refused, and starts no run until it is delivered again", facts);
    } else if (isNew && then.kind === "started") {
      log.write("info", "an event started a run", { event, id, workflow, run: then.run });
    }
  }

  /** It waits for a worker that can read it: this one, once it was given the key. */
  #tellUnread({ message }: TenfoldError, names: Readonly<Record<string, string>>): void {
    this.#parts.log.write("error", "an event could not be read; it is tried again", { ...names, reason: message });
  }
}

/** How many of the size of these, for as many workflows, are to be taken at once. */
function limitAfter(deliveries: readonly Delivery[]): number {
  const characters = deliveries.reduce((sum, { input }) => sum + input.length, 0);
  const workflows = new Set(deliveries.map(({ workflow }) => workflow)).size;
  const fit = Math.floor((CHARACTERS_AIM * deliveries.length) / characters / workflows);
  return Math.max(1, Math.min(fit, Math.max(TAKEN_FIRST, 4 * deliveries.length), TAKEN_MAX));
}
