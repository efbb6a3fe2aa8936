/**
 * The Postgres store's events: each verb is one transaction of one lane, which holds the lane's row while it writes,
 * and locks the rows of deliveries in order, or passes over those that others have locked.
 */
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
import { joined, plain, texts } from "./arrays.ts";
import type { Answer, Connection, Statement } from "./connection.ts";
import {
  PUT_EVENTS,
  PUT_DELIVERIES,
  TAKEN_IN,
  NEXT_DELIVERY,
  TAKE_DELIVERIES,
  LOCK_DELIVERIES,
  SETTLE,
  REDELIVER,
  READ_DELIVERIES,
  WAITING_DELIVERIES,
  REFUSED_DELIVERIES,
  OLD_EVENTS,
  LOCK_EVENTS,
  LOCK_DELIVERIES_OF,
  FORGET_DELIVERIES,
  FORGET_EVENTS,
} from "./event-statements.ts";
import { LaneGone, LOCK_LANE } from "./lane-row.ts";
import { subscribed, READ_SUBSCRIPTIONS, READ_SUBSCRIPTIONS_TO, subscribesOf, type SubscriptionRow } from "./subscriptions.ts"; // prettier-ignore

export interface EventConnections {
  readonly starts: Connection;
  readonly careful: Connection;
  readonly reads: Connection;
}

type TakenRow = Delivery & { readonly nth: number; readonly was: number };
type DeliveryRow = Omit<DeliveryRecord, "workflow"> & { readonly nth: number; readonly workflow: string | null };

export class PostgresEvents implements Events {
  readonly #to: EventConnections;
  readonly #store: string;
  readonly #changed: () => void;

  /** `store` is its name, as a person would say it; `changed`: deliveries are due. */
  constructor(to: EventConnections, store: string, changed: () => void) {
    this.#to = to;
    this.#store = store;
    this.#changed = changed;
  }

  async subscriptions(lane: number, events: readonly string[] | null): Promise<readonly Subscription[]> {
    const { reads } = this.#to;
    const rows =
      events === null
        ? await reads.rows<SubscriptionRow>(READ_SUBSCRIPTIONS, lane)
        : await reads.rows<SubscriptionRow>(READ_SUBSCRIPTIONS_TO, lane, texts(events));
    return rows.map((row) => ({ ...row, former: JSON.parse(row.former) as string[] }));
  }

  async subscribe(lane: number, batch: readonly Subscribe[]): Promise<readonly boolean[]> {
    const [, ...answers] = await this.#write(this.#to.careful, lane, subscribesOf(lane, batch));
    return subscribed(batch, answers);
  }

