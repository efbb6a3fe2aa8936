/** The SQLite store's post: each verb is one transaction. */
import type { Parcel, ParcelName, Post, Send, SendAnswer } from "../store.ts";
import type { Connection } from "./connection.ts";
import { sendAll } from "./send.ts";

export const OUTGOING = `
  select run, send from outbox where lane = ? and (run, key) > (?, ?) order by run, key limit ?`;

export const RECEIVE = `
  insert into received (lane, run, key, at) values (?, ?, ?, ?)
  on conflict (lane, run, key) do nothing`;

export const RECEIVE_AGAIN = "update received set at = max(at, ?) where lane = ? and run = ? and key = ?";

export const REMOVE_PARCEL = "delete from outbox where lane = ? and run = ? and key = ?";

export const RECEIVED = `
  select run as "from", key from received where lane = ? and at < ? order by at limit ?`;

export const HOLDS_PARCEL = "select 1 from outbox where lane = ? and run = ? and key = ?";

export const RELEASE = "delete from received where lane = ? and run = ? and key = ?";

/** How a lane's post is read and written. */
export interface PostAccess {
  readonly read: <T>(lane: number, act: (connection: Connection) => T) => Promise<T>;
  readonly write: <T>(lane: number, act: (connection: Connection) => T) => Promise<T>;
  readonly changed: () => void;
}

export class SqlitePost implements Post {
  readonly #access: PostAccess;

  constructor(access: PostAccess) {
    this.#access = access;
  }

  async outgoing(lane: number, after: ParcelName | null, limit: number): Promise<readonly Parcel[]> {
    return this.#access.read(lane, (connection) =>
      connection
        .all<{ run: string; send: string }>(OUTGOING, lane, after?.from ?? "", after?.key ?? "", limit)
        .map(({ run, send }) => ({ from: run, send: JSON.parse(send) as Send })),
    );
  }

  async deliver(lane: number, parcels: readonly Parcel[], now: number): Promise<readonly SendAnswer[]> {
    const answers = await this.#access.write(lane, (connection) => {
      const isNew = parcels.map(({ from, send: { message } }) => {
        if (connection.run(RECEIVE, lane, from, message.key, now) > 0) return true;
        connection.run(RECEIVE_AGAIN, now, lane, from, message.key);
        return false;
      });
      const sends = parcels.filter((_, nth) => isNew[nth]).map(({ send }) => send);
      const sent = sendAll(connection, lane, sends, now).values();
      return isNew.map((each): SendAnswer => (each ? sent.next().value! : { kind: "sent" }));
    });
    this.#access.changed();
    return answers;
  }

  async remove(lane: number, names: readonly ParcelName[]): Promise<void> {
    await this.#each(lane, REMOVE_PARCEL, names);
  }

  async received(lane: number, before: number, limit: number): Promise<readonly ParcelName[]> {
    return this.#access.read(lane, (connection) =>
      connection.all<ParcelName>(RECEIVED, lane, before, limit).map(({ from, key }) => ({ from, key })),
    );
  }

  async holds(lane: number, names: readonly ParcelName[]): Promise<readonly boolean[]> {
    return this.#access.read(lane, (connection) =>
      names.map(({ from, key }) => connection.get(HOLDS_PARCEL, lane, from, key) !== undefined),
    );
  }

  async release(lane: number, names: readonly ParcelName[]): Promise<void> {
    await this.#each(lane, RELEASE, names);
  }

  async #each(lane: number, sql: string, names: readonly ParcelName[]): Promise<void> {
    await this.#access.write(lane, (connection) => {
      for (const { from, key } of names) connection.run(sql, lane, from, key);
    });
  }
}
