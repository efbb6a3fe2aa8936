/** Opens a store and the engine on it: the composition of everything below, with its defaults. */
import type { WorkflowDefinition } from "../flow/definition.ts";
import { checkCodec, type Codec } from "../store/codec/codec.ts";
import { MemoryStore } from "../store/memory.ts";
import type { Store } from "../store/store.ts";
import { durationMs, type Duration } from "../value/duration.ts";
import { TenfoldError } from "../value/error.ts";
import { LANES_MAX } from "../value/id.ts";
import { isRedactPath, redactor, showAll, type Redact } from "../value/redact.ts";
import { withCallees } from "./callees.ts";
import {
  CHECKED_APART,
  checkOptions,
  isFlag,
  isLog,
  isText,
  isWholeFrom,
  isWorkflow,
  optional,
  type OptionForm,
} from "./caller-checks.ts";
import { Tenfold } from "./client.ts";
import { DEFAULT_SETTINGS, Engine, type EngineSettings } from "./engine.ts";
import type { Log } from "./ports.ts";
import { checkPools, type Pools } from "./queues/pools.ts";
import { checkTransactions } from "./transaction-check.ts";
import { coresToSpare, nextTurn, stderrLog, systemClock, systemHost } from "./system.ts";
import { isStepThread, StepThreads } from "./threads/step-threads.ts";

export interface OpenOptions {
  /** A file of the embedded store, ":memory:", the URL of a Postgres database, or a list of such URLs. */
  readonly store: string | readonly string[];
  readonly workflows: readonly WorkflowDefinition[];
  /** Lanes of a store that is made now: one, or one a server; a store that exists keeps its own. */
  readonly lanes?: number;
  /** False: a client that executes nothing; true by default. */
  readonly work?: boolean;
  /** False: a worker that starts no scheduled runs, and leaves them to others; true by default. */
  readonly schedules?: boolean;
  /** False: a worker that subscribes to no events and starts nothing for them; true by default. */
  readonly events?: boolean;
  /** Names this release: its triggers on events count as soon as a worker has them, also if a release before it had the same. */
  readonly release?: string;
  /** Bodies that run at once in this process; 1,000 by default. */
  readonly slots?: number;
  /** Threads for the steps that have `threads`: so many of their bodies run at once. The cores less one by default, at least 1. */
  readonly threads?: number;
  /**
   * Serves only these pools: calls the bodies of their steps, and claims, starts and schedules nothing. "default" is the pool of steps
   * without one. All by default.
   */
  readonly pools?: readonly string[] | undefined;
  /** Serves all pools but these. */
  readonly exceptPools?: readonly string[] | undefined;
  /** Bytes of runs in memory; the rest waits in the store. 256 MiB by default. */
  readonly memory?: number;
  /** The longest input or output (characters of JSON); 1 MiB by default. */
  readonly payload?: number;
  /** How long bodies may go on when the worker shuts down; "10s" by default. */
  readonly drain?: Duration;
  /** How long a worker may be silent before others take over; "15s" by default. */
  readonly lease?: Duration;
  readonly log?: Log;
  /** Encodes what runs take in and give out, for the store: `aes256gcm({ keys, use })`. Kept as it is by default. */
  readonly codec?: Codec;
  /** Fields that logs and the command line show as "[redacted]": `["password", "card.number", "*.ssn"]`. */
  readonly redact?: readonly string[];
}

const MEMORY_LEAST = 1024 * 1024;

const LEASE_LEAST_MS = 100;

const POOLS_WAY = 'Give a list of pools as `queue: { pool: "heavy" }` names them: `["heavy"]`.';

const OPTIONS: Readonly<Record<keyof OpenOptions, OptionForm>> = {
  store: {
    fits: (value) => (isText(value) && value !== "") || areServers(value),
    way: 'Give a file such as "leads.db", "postgres://user:password@host/database", a list of such URLs, each once, or ":memory:".',
  },
  workflows: {
    fits: (value) => Array.isArray(value) && value.every(isWorkflow),
    way: "Give a list of what `workflow(…)` answered, and of nothing else.",
  },
  lanes: optional(
    (value) => isWholeFrom(1)(value) && (value as number) <= LANES_MAX,
    `Give a whole number from 1 to ${LANES_MAX}.`,
  ),
  work: optional(isFlag, "Give true or false."),
  schedules: optional(isFlag, "Give true or false."),
  events: optional(isFlag, "Give true or false."),
  release: optional(isText, "Give a text that is the same in all workers of the release."),
  slots: optional(isWholeFrom(1), "Give a whole number from 1."),
  threads: optional(isWholeFrom(1), "Give a whole number from 1."),
  pools: optional(areNames, POOLS_WAY),
  exceptPools: optional(areNames, POOLS_WAY),
  memory: optional(isWholeFrom(MEMORY_LEAST), `Give bytes, a whole number from ${MEMORY_LEAST}.`),
  payload: optional(isWholeFrom(1), "Give characters of JSON, a whole number from 1."),
  drain: CHECKED_APART,
  lease: CHECKED_APART,
  log: optional(isLog, "Give an object with `write(level, message, facts)`."),
  codec: CHECKED_APART,
  redact: optional(
    (value) => Array.isArray(value) && value.every(isRedactPath),
    'Give a list of names and paths of fields: `["password", "card.number", "*.ssn"]`.',
  ),
};