  async emit(lane: number, events: readonly EmittedEvent[], now: number): Promise<readonly boolean[]> {
    const names = [lane, ...emissionsOf(events), plain(events.map((_, nth) => nth))];
    const first = [...new Map(events.toReversed().map((event) => [textOf(event), event])).values()];
    const to = first.flatMap(({ to: deliveries, ...name }) => deliveries.map((delivery) => ({ ...name, ...delivery })));
    const answers = await this.#write(this.#to.starts, lane, [
      { sql: PUT_EVENTS, values: [lane, ...emissionsOf(first), now] },
      {
        sql: PUT_DELIVERIES,
        values: [
          ...[lane, ...emissionsOf(to), texts(to.map(({ workflow }) => workflow))],
          plain(to.map(({ startAt }) => startAt)),
          joined(to.map(({ input }) => input)),
          now,
        ],
      },
      { sql: TAKEN_IN, values: names },
    ]);
    this.#changed();
    return isTrueOf(events, answers.at(-1)!);
  }

  async take(lane: number, workflows: readonly string[], now: number, until: number, limit: number): Promise<Taken> {
    const [, next, taken] = await this.#write(this.#to.careful, lane, [
      { sql: NEXT_DELIVERY, values: [lane, texts(workflows), now] },
      {
        sql: TAKE_DELIVERIES,
        values: [lane, texts(workflows), now, until, limit, plain(workflows.map((_, nth) => nth))],
      },
    ]);
    const rows = (taken!.rows as unknown as TakenRow[]).toSorted(inOrder);
    const deliveries = rows.map(({ event, tenant, id, workflow, input, startAt }): Delivery => {
      return { event, tenant, id, workflow, input, startAt };
    });
    return { deliveries, next: (next!.rows[0] as { at: number | null }).at };
  }

  async settle(lane: number, batch: readonly Settled[]): Promise<void> {
    const names = [lane, ...columnsOf(batch), texts(batch.map(({ workflow }) => workflow))];
    const runs = batch.map(({ then }) => (then.kind === "started" ? then.run : null));
    const errors = batch.map(({ then }) => (then.kind === "refused" ? then.error : null));
    await this.#write(this.#to.careful, lane, [
      { sql: LOCK_DELIVERIES, values: names },
      { sql: SETTLE, values: [...names, texts(runs), joined(errors)] },
    ]);
  }

  async redeliver(lane: number, names: readonly DeliveryName[], now: number): Promise<readonly boolean[]> {
    const values = [lane, ...columnsOf(names), texts(names.map(({ workflow }) => workflow))];
    const answers = await this.#write(this.#to.careful, lane, [
      { sql: LOCK_DELIVERIES, values },
      { sql: REDELIVER, values: [...values, plain(names.map((_, nth) => nth)), now] },
    ]);
    this.#changed();
    return isTrueOf(names, answers.at(-1)!);
  }

  async emitted(lane: number, names: readonly EventName[]): Promise<readonly (readonly DeliveryRecord[] | null)[]> {
    const places = plain(names.map((_, nth) => nth));
    const rows = await this.#to.reads.rows<DeliveryRow>(READ_DELIVERIES, lane, ...columnsOf(names), places);
    const byEvent = Map.groupBy(rows, ({ nth }) => nth);
    return names.map((_, nth) => {
      const found = byEvent.get(nth)?.filter(({ workflow }) => workflow !== null);
      return found?.map(({ nth: _nth, ...row }) => row as DeliveryRecord) ?? null;
    });
  }

  async deliveries(
    lane: number,
    state: DeliveryState,
    after: DeliveryName | null,
    limit: number,
  ): Promise<readonly DeliveryRecord[]> {
    const sql = state === "waiting" ? WAITING_DELIVERIES : REFUSED_DELIVERIES;
    const from = after === null ? ["", "", "", ""] : [after.workflow, after.event, after.tenant, after.id];
    return this.#to.reads.rows<DeliveryRecord>(sql, lane, ...from, limit);
  }

  async forgetEvents(lane: number, before: number, limit: number): Promise<number> {
    const forgotten = await this.#to.careful.transaction(async ({ send, commit }) => {
      const [here, old] = await send([
        { sql: LOCK_LANE, values: [lane] },
        { sql: OLD_EVENTS, values: [lane, before, limit] },
      ]);
      if (here!.count === 0) return null;
      const found = [lane, ...columnsOf(old!.rows as unknown as EventName[])];
      const [events, deliveries] = await send([
        { sql: LOCK_EVENTS, values: [...found, before] },
        { sql: LOCK_DELIVERIES_OF, values: found },
      ]);
      // One may have been made due since it was found.
      const rows = deliveries!.rows as unknown as DeliveryRecord[];
      const due = new Set(rows.filter(({ dueAt }) => dueAt !== null).map(textOf));
      const gone = (events!.rows as unknown as EventName[]).filter((name) => !due.has(textOf(name)));
      await commit([FORGET_DELIVERIES, FORGET_EVENTS].map((sql) => ({ sql, values: [lane, ...columnsOf(gone)] })));
      return gone.length;
    });
    if (forgotten === null) throw new LaneGone(lane, this.#store);
    return forgotten;
  }

  /** The answers, that of the lane's row first. */
  async #write(connection: Connection, lane: number, statements: readonly Statement[]): Promise<readonly Answer[]> {
    const answers = await connection.send([{ sql: LOCK_LANE, values: [lane] }, ...statements]);
    if (answers[0]!.count === 0) throw new LaneGone(lane, this.#store);
    return answers;
  }
}

function columnsOf(names: readonly EventName[]): [string, string, string] {
  return [
    texts(names.map(({ event }) => event)),
    texts(names.map(({ tenant }) => tenant)),
    texts(names.map(({ id }) => id)),
  ];
}

function emissionsOf(events: readonly (EventName & { readonly emission: string })[]): string[] {
  return [...columnsOf(events), texts(events.map(({ emission }) => emission))];
}

/** Which of a batch an answer names by their places. */
function isTrueOf(batch: readonly unknown[], { rows }: Answer): boolean[] {
  const places = new Set((rows as unknown as { nth: number }[]).map(({ nth }) => nth));
  return batch.map((_, nth) => places.has(nth));
}

function inOrder(one: TakenRow, other: TakenRow): number {
  return one.nth - other.nth || one.was - other.was || (textOf(one) < textOf(other) ? -1 : 1);
}

function textOf({ event, tenant, id }: EventName): string {
  return JSON.stringify([event, tenant, id]);
}
