/**
 * Group commit of events.
 * Invariants: whom an event is for is read after it was given to be emitted; an event is sent until it is answered, to the
 * same workflows and as the same emission, so that it is taken in once; a commit is bounded by what it writes, however many
 * workflows subscribe; what is wrong with one event is told to its emitter alone.
 */
import { eventInput, isFor } from "../flow/event-filter.ts";
import type { DeliveryStart, EmittedEvent, EventName, Subscription } from "../store/events.ts";
import type { Store } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import type { Json } from "../value/json.ts";
import { GroupCommit } from "./group-commit.ts";
import type { Clock } from "./ports.ts";
import { readSpec, type EventSpec } from "./subscribing.ts";
import { untilAnswered } from "./until-answered.ts";

/** What is not done when an event is refused. */
export const NOT_EMITTED = "nothing was emitted";
/** Events that are addressed with one reading of the subscriptions. */
const EVENTS_MAX = 2000;
/** Bounds of one commit: how often a filter is asked, so that a process is not deaf meanwhile, and what is written. */
const ASKED_MAX = 20_000;
const CHARACTERS_MAX = 8 * 1024 * 1024;
/** Of the inputs that one event makes: they are written together, and Postgres takes a gigabyte at most. */
const EVENT_CHARACTERS_MAX = 128 * 1024 * 1024;

export interface PendingEvent {
  readonly name: EventName;
  readonly emission: string;
  /** By its emitter: it may be known already. */
  readonly isNamed: boolean;
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

interface Refused {
  /** Why nothing is known to be emitted. */
  readonly thrown: unknown;
}

/** What its emitter is told. */
type Outcome = { readonly answer: EmitAnswer } | Refused;

interface Subscriber {
  readonly workflow: string;
  /** Null: it subscribes no more. */
  readonly spec: EventSpec | null;
}

/** By event. */
type Subscribers = ReadonlyMap<string, readonly Subscriber[] | Refused>;

interface Addressed {
  readonly isNamed: boolean;
  readonly emitted: EmittedEvent;
  readonly filtered: readonly string[];
}

export class EmitBatcher {
  readonly #store: Store;
  readonly #lane: number;
  readonly #clock: Clock;
  readonly #commits: GroupCommit<PendingEvent, Outcome>;

  constructor(store: Store, lane: number, clock: Clock) {
    this.#store = store;
    this.#lane = lane;
    this.#clock = clock;
    this.#commits = new GroupCommit({
      clock,
      max: EVENTS_MAX,
      sizeOf: () => 1,
      send: (events) => this.#send(events),
    });
  }

  /** Resolves when the event is durable, or known to be for nobody. */
  async add(event: PendingEvent): Promise<EmitAnswer> {
    const outcome = await this.#commits.add(event);
    if ("thrown" in outcome) throw outcome.thrown;
    return outcome.answer;
  }

  async #send(events: readonly PendingEvent[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    try {
      const subscribers = await untilAnswered(this.#clock, () => this.#subscribers(events));
      while (outcomes.length < events.length) {
        if (outcomes.length > 0) await new Promise<void>((resolve) => this.#clock.soon(resolve));
        outcomes.push(...(await this.#emit(addressPart(events.slice(outcomes.length), subscribers))));
      }
      return outcomes;
    } catch (thrown) {
      // What was written before stays so.
      return [...outcomes, ...events.slice(outcomes.length).map(() => ({ thrown }))];
    }
  }

  async #subscribers(events: readonly PendingEvent[]): Promise<Subscribers> {
    const names = [...new Set(events.map(({ name }) => name.event))];
    const byEvent = Map.groupBy(await this.#store.events.subscriptions(this.#lane, names), ({ event }) => event);
    return new Map([...byEvent].map(([event, subscriptions]) => [event, readAll(subscriptions)]));
  }

  async #emit(part: readonly (Addressed | Refused)[]): Promise<readonly Outcome[]> {
    const { events } = this.#store;
    // What is for nobody is not kept.
    const kept = part.filter((each): each is Addressed => "emitted" in each && each.emitted.to.length > 0);
    const sent = kept.map(({ emitted }) => emitted);
    const now = this.#clock.now();
    const isNew = sent.length === 0 ? [] : await untilAnswered(this.#clock, () => events.emit(this.#lane, sent, now));
    const isTakenIn = new Set<unknown>(kept.filter((_, nth) => isNew[nth]!));
    const again = await this.#formerOf(
      part.filter((each): each is Addressed => "emitted" in each && each.isNamed && !isTakenIn.has(each)),
    );
    return part.map((each): Outcome => {
      if ("thrown" in each) return each;
      const { emitted, filtered } = each;
      const isKnown = again.has(each) || (emitted.to.length > 0 && !isTakenIn.has(each));
      if (isKnown) return { answer: { isNew: false, workflows: again.get(each) ?? [], filtered: [] } };
      return { answer: { isNew: true, workflows: emitted.to.map(({ workflow }) => workflow), filtered } };
    });
  }

  /** Those that were emitted before, with the workflows that they were for. */
  async #formerOf(asked: readonly Addressed[]): Promise<ReadonlyMap<unknown, readonly string[]>> {
    if (asked.length === 0) return new Map();
    const names = asked.map(({ emitted }) => emitted);
    const found = await untilAnswered(this.#clock, () => this.#store.events.emitted(this.#lane, names));
    const known = asked.map((each, nth) => [each, found[nth]?.map(({ workflow }) => workflow)] as const);
    return new Map(known.flatMap(([each, workflows]) => (workflows === undefined ? [] : [[each, workflows]])));
  }
}