/** Opens the store, starts to work on it unless told otherwise, and answers what a user holds. */
export async function open(options: OpenOptions): Promise<Tenfold> {
  if (isStepThread()) throw openedInThread();
  checkOptions("open", options, OPTIONS, "nothing was opened");
  const settings = settingsOf(options);
  if (settings.work) checkPools(settings.pools, withCallees(options.workflows));
  const redact = redactor(options.redact ?? []);
  const log = unfailing(redacting(options.log ?? stderrLog, redact));
  const ports = { clock: systemClock, random: Math.random, executor: new StepThreads(), log };
  const codec = options.codec === undefined ? null : checkCodec(options.codec);
  const kept = await openStore(options.store, options.lanes === undefined ? {} : { lanes: options.lanes });
  const store = codec === null ? kept : await encoded(kept, codec);
  try {
    const engine = new Engine(store, options.workflows, ports, systemHost(), settings);
    checkTransactions(store, engine.registry.definitions);
    await engine.open();
    return new Tenfold(engine, { redact, turn: nextTurn });
  } catch (thrown) {
    await ports.executor.close();
    await store.close();
    throw thrown;
  }
}

function openedInThread(): TenfoldError {
  return new TenfoldError(
    "THREAD_STEP_MISSING",
    "`open` was called by a module that a thread imports for its step; nothing was opened there. Define steps that have `threads` in a file of their own, which opens nothing.",
  );
}

const POSTGRES = /^postgres(ql)?:\/\//;

function areNames(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isText);
}

function areServers(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0 || new Set(value).size < value.length) return false;
  return value.every((url) => isText(url) && POSTGRES.test(url as string));
}

/** The store that `named` names. */
async function openStore(named: string | readonly string[], options: { readonly lanes?: number }): Promise<Store> {
  if (typeof named !== "string") {
    const { openServers } = await import("../store/postgres/open-servers.ts");
    return openServers(named, options);
  }
  if (named === ":memory:") return new MemoryStore(options.lanes);
  if (POSTGRES.test(named)) {
    const { openPostgres } = await import("../store/postgres/open.ts");
    return openPostgres(named, options);
  }
  // The rest of the URL may have a password in it.
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(named)?.[0];
  if (scheme !== undefined) {
    throw new TenfoldError(
      "OPTION_UNSUPPORTED",
      `open was given the URL of a store that begins with "${scheme}", and there is none of that kind; nothing was opened. ${OPTIONS.store.way}`,
      { facts: { option: "store", scheme } },
    );
  }
  const { openSqlite } = await import("../store/sqlite/sqlite.ts");
  return openSqlite(named, options);
}

function redacting(log: Log, redact: Redact): Log {
  if (redact === showAll) return log;
  return { write: (level, message, facts) => log.write(level, message, redact(facts)) };
}

/** A log that throws fails neither a body nor the engine: that it did is told instead, without what may have been hidden. */
function unfailing(log: Log): Log {
  return {
    write(level, message, facts) {
      try {
        log.write(level, message, facts);
      } catch (thrown) {
        stderrLog.write("error", "the log threw; a line of it is missing", { line: message, error: thrown });
      }
    },
  };
}

/** Read from its file only where there is a codec: without one it costs nothing. */
async function encoded(store: Store, codec: Codec): Promise<Store> {
  const { EncodedStore } = await import("../store/codec/encoded-store.ts");
  return new EncodedStore(store, codec);
}

function settingsOf(options: OpenOptions): EngineSettings {
  const { slots, threads, memory, payload, drain, lease, work, schedules, events, release } = options;
  const leaseMs = lease === undefined ? DEFAULT_SETTINGS.leaseMs : readLease(lease);
  return {
    ...DEFAULT_SETTINGS,
    work: work ?? true,
    schedules: schedules ?? true,
    events: events ?? true,
    release: release ?? "",
    slots: slots ?? DEFAULT_SETTINGS.slots,
    threads: threads ?? coresToSpare(),
    pools: poolsOf(options),
    runsMax: slots === undefined ? DEFAULT_SETTINGS.runsMax : Math.max(2 * slots, 100),
    memoryMax: memory ?? DEFAULT_SETTINGS.memoryMax,
    drainMs: drain === undefined ? DEFAULT_SETTINGS.drainMs : durationMs(drain, "`drain`"),
    leaseMs,
    beatMs: leaseMs / 3,
    limits: {
      ...DEFAULT_SETTINGS.limits,
      payloadMax: payload ?? DEFAULT_SETTINGS.limits.payloadMax,
    },
  };
}

function poolsOf({ pools, exceptPools }: OpenOptions): Pools {
  if (pools === undefined || exceptPools === undefined) return { served: pools ?? null, except: exceptPools ?? [] };
  throw new TenfoldError(
    "OPTION_UNSUPPORTED",
    "open was given both `pools` and `exceptPools`; nothing was opened. Give the pools that it serves, or those that it does not.",
    { facts: { option: "exceptPools" } },
  );
}

/** A lease in ms, long enough for three heartbeats. */
function readLease(lease: Duration): number {
  const leaseMs = durationMs(lease, "`lease`");
  if (leaseMs >= LEASE_LEAST_MS) return leaseMs;
  throw new TenfoldError(
    "DURATION_INVALID",
    `\`lease\` is ${JSON.stringify(lease)}, in which a worker cannot show that it lives; nothing was opened. Give ${LEASE_LEAST_MS} ms or more; 15 seconds suit most.`,
    { facts: { duration: lease, what: "lease" } },
  );
}
