/**
 * Workers with queues as programs of their own: started, killed, and stopped for a while, by their ids.
 * Invariants: it ends only programs that it started; when it is closed, none is left.
 */
import { spawn, type ChildProcess } from "node:child_process";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import pg from "pg";
import { machineMs, marksOf, type Life } from "./queue-log.ts";

const WORKER = path.join(import.meta.dirname, "queued-worker.ts");

const OWNER_OF_LINE = "select l.process from queues q join leases l on l.lane = q.lane and l.owner = q.owner";

export interface Program extends Life {
  readonly child: ChildProcess;
}

export class QueuedFleet {
  readonly lives: Program[] = [];
  readonly #alive = new Set<Program>();
  readonly #store: string;
  readonly #folder: string;
  readonly #leaseMs: number;
  /** Of those that ended and were not to. */
  readonly failures: string[] = [];
  readonly #killAll = (): void => this.#alive.forEach(({ child }) => child.kill("SIGKILL"));

  constructor(store: string, folder: string, leaseMs: number) {
    this.#store = store;
    this.#folder = folder;
    this.#leaseMs = leaseMs;
    // One that is stopped does not see that nobody is left to end it.
    process.once("exit", this.#killAll);
  }

  get alive(): readonly Program[] {
    return [...this.#alive];
  }

  start(): Program {
    const log = path.join(this.#folder, `worker-${this.lives.length}.log`);
    const child = spawn(process.execPath, [WORKER, this.#store, log, `${this.#leaseMs}`], {
      stdio: ["pipe", "ignore", "pipe"],
      env: { ...process.env, NODE_COMPILE_CACHE: path.join(this.#folder, "compiled") },
    });
    const program: Program = { child, log, frozen: [], killedAt: Infinity };
    let errors = "";
    child.stderr!.on("data", (part: Buffer) => (errors = (errors + part.toString("utf8")).slice(-4000)));
    child.once("close", (code, signal) => {
      this.#alive.delete(program);
      if (program.killedAt === Infinity && code !== 0) {
        program.killedAt = machineMs();
        this.failures.push(`${path.basename(log)} ended with ${code ?? signal}: ${errors}`);
      }
    });
    this.lives.push(program);
    this.#alive.add(program);
    return program;
  }

  /** Resolves when it is gone. */
  async kill(program: Program): Promise<void> {
    const gone = new Promise((resolve) => program.child.once("close", resolve));
    this.#alive.delete(program);
    program.child.kill("SIGKILL");
    // From here on nothing of it runs.
    program.killedAt = machineMs();
    await gone;
  }

  freeze(program: Program): void {
    program.frozen.push({ from: machineMs(), until: Infinity });
    program.child.kill("SIGSTOP");
  }

  thaw(program: Program): void {
    program.frozen.at(-1)!.until = machineMs();
    program.child.kill("SIGCONT");
  }

  hasOpened(program: Program): boolean {
    return marksOf(program).some(({ kind }) => kind === "opened");
  }

  /** The programs that own a line, those of all lines. */
  async owners(): Promise<readonly Program[]> {
    const rows = await this.#ask<{ process: string }>(OWNER_OF_LINE);
    const pids = new Set(rows.map((row) => Number(row.process.split(" ")[0])));
    return this.alive.filter(({ child }) => pids.has(child.pid!));
  }

  /** Rows of the store, for those who look into why something does not end. */
  async #ask<T>(sql: string): Promise<readonly T[]> {
    if (!this.#store.startsWith("postgres:")) {
      const database = new DatabaseSync(this.#store, { timeout: 10_000 });
      try {
        return database.prepare(sql).all() as T[];
      } finally {
        database.close();
      }
    }
    const client = new pg.Client({ connectionString: this.#store, options: "-c search_path=tenfold" });
    await client.connect();
    try {
      return (await client.query(sql)).rows as T[];
    } finally {
      await client.end();
    }
  }

  /** What is left in the store of what waits. */
  async left(): Promise<string> {
    const runs = await this.#ask("select id, owner, wake_at from runs where output is null order by id limit 20");
    const queues = await this.#ask("select queue, owner from queues");
    const tasks = await this.#ask("select queue, key, run, node, is_new from tasks limit 20");
    const leases = await this.#ask("select owner, process, beat from leases where is_alive limit 20");
    return JSON.stringify({ runs, queues, tasks, leases }, (_, value) => (typeof value === "bigint" ? `${value}` : value), 1); // prettier-ignore
  }

  async close(): Promise<void> {
    await Promise.all(this.alive.map((program) => this.kill(program)));
    process.off("exit", this.#killAll);
  }
}
