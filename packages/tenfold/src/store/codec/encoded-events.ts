/** The events of an encoded store: what a delivery gives its run, and why it was refused, are payloads; its names are not. */
import type {
  Delivery,
  DeliveryName,
  DeliveryRecord,
  DeliveryState,
  EmittedEvent,
  EventName,
  Events,
  Settled,
  Subscribe,
  Subscription,
  Taken,
} from "../events.ts";
import type { Codec, TextPlace } from "./codec.ts";
import { decodeText, encodeText } from "./encoded-text.ts";

export class EncodedEvents implements Events {
  readonly #events: Events;
  readonly #codec: Codec;

  constructor(events: Events, codec: Codec) {
    this.#events = events;
    this.#codec = codec;
  }

  subscriptions(lane: number, events: readonly string[] | null): Promise<readonly Subscription[]> {
    return this.#events.subscriptions(lane, events);
  }

  subscribe(lane: number, batch: readonly Subscribe[]): Promise<readonly boolean[]> {
    return this.#events.subscribe(lane, batch);
  }

  emit(lane: number, events: readonly EmittedEvent[], now: number): Promise<readonly boolean[]> {
    const encoded = events.map((event) => ({
      ...event,
      to: event.to.map((to) => {
        return { ...to, input: encodeText(this.#codec, to.input, deliveryPlace({ ...event, ...to }, "input")) };
      }),
    }));
    return this.#events.emit(lane, encoded, now);
  }

  async take(lane: number, workflows: readonly string[], now: number, until: number, limit: number): Promise<Taken> {
    const taken = await this.#events.take(lane, workflows, now, until, limit);
    return { ...taken, deliveries: taken.deliveries.map((delivery) => decodedDelivery(this.#codec, delivery)) };
  }

  settle(lane: number, batch: readonly Settled[]): Promise<void> {
    const encoded = batch.map((settled): Settled => {
      const { then } = settled;
      if (then.kind === "started") return settled;
      const error = encodeText(this.#codec, then.error, deliveryPlace(settled, "error"));
      return { ...settled, then: { ...then, error } };
    });
    return this.#events.settle(lane, encoded);
  }

  redeliver(lane: number, names: readonly DeliveryName[], now: number): Promise<readonly boolean[]> {
    return this.#events.redeliver(lane, names, now);
  }

  async emitted(lane: number, names: readonly EventName[]): Promise<readonly (readonly DeliveryRecord[] | null)[]> {
    const found = await this.#events.emitted(lane, names);
    return found.map((records) => records?.map((record) => decodedDeliveryRecord(this.#codec, record)) ?? null);
  }

  async deliveries(
    lane: number,
    state: DeliveryState,
    after: DeliveryName | null,
    limit: number,
  ): Promise<readonly DeliveryRecord[]> {
    const found = await this.#events.deliveries(lane, state, after, limit);
    return found.map((record) => decodedDeliveryRecord(this.#codec, record));
  }

  forgetEvents(lane: number, before: number, limit: number): Promise<number> {
    return this.#events.forgetEvents(lane, before, limit);
  }
}

function deliveryPlace({ event, tenant, id, workflow }: DeliveryName, part: "input" | "error"): TextPlace {
  return { run: JSON.stringify([event, tenant, id]), what: "delivery", which: `${part} for ${workflow}` };
}

/** Null for a codec: none, and what is not encoded is answered as it is. */
export function decodedDelivery(codec: Codec | null, delivery: Delivery): Delivery {
  const input = decodeText(codec, delivery.input, deliveryPlace(delivery, "input"));
  if (input === delivery.input) return delivery;
  return typeof input === "string" ? { ...delivery, input } : { ...delivery, unread: input };
}

export function decodedDeliveryRecord(codec: Codec | null, record: DeliveryRecord): DeliveryRecord {
  if (record.error === null) return record;
  const error = decodeText(codec, record.error, deliveryPlace(record, "error"));
  if (error === record.error) return record;
  return typeof error === "string" ? { ...record, error } : { ...record, unread: error };
}
