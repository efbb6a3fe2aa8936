/** Callers with clients of their own on a Postgres store's database: of `pg`, and of `postgres`. */
import pg from "pg";
import postgres from "postgres";
import type { PgClient, PostgresTransaction } from "../../src/store/caller-client.ts";
import type { Caller } from "./transaction-laws.ts";

const MAKE_ORDERS = "create table if not exists orders (caller text, text text)";
const WRITE = "insert into orders (caller, text) values ($1, $2)";
const READ = "select text from orders where caller = $1";

export interface PgCaller extends Caller {
  readonly client: pg.Client;
}

/** `begin` is the statement that begins its transactions; `name` is that of its rows. */
export async function pgCaller(url: string, name: string, begin = "begin"): Promise<PgCaller> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(MAKE_ORDERS);
  return {
    client,
    async within(act) {
      await client.query(begin);
      try {
        const answer = await act(client);
        await client.query("commit");
        return answer;
      } catch (error) {
        await client.query("rollback");
        throw error;
      }
    },
    async write(given, text) {
      await (given as PgClient).query(WRITE, [name, text]);
    },
    async written() {
      const { rows } = await client.query<{ text: string }>(READ, [name]);
      return rows.map(({ text }) => text);
    },
    close: () => client.end(),
  };
}

/** `options` are those of `postgres`. */
export async function postgresCaller(url: string, name: string, options: object = {}): Promise<Caller> {
  const sql = postgres(url, { onnotice: () => undefined, ...options });
  await sql.unsafe(MAKE_ORDERS);
  return {
    within: (act) => sql.begin((transaction) => act(transaction)) as ReturnType<typeof act>,
    async write(given, text) {
      await (given as PostgresTransaction).unsafe(WRITE, [name, text]);
    },
    async written() {
      const rows = await sql.unsafe(READ, [name]).values();
      return rows.map(([text]) => text as string);
    },
    close: () => sql.end(),
  };
}
