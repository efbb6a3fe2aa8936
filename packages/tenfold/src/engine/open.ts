/** Opens a store and the engine on it: the composition of everything below, with its defaults. */
import type { WorkflowDefinition } from "../flow/definition.ts";
import { MemoryStore } from "../store/memory.ts";
import type { Store } from "../store/store.ts";
import { durationMs, type Duration } from "../value/duration.ts";
import { TenfoldError } from "../value/error.ts";
import { wayToName } from "../value/nearest.ts";
import { Tenfold } from "./client.ts";
import { DEFAULT_SETTINGS, Engine, type EngineSettings } from "./engine.ts";
import type { Log } from "./ports.ts";
import { inlineExecutor, stderrLog, systemClock, systemHost } from "./system.ts";

export interface OpenOptions {
  /** A file of the embedded store, or ":memory:". */
  readonly store: string;
  readonly workflows: readonly WorkflowDefinition[];
  /** False: a client that executes nothing; true by default. */
  readonly work?: boolean;
  /** Bodies that run at once in this process; 1,000 by default. */
  readonly slots?: number;
  /** Bytes of runs in memory; the rest waits in the store. 256 MiB by default. */
  readonly memory?: number;
  /** The longest input or output (characters of JSON); 1 MiB by default. */
  readonly payload?: number;
  /** How long bodies may go on when the worker shuts down; "10s" by default. */
  readonly drain?: Duration;
  /** How long a worker may be silent before others take over; "15s" by default. */
  readonly lease?: Duration;
  readonly log?: Log;
}

const OPTIONS: readonly string[] = [
  "store",
  "workflows",
  "work",
  "slots",
  "memory",
  "payload",
  "drain",
  "lease",
  "log",
];

/** Opens the store, starts to work on it unless told otherwise, and answers what a user holds. */
export async function open(options: OpenOptions): Promise<Tenfold> {
  for (const name of Object.keys(options)) if (!OPTIONS.includes(name)) throw unknownOption(name);
  checkOpen(options);
  const settings = settingsOf(options);
  const ports = { clock: systemClock, random: Math.random, executor: inlineExecutor, log: options.log ?? stderrLog };
  const store = await openStore(options.store);
  try {
    const engine = new Engine(store, options.workflows, ports, systemHost(), settings);
    await engine.open();
    return new Tenfold(engine);
  } catch (thrown) {
    await store.close();
    throw thrown;
  }
}

function checkOpen({ store, workflows }: OpenOptions): void {
  const refuse = (what: string) => new TenfoldError("OPTION_UNSUPPORTED", `${what}; nothing was opened.`);
  if (typeof store !== "string" || store === "")
    throw refuse('`store` is no file: give a path such as "leads.db", or ":memory:"');
  const areWorkflows = Array.isArray(workflows) && workflows.every(isWorkflow);
  if (!areWorkflows) throw refuse("`workflows` is no list of workflows: give what `workflow(…)` answered, in a list");
}

function isWorkflow(value: unknown): boolean {
  return typeof value === "object" && value !== null && "graph" in value && "steps" in value;
}

/** The store that `name` names. */
async function openStore(name: string): Promise<Store> {
  if (name === ":memory:") return new MemoryStore();
  if (/^postgres(ql)?:\/\//.test(name)) {
    const message = `This version keeps runs in a file or in memory, not on Postgres; nothing was opened. Give a file such as "leads.db".`;
    throw new TenfoldError("OPTION_UNSUPPORTED", message);
  }
  const { openSqlite } = await import("../store/sqlite/sqlite.ts");
  return openSqlite(name);
}

function settingsOf(options: OpenOptions): EngineSettings {
  const { slots, memory, payload, drain, lease, work } = options;
  const leaseMs = lease === undefined ? DEFAULT_SETTINGS.leaseMs : durationMs(lease, "`lease`");
  return {
    ...DEFAULT_SETTINGS,
    work: work ?? true,
    slots: slots === undefined ? DEFAULT_SETTINGS.slots : whole(slots, "slots", 1),
    runsMax: slots === undefined ? DEFAULT_SETTINGS.runsMax : Math.max(2 * slots, 100),
    memoryMax: memory === undefined ? DEFAULT_SETTINGS.memoryMax : whole(memory, "memory", 1024 * 1024),
    drainMs: drain === undefined ? DEFAULT_SETTINGS.drainMs : durationMs(drain, "`drain`"),
    leaseMs,
    beatMs: leaseMs / 5,
    limits: {
      ...DEFAULT_SETTINGS.limits,
      payloadMax: payload === undefined ? DEFAULT_SETTINGS.limits.payloadMax : whole(payload, "payload", 1),
    },
  };
}

function whole(value: number, name: string, least: number): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw new TenfoldError(
    "OPTION_UNSUPPORTED",
    `\`${name}\` is ${value}; nothing was opened. Give a whole number of at least ${least}.`,
  );
}

function unknownOption(name: string): TenfoldError {
  const way = wayToName(name, OPTIONS, "It takes");
  return new TenfoldError("OPTION_UNSUPPORTED", `open has no option \`${name}\`; nothing was opened. ${way}`);
}