function readAll(subscriptions: readonly Subscription[]): readonly Subscriber[] | Refused {
  try {
    return subscriptions.map((one) => ({ workflow: one.workflow, spec: readSpec(one, NOT_EMITTED) }));
  } catch (thrown) {
    return { thrown };
  }
}

/** The first of some events, as many as one commit takes; one at least. */
function addressPart(events: readonly PendingEvent[], subscribers: Subscribers): readonly (Addressed | Refused)[] {
  const part: (Addressed | Refused)[] = [];
  let [asked, characters] = [0, 0];
  for (const event of events) {
    if (asked >= ASKED_MAX || characters >= CHARACTERS_MAX) break;
    const those = subscribers.get(event.name.event) ?? [];
    const addressed = "thrown" in those ? those : addressOne(event, those);
    part.push(addressed);
    if ("thrown" in addressed) continue;
    asked += addressed.emitted.to.length + addressed.filtered.length;
    characters += charactersOf(addressed.emitted.to);
  }
  return part;
}

function addressOne(pending: PendingEvent, subscribers: readonly Subscriber[]): Addressed | Refused {
  const filtered: string[] = [];
  const to: DeliveryStart[] = [];
  const payload = JSON.parse(pending.payload) as Json;
  let characters = 0;
  for (const { workflow, spec } of subscribers) {
    if (spec === null) continue;
    if (!isFor(spec, payload)) {
      filtered.push(workflow);
      continue;
    }
    const delivery = deliveryOf(pending, workflow, spec, payload);
    to.push(delivery);
    characters += delivery.input.length;
    if (characters > EVENT_CHARACTERS_MAX) return { thrown: tooLarge(pending, subscribers.length) };
  }
  return { isNamed: pending.isNamed, emitted: { ...pending.name, emission: pending.emission, to }, filtered };
}

function charactersOf(deliveries: readonly DeliveryStart[]): number {
  return deliveries.reduce((sum, { input }) => sum + input.length, 0);
}

function deliveryOf(
  { payload: text, startAt }: PendingEvent,
  workflow: string,
  spec: EventSpec,
  payload: Json,
): DeliveryStart {
  return { workflow, input: spec.input === null ? text : JSON.stringify(eventInput(spec, payload)), startAt };
}

function tooLarge({ name: { event }, payload }: PendingEvent, subscribers: number): TenfoldError {
  const size = payload.length;
  return new TenfoldError(
    "PAYLOAD_TOO_LARGE",
    `The payload of event "${event}" is ${size} characters of JSON, and the inputs that its ${subscribers} subscribers are given come to more than the ${EVENT_CHARACTERS_MAX} that are kept of one event; ${NOT_EMITTED}. Store large data elsewhere and emit where it is.`,
    { facts: { event, size, subscribers, max: EVENT_CHARACTERS_MAX } },
  );
}
