/**
 * Engines over one memory store under a virtual clock: nothing sleeps, and an hour passes at once.
 * Invariant: time passes only while a test waits for something by name; bodies take the world's time.
 */
import assert from "node:assert/strict";
import { Tenfold } from "../../src/engine/client.ts";
import { DEFAULT_SETTINGS, Engine, type EngineSettings } from "../../src/engine/engine.ts";
import type { AttemptEvent } from "../../src/engine/events.ts";
import type { DriverLimits } from "../../src/engine/worker-settings.ts";
import { inlineExecutor } from "../../src/engine/system.ts";
import type { WorkflowDefinition } from "../../src/flow/definition.ts";
import * as flow from "../../src/flow/index.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { RunRecord, RunStatus, Store } from "../../src/store/store.ts";
import { WorkerTime, VirtualTime } from "../../src/testing/virtual-time.ts";
import { TenfoldError, type ErrorCode } from "../../src/value/error.ts";
import { seededRandom } from "../../src/value/random.ts";

export const NOW = 1_760_000_040_000;
export const MINUTE = 60_000;
const PATIENCE_MS = 20 * MINUTE;

/** The constructs without their types: whether these hold is the flow floor's business. */
export const untyped: any = flow;

type Body = (input: any, ctx: flow.StepContext) => unknown;

/** A step without types. */
export function stepOf(name: string, run: Body, options: object = {}): any {
  return untyped.step(name, { ...options, run });
}

/** A workflow without types. */
export function workflowOf(
  name: string,
  write: (input: any) => unknown,
  options: object = {},
): WorkflowDefinition & flow.Workflow<any, any> {
  return untyped.workflow(name, { ...options, flow: write });
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface OpenedEngine {
  readonly engine: Engine;
  readonly tenfold: Tenfold;
  readonly clock: WorkerTime;
  readonly log: LogLine[];
  /** Attempts that ended, in order. */
  readonly attempts: AttemptEvent[];
}

export type SettingsGiven = Partial<Omit<EngineSettings, "limits">> & { readonly limits?: Partial<DriverLimits> };

export class World {
  readonly time = new VirtualTime(NOW);
  readonly store: MemoryStore;
  #engines = 0;

  constructor(lanes = 1) {
    this.store = new MemoryStore(lanes);
  }

  /** An engine that was not opened yet; `store` is how it sees the world's store. */
  engineOf(
    workflows: readonly WorkflowDefinition[],
    { limits, ...settings }: SettingsGiven = {},
    store: Store = this.store,
  ): OpenedEngine {
    const clock = new WorkerTime(this.time);
    const log: LogLine[] = [];
    const write = (level: string, message: string, facts: LogLine["facts"]) => void log.push({ level, message, facts });
    const id = `${++this.#engines}`;
    const ports = { clock, random: seededRandom(`engine ${id}`), executor: inlineExecutor, log: { write } };
    const host = { worker: `worker ${id}`, host: "machine", process: id, isGone: () => false };
    const engine = new Engine(store, workflows, ports, host, {
      ...DEFAULT_SETTINGS,
      ...settings,
      limits: { ...DEFAULT_SETTINGS.limits, ...limits },
    });
    const attempts: AttemptEvent[] = [];
    engine.events.on("attempt", (event) => attempts.push(event));
    return { engine, tenfold: new Tenfold(engine), clock, log, attempts };
  }

  async open(
    workflows: readonly WorkflowDefinition[],
    settings: SettingsGiven = {},
    store: Store = this.store,
  ): Promise<OpenedEngine> {
    const made = this.engineOf(workflows, settings, store);
    await this.happens(made.engine.open());
    return made;
  }

  /** Time passes until `promise` is settled. */
  async happens<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = () => void (isSettled = true);
    promise.then(settled, settled);
    const isDone = await this.time.pass(this.time.now + PATIENCE_MS, () => isSettled);
    assert.ok(isDone, "what a test waits for does not happen");
    return promise;
  }

  /** Time passes until `holds`; `what` says what is waited for. */
  async until(what: string, holds: () => boolean, patienceMs = PATIENCE_MS): Promise<void> {
    assert.ok(await this.time.pass(this.time.now + patienceMs, holds), `does not happen: ${what}`);
  }

  async passes(ms: number): Promise<void> {
    await this.time.pass(this.time.now + ms);
  }

  record(run: string): RunRecord {
    const row = this.store.peek(laneOf(run), run);
    assert.ok(row !== undefined, `there is no run ${run}`);
    return row.record;
  }

  async untilStatus(run: string, status: RunStatus, patienceMs = PATIENCE_MS): Promise<RunRecord> {
    await this.until(
      `run ${run} is ${status}, and is ${this.record(run).status}`,
      () => this.record(run).status === status,
      patienceMs,
    );
    return this.record(run);
  }

  /** The nodes of a run's journal, with what became of them: `["done enrich", …]`. */
  journal(run: string): string[] {
    const lines = this.store.peek(laneOf(run), run)?.journal ?? [];
    return lines.map(({ kind, node }) => (node === "" ? kind : `${kind} ${node}`));
  }

  get records(): readonly RunRecord[] {
    return Array.from({ length: this.store.lanes }, (_, lane) => this.store.peekAll(lane)).flat();
  }
}

function laneOf(run: string): number {
  return "0123456789abcdefghjkmnpqrstvwxyz".indexOf(run.at(-1)!);
}

/** Asserts that `promise` rejects with `code`, and that the message has all `parts`. */
export async function rejects(
  promise: Promise<unknown>,
  code: ErrorCode,
  ...parts: readonly string[]
): Promise<TenfoldError> {
  const error = await promise.then(
    () => assert.fail(`expected ${code}, and nothing was refused`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof TenfoldError)) throw error;
  assert.equal(error.code, code, error.message);
  for (const part of parts) assert.ok(error.message.includes(part), `${part} is missing in: ${error.message}`);
  return error;
}

/** A gate that bodies wait at until the test opens it. */
export class Gate {
  #waiting: (() => void)[] = [];
  #isOpen = false;
  entered = 0;

  pass(): Promise<void> {
    this.entered++;
    if (this.#isOpen) return Promise.resolve();
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }

  open(): void {
    this.#isOpen = true;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Lets through those that wait now. */
  release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** `store` with some of its verbs replaced; the others are its own. */
export function withVerbs(store: Store, verbs: Partial<Store>): Store {
  return new Proxy(store, {
    get(target, name) {
      if (Object.hasOwn(verbs, name)) return verbs[name as keyof Store];
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? (member.bind(target) as unknown) : member;
    },
  });
}

/** Starts so many runs with one commit; the input of each is its number. */
export async function startMany(world: World, { tenfold }: OpenedEngine, flow: any, count: number): Promise<void> {
  const inputs = Array.from({ length: count }, (_, n) => n);
  const all = async () => {
    for await (const { kind } of tenfold.startMany(flow, inputs)) assert.equal(kind, "started");
  };
  await world.happens(all());
}

export function allCompleted(world: World, patienceMs = PATIENCE_MS): Promise<void> {
  const isDone = () => world.records.every(({ status }) => status === "completed");
  return world.until("all are completed", isDone, patienceMs);
}

/** Three steps that each take a while, counting how often each node was called. */
export function countedFlow(world: World, tookMs = 200) {
  const calls = new Map<string, number>();
  const step = stepOf("s", async (n: number, { key }) => {
    calls.set(key, (calls.get(key) ?? 0) + 1);
    await world.time.wait(tookMs);
    return n + 1;
  });
  const flow = workflowOf("w", (n) => step.as("c")(step.as("b")(step.as("a")(n))));
  return { flow, calls };
}
