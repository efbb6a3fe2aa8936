/**
 * The place of a test's worker: whoever stands in it may die, and another one comes.
 * Invariant: at most one worker lives; whoever listens hears of the one that lives.
 */
import type { EventTypes, Listener } from "../engine/events.ts";
import { seededRandom } from "../value/random.ts";
import { TestWorker, type TestWorld, type WorkerBodies } from "./test-worker.ts";

interface Listening {
  readonly attach: (worker: TestWorker) => () => void;
  stop: () => void;
}

export class WorkerPlace {
  readonly #world: TestWorld;
  readonly #seed: string | number;
  readonly #bodies: WorkerBodies;
  readonly #listening = new Set<Listening>();
  #worker: TestWorker | null = null;
  #workers = 0;
  #isClosed = false;

  constructor(world: TestWorld, seed: string | number, bodies: WorkerBodies) {
    this.#world = world;
    this.#seed = seed;
    this.#bodies = bodies;
  }

  get isReady(): boolean {
    return !this.#isClosed && (this.#worker?.isReady ?? false);
  }

  /** A new worker, which takes over what the one before it left. */
  async launch(): Promise<void> {
    if (this.#isClosed) return;
    const number = ++this.#workers;
    const random = seededRandom(`${this.#seed} worker ${number}`);
    const worker = new TestWorker({ ...this.#world, random }, number, this.#bodies);
    this.#worker = worker;
    for (const listening of this.#listening) listening.stop = listening.attach(worker);
    await worker.open();
  }

  /** The worker dies, and another one comes `downForMs` later. */
  die(downForMs: number): void {
    if (this.#worker === null) return;
    this.#worker.die();
    this.#worker = null;
    const { time } = this.#world;
    time.at(time.now + downForMs, () => void this.launch());
  }

  on<K extends keyof EventTypes>(kind: K, listener: Listener<EventTypes[K]>): () => void {
    const attach = (worker: TestWorker): (() => void) => worker.on(kind, listener);
    const listening: Listening = { attach, stop: this.#worker === null ? () => {} : attach(this.#worker) };
    this.#listening.add(listening);
    return () => {
      listening.stop();
      this.#listening.delete(listening);
    };
  }

  /** The worker gives its runs back, tells their bodies to stop, and nobody comes after it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.stop();
    this.#worker?.die();
    this.#worker = null;
  }
}
