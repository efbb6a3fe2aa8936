/**
 * A real Postgres for tests: one server a program, made when it is first asked for, gone with the
 * program; and servers of a test's own, which it may kill.
 */
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after } from "node:test";
import pg from "pg";
import { OwnPostgres } from "./own-postgres.ts";

/** Runs `statements` one by one; answers the rows of the last. */
export async function onServer(url: string, ...statements: readonly string[]): Promise<any[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    let rows: unknown[] = [];
    for (const statement of statements) ({ rows } = await client.query(statement));
    return rows;
  } finally {
    await client.end();
  }
}

const stops: (() => Promise<void>)[] = [];
let running: Promise<OwnPostgres> | undefined;
let schemas = 0;

// Of the whole file that imports this one, whoever was first to ask for a server.
after(() => Promise.all(stops.map((stop) => stop())));

/** The URL of the server that this program shares; every caller takes a schema or database of its own. */
export function postgresServer(): Promise<OwnPostgres> {
  running ??= newServer();
  return running;
}

export function newSchema(): string {
  return `s${process.pid}_${++schemas}`;
}

/** The URL of a database in which nothing is. */
export async function newDatabase(): Promise<string> {
  const { url } = await postgresServer();
  const name = newSchema();
  const client = new pg.Client(url);
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  return url.replace(/postgres$/, name);
}

/** A server of the caller's own. */
export async function newServer(): Promise<OwnPostgres> {
  const folder = path.join(tmpdir(), `tenfold-postgres-${process.pid}-${randomBytes(4).toString("hex")}`);
  const server = await OwnPostgres.start(folder);
  stops.push(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return server;
}
