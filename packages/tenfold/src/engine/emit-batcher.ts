/**
 * Group commit of events: what is emitted while the last batch is on its way goes into the next one.
 * Invariants: whom an event is for is read after it was given to be emitted; an event is sent until it is answered, to the
 * same workflows and as the same emission, so that it is taken in once.
 */
import { eventInput, isFor } from "../flow/event-filter.ts";
import type { DeliveryStart, EmittedEvent, EventName } from "../store/events.ts";
import type { Store } from "../store/store.ts";
import type { Json } from "../value/json.ts";
import type { Clock } from "./ports.ts";
import { readSpec, type EventSpec } from "./subscribing.ts";
import { untilAnswered } from "./until-answered.ts";

/** Bounds of one commit. */
const EVENTS_MAX = 2000;
const CHARACTERS_MAX = 8 * 1024 * 1024;

export interface PendingEvent {
  readonly name: EventName;
  readonly emission: string;
  /** As JSON: what the caller does with it later changes nothing. */
  readonly payload: string;
  readonly startAt: number | null;
}

export interface EmitAnswer {
  readonly isNew: boolean;
  /** The workflows that it is for. */
  readonly workflows: readonly string[];
  /** Those whose filters were not true. */
  readonly filtered: readonly string[];
}

interface Waiting {
  readonly event: PendingEvent;
  readonly resolve: (answer: EmitAnswer) => void;
  readonly reject: (error: unknown) => void;
}

interface Addressed {
  readonly emitted: EmittedEvent;
  readonly filtered: readonly string[];
}

export class EmitBatcher {
  readonly #store: Store;
  readonly #lane: number;
  readonly #clock: Clock;
  #waiting: Waiting[] = [];
  #isBusy = false;

  constructor(store: Store, lane: number, clock: Clock) {
    this.#store = store;
    this.#lane = lane;
    this.#clock = clock;
  }

  /** Resolves when the event is durable, or known to be for nobody. */
  add(event: PendingEvent): Promise<EmitAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ event, resolve, reject });
      if (this.#isBusy) return;
      this.#isBusy = true;
      this.#clock.soon(() => void this.#flush());
    });
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#take();
      try {
        const answers = await this.#send(batch.map(({ event }) => event));
        batch.forEach(({ resolve }, nth) => resolve(answers[nth]!));
      } catch (thrown) {
        for (const { reject } of batch) reject(thrown);
      }
    }
    this.#isBusy = false;
  }

  /** Those that waited longest, up to the bounds of one commit; one at least. */
  #take(): Waiting[] {
    let taken = 0;
    let characters = 0;
    for (const { event } of this.#waiting) {
      characters += event.payload.length;
      if (taken > 0 && (taken >= EVENTS_MAX || characters > CHARACTERS_MAX)) break;
      taken++;
    }
    return this.#waiting.splice(0, taken);
  }

  async #send(events: readonly PendingEvent[]): Promise<readonly EmitAnswer[]> {
    const addressed = await untilAnswered(this.#clock, () => this.#address(events));
    // What is for nobody is not kept.
    const kept = addressed.filter(({ emitted }) => emitted.to.length > 0);
    const sent = kept.map(({ emitted }) => emitted);
    const now = this.#clock.now();
    const isNew = sent.length === 0 ? [] : await untilAnswered(this.#clock, () => this.#store.events.emit(this.#lane, sent, now)); // prettier-ignore
    const known = kept.filter((_, nth) => !isNew[nth]!);
    const former = await this.#formerOf(known.map(({ emitted }) => emitted));
    return addressed.map((each) => {
      const nth = known.indexOf(each);
      if (nth >= 0) return { isNew: false, workflows: former[nth]!, filtered: [] };
      const workflows = each.emitted.to.map(({ workflow }) => workflow);
      return { isNew: true, workflows, filtered: each.filtered };
    });
  }

  async #address(events: readonly PendingEvent[]): Promise<readonly Addressed[]> {
    const names = [...new Set(events.map(({ name }) => name.event))];
    const subscriptions = await this.#store.events.subscriptions(this.#lane, names);
    const specs = subscriptions.map((one) => ({ event: one.event, workflow: one.workflow, spec: readSpec(one) }));
    const byEvent = Map.groupBy(specs, ({ event }) => event);
    return events.map((pending) => {
      const filtered: string[] = [];
      const to: DeliveryStart[] = [];
      const payload = JSON.parse(pending.payload) as Json;
      for (const { workflow, spec } of byEvent.get(pending.name.event) ?? []) {
        if (spec === null) continue;
        if (isFor(spec, payload)) to.push(deliveryOf(pending, workflow, spec, payload));
        else filtered.push(workflow);
      }
      return { emitted: { ...pending.name, emission: pending.emission, to }, filtered };
    });
  }

  /** The workflows that events were for which were emitted before. */
  async #formerOf(events: readonly EmittedEvent[]): Promise<readonly (readonly string[])[]> {
    if (events.length === 0) return [];
    const found = await untilAnswered(this.#clock, () => this.#store.events.emitted(this.#lane, events));
    return found.map((deliveries) => deliveries?.map(({ workflow }) => workflow) ?? []);
  }
}

function deliveryOf(
  { payload: text, startAt }: PendingEvent,
  workflow: string,
  spec: EventSpec,
  payload: Json,
): DeliveryStart {
  return { workflow, input: spec.input === null ? text : JSON.stringify(eventInput(spec, payload)), startAt };
}
