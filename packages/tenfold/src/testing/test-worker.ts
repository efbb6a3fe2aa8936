/**
 * The worker of a test: the real engine on the test's store and time, which may die at any moment.
 * Invariant: a dead one does nothing any more: no timer of it fires, no verb of it reaches the store or is answered, and
 * it calls no body.
 */
import { DEFAULT_SETTINGS, Engine, type EngineSettings } from "../engine/engine.ts";
import type { EventTypes, Listener } from "../engine/events.ts";
import type { Executor, Host, Log } from "../engine/ports.ts";
import type { StepDefinition, WorkflowDefinition } from "../flow/definition.ts";
import type { Store } from "../store/store.ts";
import type { Random } from "../value/random.ts";
import { storeByVerb } from "./store-by-verb.ts";
import { WorkerTime, type VirtualTime } from "./virtual-time.ts";

/** Longer than any test: there is nobody to take over from, and the store tells of every change. */
const NEVER_MS = 1e15;

/** An engine in which only what a workflow waits for takes time. */
export const TEST_SETTINGS: EngineSettings = {
  ...DEFAULT_SETTINGS,
  lookGapMs: 0,
  ownChangeMs: 0,
  pollMs: NEVER_MS,
  pollMaxMs: NEVER_MS,
  reconcileMs: NEVER_MS,
  leaseMs: 2 * NEVER_MS,
  beatMs: NEVER_MS,
  drainMs: 0,
};

export interface TestWorld {
  readonly store: Store;
  readonly time: VirtualTime;
  readonly workflows: readonly WorkflowDefinition[];
  readonly log: Log;
  /** A step that a script calls, as it is executed in a test. */
  prepare(step: StepDefinition): StepDefinition;
}

/** Calls bodies for workers. */
export interface WorkerBodies {
  execute(worker: TestWorker, ...call: Parameters<Executor["execute"]>): unknown;
  executeBatch(worker: TestWorker, ...call: Parameters<NonNullable<Executor["executeBatch"]>>): unknown;
}

export class TestWorker {
  readonly #time: WorkerTime;
  readonly #engine: Engine;
  readonly #died: (() => void)[] = [];

  /** The `number`th worker of the test; its predecessors are dead. */
  constructor(world: TestWorld & { readonly random: Random }, number: number, bodies: WorkerBodies) {
    this.#time = new WorkerTime(world.time);
    const isGone = (process: string): boolean => process !== `${number}`;
    const host: Host = { worker: `worker-${number}`, host: "test", process: `${number}`, isGone };
    const { random, log } = world;
    const prepare = (step: StepDefinition): StepDefinition => world.prepare(step);
    const executor: Executor = {
      execute: (...call) => bodies.execute(this, ...call),
      executeBatch: (...call) => bodies.executeBatch(this, ...call),
      prepare,
    };
    const ports = { clock: this.#time, random, executor, log };
    this.#engine = new Engine(this.#mortal(world.store), world.workflows, ports, host, TEST_SETTINGS);
  }

  get isDead(): boolean {
    return this.#time.isDead;
  }

  get isReady(): boolean {
    return !this.isDead && this.#engine.isReady;
  }

  /** Takes a lease, and over what the worker before it left. */
  open(): Promise<void> {
    return this.#engine.open();
  }

  /** Gives its runs back, and tells their bodies to stop. */
  stop(): Promise<number> {
    return this.#engine.stop();
  }

  /** At once, and without a word to anybody. */
  die(): void {
    this.#time.die();
    for (const unwatch of this.#died.splice(0)) unwatch();
  }

  on<K extends keyof EventTypes>(kind: K, listener: Listener<EventTypes[K]>): () => void {
    return this.#engine.events.on(kind, listener);
  }

  /** Resolves when so much time has passed, while the worker lives; rejects when `signal` aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stopped = (): void => {
        cancel();
        reject(signal.reason as Error);
      };
      const cancel = this.#time.at(this.#time.now() + ms, () => {
        signal.removeEventListener("abort", stopped);
        resolve();
      });
      if (signal.aborted) stopped();
      else signal.addEventListener("abort", stopped, { once: true });
    });
  }

  #mortal(store: Store): Store {
    const never = new Promise<never>(() => {});
    const verbs = storeByVerb(store, (_verb, of) => {
      const real = of(store);
      return (...args) => {
        if (this.isDead) return never;
        const unlessDead = <T>(answer: T): T | Promise<never> => (this.isDead ? never : answer);
        return real(...args).then(unlessDead, (thrown: unknown) => unlessDead(Promise.reject(thrown as Error)));
      };
    });
    const watch: Store["watch"] = (what, changed) => {
      const unwatch = store.watch(what, () => this.#time.run(changed));
      this.#died.push(unwatch);
      return unwatch;
    };
    return { ...verbs, pipelinesCommits: store.pipelinesCommits, watch, close: async () => {} };
  }
}
