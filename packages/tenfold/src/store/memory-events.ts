/** The memory store's events: each verb takes effect in one piece, in one lane. */
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
} from "./events.ts";

/** An event that was emitted. */
export interface KeptEvent extends EventName {
  readonly emission: string;
  readonly at: number;
  /** By the names of their workflows. */
  readonly deliveries: ReadonlyMap<string, KeptDelivery>;
}

export interface KeptDelivery extends DeliveryName {
  readonly emittedAt: number;
  dueAt: number | null;
  run: string | null;
  error: string | null;
  /** Null: a run came of it. */
  input: string | null;
  readonly startAt: number | null;
}

/** What a lane has of events, by their names. */
export interface EventRows {
  readonly subscriptions: Map<string, Subscription>;
  readonly events: Map<string, KeptEvent>;
}

export class MemoryEvents implements Events {
  readonly #lane: (lane: number) => EventRows;
  readonly #changed: () => void;

  constructor(lane: (lane: number) => EventRows, changed: () => void) {
    this.#lane = lane;
    this.#changed = changed;
  }

  async subscriptions(lane: number, events: readonly string[] | null): Promise<readonly Subscription[]> {
    return [...this.#lane(lane).subscriptions.values()]
      .filter(({ event }) => events === null || events.includes(event))
      .sort(byNames((one) => [one.event, one.workflow]));
  }

  async subscribe(laneNumber: number, batch: readonly Subscribe[]): Promise<readonly boolean[]> {
    const { subscriptions } = this.#lane(laneNumber);
    return batch.map(({ from, to }) => {
      const name = JSON.stringify([to.event, to.workflow]);
      const stands = subscriptions.get(name);
      const isThere = stands?.version === from?.version && stands?.at === from?.at;
      if (isThere) subscriptions.set(name, to);
      return isThere;
    });
  }

  async emit(laneNumber: number, emitted: readonly EmittedEvent[], now: number): Promise<readonly boolean[]> {
    const { events } = this.#lane(laneNumber);
    const answers = emitted.map(({ event, tenant, id, emission, to }) => {
      const name = { event, tenant, id };
      const known = events.get(textOf(name));
      if (known !== undefined) return known.emission === emission;
      const rows = to.map(({ workflow, input, startAt }): [string, KeptDelivery] => {
        return [workflow, { ...name, workflow, input, startAt, emittedAt: now, dueAt: now, run: null, error: null }];
      });
      events.set(textOf(name), { ...name, emission, at: now, deliveries: new Map(rows) });
      return true;
    });
    this.#changed();
    return answers;
  }

  async take(
    laneNumber: number,
    workflows: readonly string[],
    now: number,
    until: number,
    limit: number,
  ): Promise<Taken> {
    const waiting = Map.groupBy(this.#rows(laneNumber).filter(isWaiting), ({ workflow }) => workflow);
    const taken = workflows.flatMap((workflow) =>
      (waiting.get(workflow) ?? [])
        .filter(({ dueAt }) => dueAt! <= now)
        .sort((one, other) => one.dueAt! - other.dueAt! || byName(one, other))
        .slice(0, limit),
    );
    const later = workflows.flatMap((workflow) => waiting.get(workflow) ?? []).filter(({ dueAt }) => dueAt! > now);
    const next = later.reduce((sofar, { dueAt }) => Math.min(sofar, dueAt!), Infinity);
    for (const row of taken) row.dueAt = until;
    const deliveries = taken.map(({ event, tenant, id, workflow, input, startAt }): Delivery => {
      return { event, tenant, id, workflow, input: input!, startAt };
    });
    return { deliveries, next: next === Infinity ? null : next };
  }

  async settle(lane: number, batch: readonly Settled[]): Promise<void> {
    for (const settled of batch) {
      const row = this.#row(lane, settled);
      if (row === undefined || row.dueAt === null) continue;
      row.dueAt = null;
      if (settled.then.kind === "refused") row.error = settled.then.error;
      else Object.assign(row, { run: settled.then.run, input: null, error: null });
    }
  }

  async redeliver(lane: number, names: readonly DeliveryName[], now: number): Promise<readonly boolean[]> {
    const answers = names.map((name) => {
      const row = this.#row(lane, name);
      if (row === undefined || !isRefused(row)) return false;
      Object.assign(row, { dueAt: now, error: null });
      return true;
    });
    this.#changed();
    return answers;
  }

  async emitted(lane: number, names: readonly EventName[]): Promise<readonly (readonly DeliveryRecord[] | null)[]> {
    return names.map((name) => {
      const known = this.#lane(lane).events.get(textOf(name));
      return known === undefined ? null : [...known.deliveries.values()].sort(byName).map(recordOf);
    });
  }

  async deliveries(
    lane: number,
    state: DeliveryState,
    after: DeliveryName | null,
    limit: number,
  ): Promise<readonly DeliveryRecord[]> {
    return this.#rows(lane)
      .filter(state === "waiting" ? isWaiting : isRefused)
      .filter((row) => after === null || byName(row, after) > 0)
      .sort(byName)
      .slice(0, limit)
      .map(recordOf);
  }

  async forgetEvents(lane: number, before: number, limit: number): Promise<number> {
    const { events } = this.#lane(lane);
    const old = [...events.values()]
      .filter(({ at, deliveries }) => at < before && ![...deliveries.values()].some(isWaiting))
      .sort((one, other) => one.at - other.at || byEvent(one, other))
      .slice(0, limit);
    for (const name of old) events.delete(textOf(name));
    return old.length;
  }

  /** How many deliveries wait right now, for those who look from outside of time. */
  peekWaiting(lane: number): number {
    return this.#rows(lane).filter(isWaiting).length;
  }

  #rows(lane: number): KeptDelivery[] {
    return [...this.#lane(lane).events.values()].flatMap(({ deliveries }) => [...deliveries.values()]);
  }

  #row(lane: number, name: DeliveryName): KeptDelivery | undefined {
    return this.#lane(lane).events.get(textOf(name))?.deliveries.get(name.workflow);
  }
}

function isWaiting({ dueAt }: KeptDelivery): boolean {
  return dueAt !== null;
}

function isRefused({ error }: KeptDelivery): boolean {
  return error !== null;
}

function recordOf({ event, tenant, id, workflow, emittedAt, dueAt, run, error }: KeptDelivery): DeliveryRecord {
  return { event, tenant, id, workflow, emittedAt, dueAt, run, error };
}

function textOf({ event, tenant, id }: EventName): string {
  return JSON.stringify([event, tenant, id]);
}

const byEvent = byNames<EventName>(({ event, tenant, id }) => [event, tenant, id]);
const byName = byNames<DeliveryName>(({ workflow, event, tenant, id }) => [workflow, event, tenant, id]);

function byNames<T>(names: (of: T) => readonly string[]): (one: T, other: T) => number {
  return (one, other) => {
    const others = names(other);
    for (const [place, name] of names(one).entries()) {
      if (name !== others[place]!) return name < others[place]! ? -1 : 1;
    }
    return 0;
  };
}
