/** A caller with a `DatabaseSync` of its own on a SQLite store's file. */
import { DatabaseSync, type DatabaseSyncOptions } from "node:sqlite";
import type { Caller } from "./transaction-laws.ts";

export interface SqliteCaller extends Caller {
  readonly database: DatabaseSync;
}

export function sqliteCaller(path: string, options: DatabaseSyncOptions = {}): SqliteCaller {
  const database = new DatabaseSync(path, options);
  database.exec("create table orders (text text)");
  return {
    database,
    async within(act) {
      database.exec("begin immediate");
      try {
        const answer = await act(database);
        database.exec("commit");
        return answer;
      } catch (error) {
        if (database.isTransaction) database.exec("rollback");
        throw error;
      }
    },
    async write(_client, text) {
      database.prepare("insert into orders (text) values (?)").run(text);
    },
    async written() {
      const others = new DatabaseSync(path);
      const rows = others.prepare("select text from orders").all() as { text: string }[];
      others.close();
      return rows.map(({ text }) => text);
    },
    async close() {
      database.close();
    },
  };
}
