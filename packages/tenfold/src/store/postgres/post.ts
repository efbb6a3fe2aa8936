/** The Postgres store's post: each verb is one transaction of one lane, which holds the lane's row while it writes. */
import type { Parcel, ParcelName, Post, Send, SendAnswer } from "../store.ts";
import { plain, texts } from "./arrays.ts";
import type { Connection } from "./connection.ts";
import { LaneGone, LOCK_LANE } from "./lane-row.ts";
import { sendAll } from "./send.ts";

export const OUTGOING = `
  select o.run, o.send
  from tenfold.outbox o where o.lane = $1 and (o.run, o.key) > ($2, $3)
  order by o.run, o.key limit $4`;

/** Those that come for the first time: another delivery of one of them is waited for. */
export const RECEIVE = `
  insert into tenfold.received (lane, run, key, at)
  select a.lane, t.run, t.key, $4
  from tenfold.lanes a, unnest($2::text[], $3::text[]) as t (run, key)
  where a.lane = $1
  order by t.run collate "C", t.key collate "C"
  on conflict (lane, run, key) do nothing
  returning run as "from", key`;

export const RECEIVE_AGAIN = `
  update tenfold.received d set at = greatest(d.at, $4)
  from unnest($2::text[], $3::text[]) as t (run, key)
  where d.lane = $1 and d.run = t.run and d.key = t.key`;

export const REMOVE_PARCELS = `
  delete from tenfold.outbox o
  using unnest($2::text[], $3::text[]) as t (run, key)
  where o.lane = $1 and o.run = t.run and o.key = t.key`;

export const RECEIVED = `
  select d.run as "from", d.key
  from tenfold.received d where d.lane = $1 and d.at < $2
  order by d.at limit $3`;

export const HOLDS_PARCELS = `
  select t.nth
  from unnest($2::text[], $3::text[], $4::integer[]) as t (run, key, nth)
    join tenfold.outbox o on o.lane = $1 and o.run = t.run and o.key = t.key`;

export const RELEASE = `
  delete from tenfold.received d
  using unnest($2::text[], $3::text[]) as t (run, key)
  where d.lane = $1 and d.run = t.run and d.key = t.key`;

export interface PostConnections {
  readonly careful: Connection;
  readonly reads: Connection;
}

export class PostgresPost implements Post {
  readonly #to: PostConnections;
  readonly #store: string;
  readonly #changed: () => void;

  /** `store` is its name, as a person would say it. */
  constructor(to: PostConnections, store: string, changed: () => void) {
    this.#to = to;
    this.#store = store;
    this.#changed = changed;
  }

  async outgoing(lane: number, after: ParcelName | null, limit: number): Promise<readonly Parcel[]> {
    const rows = await this.#to.reads.rows<{ run: string; send: string }>(
      OUTGOING,
      ...[lane, after?.from ?? "", after?.key ?? "", limit],
    );
    return rows.map(({ run, send }) => ({ from: run, send: JSON.parse(send) as Send }));
  }

  async deliver(lane: number, parcels: readonly Parcel[], now: number): Promise<readonly SendAnswer[]> {
    const names = parcels.map(({ from, send }) => ({ from, key: send.message.key }));
    const answers = await this.#to.careful.transaction(async ({ send, commit }) => {
      const [here, received] = await send([
        { sql: LOCK_LANE, values: [lane] },
        { sql: RECEIVE, values: [lane, ...columnsOf(names), now] },
      ]);
      if (here!.count === 0) return null;
      const fresh = new Set((received!.rows as unknown as ParcelName[]).map(textOf));
      const isNew = names.map((name) => fresh.delete(textOf(name)));
      const again = names.filter((_, nth) => !isNew[nth]);
      if (again.length > 0) await send([{ sql: RECEIVE_AGAIN, values: [lane, ...columnsOf(again), now] }]);
      const sends = parcels.filter((_, nth) => isNew[nth]);
      const sent = await sendAll({ send, commit }, lane, sends.map((parcel) => parcel.send), now); // prettier-ignore
      const each = sent!.values();
      return isNew.map((isFirst): SendAnswer => (isFirst ? each.next().value! : { kind: "sent" }));
    });
    if (answers === null) throw new LaneGone(lane, this.#store);
    this.#changed();
    return answers;
  }

  async remove(lane: number, names: readonly ParcelName[]): Promise<void> {
    await this.#write(lane, REMOVE_PARCELS, names);
  }

  async received(lane: number, before: number, limit: number): Promise<readonly ParcelName[]> {
    return this.#to.reads.rows<ParcelName>(RECEIVED, lane, before, limit);
  }

  async holds(lane: number, names: readonly ParcelName[]): Promise<readonly boolean[]> {
    const places = plain(names.map((_, nth) => nth));
    const rows = await this.#to.reads.rows<{ nth: number }>(HOLDS_PARCELS, lane, ...columnsOf(names), places);
    const held = new Set(rows.map(({ nth }) => nth));
    return names.map((_, nth) => held.has(nth));
  }

  async release(lane: number, names: readonly ParcelName[]): Promise<void> {
    await this.#write(lane, RELEASE, names);
  }

  async #write(lane: number, sql: string, names: readonly ParcelName[]): Promise<void> {
    const [here] = await this.#to.careful.send([
      { sql: LOCK_LANE, values: [lane] },
      { sql, values: [lane, ...columnsOf(names)] },
    ]);
    if (here!.count === 0) throw new LaneGone(lane, this.#store);
  }
}

function columnsOf(names: readonly ParcelName[]): [string, string] {
  return [texts(names.map(({ from }) => from)), texts(names.map(({ key }) => key))];
}

function textOf({ from, key }: ParcelName): string {
  return `${from} ${key}`;
}
