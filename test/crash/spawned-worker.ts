/** A worker as a program of its own: started, killed by its id, and heard of when it is gone. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const WORKER = fileURLToPath(new URL("worker.ts", import.meta.url));
const ERRORS_MAX = 4000;

export interface WorkerOrder {
  readonly store: string;
  readonly log: string;
  readonly life: number;
  /** Orders that it starts. */
  readonly orders: readonly number[];
  /** The moment at which it kills itself, as text. */
  readonly dieAt: string | null;
  /** How long it may be silent (ms); undefined: for so long that its silence is no reason to take over from it. */
  readonly leaseMs?: number;
  /** Where Node keeps compiled code: it makes a start twice as fast. */
  readonly compiled: string;
}

export class SpawnedWorker {
  /** Resolves when it is gone: with null if it was killed, else with what it said. */
  readonly gone: Promise<string | null>;
  /** True once it is gone. */
  isGone = false;
  readonly #child: ChildProcess;

  constructor({ store, log, life, orders, dieAt, leaseMs, compiled }: WorkerOrder) {
    const aim = dieAt === null ? [] : ["--die-at", dieAt];
    if (leaseMs !== undefined) aim.push("--lease", `${leaseMs}`);
    // The worker ends itself when its standard input does: nobody is left behind if this program is killed.
    this.#child = spawn(process.execPath, [WORKER, store, log, `${life}`, orders.join(), ...aim], {
      stdio: ["pipe", "ignore", "pipe"],
      env: { ...process.env, NODE_COMPILE_CACHE: compiled },
    });
    this.gone = this.#untilGone();
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** Stops all of it at once, its threads too, without its knowing. */
  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  /** Asks it to drain and to end; resolves with what it said if it did not end well. */
  async end(): Promise<string | null> {
    this.#child.kill("SIGTERM");
    const said = await this.gone;
    return this.#child.exitCode === 0 ? null : (said ?? "it was killed");
  }

  async #untilGone(): Promise<string | null> {
    let errors = "";
    this.#child.stderr!.on("data", (part: Buffer) => (errors = (errors + part.toString("utf8")).slice(-ERRORS_MAX)));
    const [code, signal] = (await once(this.#child, "close")) as [number | null, string | null];
    this.isGone = true;
    return signal === "SIGKILL" ? null : `it ended with ${code ?? signal}: ${errors}`;
  }
}
