/** The SQLite store's events: each verb is one transaction. */
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
import type { Connection } from "./connection.ts";
import type { PostAccess } from "./post.ts";

export const READ_SUBSCRIPTIONS = `
  select event, workflow, version, spec, former, at from subscriptions where lane = ? order by event, workflow`;

export const READ_SUBSCRIPTIONS_TO = `
  select event, workflow, version, spec, former, at
  from subscriptions where lane = ? and event = ? order by workflow`;

export const FIRST_SUBSCRIBED = `
  insert into subscriptions (lane, event, workflow, version, spec, former, at) values (?, ?, ?, ?, ?, ?, ?)
  on conflict (lane, event, workflow) do nothing`;

export const SUBSCRIBE = `
  update subscriptions set version = ?, spec = ?, former = ?, at = ?
  where lane = ? and event = ? and workflow = ? and version = ? and at = ?`;

export const PUT_EVENT = `
  insert into events (lane, event, tenant, id, emission, at) values (?, ?, ?, ?, ?, ?)
  on conflict (lane, event, tenant, id) do nothing`;

export const READ_EMISSION = "select emission from events where lane = ? and event = ? and tenant = ? and id = ?";

export const PUT_DELIVERY = `
  insert into deliveries (lane, event, tenant, id, workflow, emitted_at, due_at, start_at, input)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?)`;

export const DUE_DELIVERIES = `
  select event, tenant, id, workflow, input, start_at as startAt
  from deliveries where lane = ? and workflow = ? and due_at <= ?
  order by due_at, event, tenant, id limit ?`;

export const NEXT_DELIVERY = `
  select due_at as at from deliveries where lane = ? and workflow = ? and due_at > ? order by due_at limit 1`;

export const TAKE_DELIVERY = `
  update deliveries set due_at = ? where lane = ? and event = ? and tenant = ? and id = ? and workflow = ?`;

export const SETTLE_STARTED = `
  update deliveries set due_at = null, run = ?, error = null, input = null
  where lane = ? and event = ? and tenant = ? and id = ? and workflow = ? and due_at is not null`;

export const SETTLE_REFUSED = `
  update deliveries set due_at = null, error = ?
  where lane = ? and event = ? and tenant = ? and id = ? and workflow = ? and due_at is not null`;

export const REDELIVER = `
  update deliveries set due_at = ?, error = null
  where lane = ? and event = ? and tenant = ? and id = ? and workflow = ? and error is not null`;

export const READ_DELIVERIES = `
  select event, tenant, id, workflow, emitted_at as emittedAt, due_at as dueAt, run, error
  from deliveries where lane = ? and event = ? and tenant = ? and id = ? order by workflow`;

export const WAITING_DELIVERIES = `
  select event, tenant, id, workflow, emitted_at as emittedAt, due_at as dueAt, run, error
  from deliveries
  where lane = ? and run is null and due_at is not null and (workflow, event, tenant, id) > (?, ?, ?, ?)
  order by workflow, event, tenant, id limit ?`;

export const REFUSED_DELIVERIES = `
  select event, tenant, id, workflow, emitted_at as emittedAt, due_at as dueAt, run, error
  from deliveries
  where lane = ? and run is null and error is not null and (workflow, event, tenant, id) > (?, ?, ?, ?)
  order by workflow, event, tenant, id limit ?`;

export const OLD_EVENTS = `
  select e.event, e.tenant, e.id
  from events e
  where e.lane = ? and e.at < ? and not exists (
    select 1 from deliveries d
    where d.lane = e.lane and d.event = e.event and d.tenant = e.tenant and d.id = e.id and d.due_at is not null)
  order by e.at, e.event, e.tenant, e.id limit ?`;

export const FORGET_DELIVERIES = "delete from deliveries where lane = ? and event = ? and tenant = ? and id = ?";

export const FORGET_EVENT = "delete from events where lane = ? and event = ? and tenant = ? and id = ?";

export class SqliteEvents implements Events {
  readonly #access: PostAccess;

  constructor(access: PostAccess) {
    this.#access = access;
  }

  async subscriptions(lane: number, events: readonly string[] | null): Promise<readonly Subscription[]> {
    type Row = Omit<Subscription, "former"> & { readonly former: string };
    return this.#access.read(lane, (connection) => {
      const rows =
        events === null
          ? connection.all<Row>(READ_SUBSCRIPTIONS, lane)
          : events.toSorted().flatMap((event) => connection.all<Row>(READ_SUBSCRIPTIONS_TO, lane, event));
      return rows.map((row) => ({ ...row, former: JSON.parse(row.former) as string[] }));
    });
  }

  async subscribe(lane: number, batch: readonly Subscribe[]): Promise<readonly boolean[]> {
    return this.#access.write(lane, (connection) =>
      batch.map(({ from, to: { event, workflow, version, spec, former, at } }) => {
        const said = [version, spec, JSON.stringify(former), at];
        if (from === null) return connection.run(FIRST_SUBSCRIBED, lane, event, workflow, ...said) > 0;
        return connection.run(SUBSCRIBE, ...said, lane, event, workflow, from.version, from.at) > 0;
      }),
    );
  }

  async emit(lane: number, events: readonly EmittedEvent[], now: number): Promise<readonly boolean[]> {
    const answers = await this.#access.write(lane, (connection) =>
      events.map((each) => put(connection, lane, each, now)),
    );
    this.#access.changed();
    return answers;
  }

  async take(lane: number, workflows: readonly string[], now: number, until: number, limit: number): Promise<Taken> {
    const due = (connection: Connection, most: number): Delivery[] =>
      workflows.flatMap((workflow) => connection.objects<Delivery>(DUE_DELIVERIES, lane, workflow, now, most));
    const isAnyDue = await this.#access.read(lane, (connection) => due(connection, 1).length > 0);
    // Whoever finds nothing waits for no other program's writing.
    const act = isAnyDue ? this.#access.write : this.#access.read;
    return act(lane, (connection) => {
      const next = earliest(workflows.map((workflow) => connection.get<{ at: number }>(NEXT_DELIVERY, lane, workflow, now)?.at)); // prettier-ignore
      const deliveries = isAnyDue ? due(connection, limit) : [];
      for (const name of deliveries) connection.run(TAKE_DELIVERY, until, lane, ...cellsOf(name), name.workflow);
      return { deliveries, next };
    });
  }

  async settle(lane: number, batch: readonly Settled[]): Promise<void> {
    await this.#access.write(lane, (connection) => {
      for (const { then, ...name } of batch) {
        const cells = [lane, ...cellsOf(name), name.workflow];
        if (then.kind === "started") connection.run(SETTLE_STARTED, then.run, ...cells);
        else connection.run(SETTLE_REFUSED, then.error, ...cells);
      }
    });
  }

  async redeliver(lane: number, names: readonly DeliveryName[], now: number): Promise<readonly boolean[]> {
    const answers = await this.#access.write(lane, (connection) =>
      names.map((name) => connection.run(REDELIVER, now, lane, ...cellsOf(name), name.workflow) > 0),
    );
    this.#access.changed();
    return answers;
  }

  async emitted(lane: number, names: readonly EventName[]): Promise<readonly (readonly DeliveryRecord[] | null)[]> {
    return this.#access.read(lane, (connection) =>
      names.map((name) => {
        if (connection.get(READ_EMISSION, lane, ...cellsOf(name)) === undefined) return null;
        return connection.objects<DeliveryRecord>(READ_DELIVERIES, lane, ...cellsOf(name));
      }),
    );
  }

  async deliveries(
    lane: number,
    state: DeliveryState,
    after: DeliveryName | null,
    limit: number,
  ): Promise<readonly DeliveryRecord[]> {
    const sql = state === "waiting" ? WAITING_DELIVERIES : REFUSED_DELIVERIES;
    const from = after === null ? ["", "", "", ""] : [after.workflow, ...cellsOf(after)];
    return this.#access.read(lane, (connection) => connection.objects<DeliveryRecord>(sql, lane, ...from, limit));
  }

  async forgetEvents(lane: number, before: number, limit: number): Promise<number> {
    return this.#access.write(lane, (connection) => {
      const old = connection.all<EventName>(OLD_EVENTS, lane, before, limit);
      for (const name of old) {
        connection.run(FORGET_DELIVERIES, lane, ...cellsOf(name));
        connection.run(FORGET_EVENT, lane, ...cellsOf(name));
      }
      return old.length;
    });
  }
}

function put(connection: Connection, lane: number, { emission, to, ...name }: EmittedEvent, now: number): boolean {
  const isNew = connection.run(PUT_EVENT, lane, ...cellsOf(name), emission, now) > 0;
  if (!isNew) return connection.get<{ emission: string }>(READ_EMISSION, lane, ...cellsOf(name))!.emission === emission;
  for (const { workflow, input, startAt } of to) {
    connection.run(PUT_DELIVERY, lane, ...cellsOf(name), workflow, now, now, startAt, input);
  }
  return true;
}

function cellsOf({ event, tenant, id }: EventName): [string, string, string] {
  return [event, tenant, id];
}

function earliest(times: readonly (number | undefined)[]): number | null {
  const next = times.reduce<number>((sofar, at) => Math.min(sofar, at ?? Infinity), Infinity);
  return next === Infinity ? null : next;
}
