/**
 * Starts workers on one file, sees them killed and starts the next ones; at last lets everything come to its end.
 * Invariants: it kills only programs that it started, by their id; a worker that ends in any way but the planned one
 * ends the test; when it is done, none of them is left.
 */
import { join } from "node:path";
import type { Tenfold } from "../../packages/tenfold/src/engine/client.ts";
import { open } from "../../packages/tenfold/src/engine/open.ts";
import { FINISHED } from "../../packages/tenfold/src/store/store.ts";
import { EffectLog, LogReader, type Mark } from "./effect-log.ts";
import { aimText } from "./fatal-moment.ts";
import { OrderBook } from "./order-book.ts";
import { orderWorkflow } from "./orders.ts";
import type { Ending, Scene } from "./plan.ts";
import { SpawnedWorker } from "./spawned-worker.ts";

const READ_EVERY_MS = 4;
/** Longer than a slow machine needs for a kill, and for all of them: after that a broken engine is waited for in vain. */
const QUIET_MAX_MS = 30_000;
const PLAY_MAX_MS = 300_000;

interface Alive {
  readonly worker: SpawnedWorker;
  readonly killAfter: number;
  effects: number;
}

export class Supervisor {
  readonly store: string;
  readonly marks: Mark[] = [];
  readonly #folder: string;
  readonly #logPath: string;
  readonly #log: EffectLog;
  readonly #reader: LogReader;
  readonly #book = new OrderBook();
  readonly #alive = new Map<number, Alive>();
  #client: Tenfold | null = null;
  #lives = 0;
  #isOver = false;
  readonly #begunAt = performance.now();
  #heardAt = performance.now();

  constructor(folder: string) {
    this.#folder = folder;
    this.store = join(folder, "crash.db");
    this.#logPath = join(folder, "effects.log");
    this.#log = new EffectLog(this.#logPath, -1);
    this.#reader = new LogReader(this.#logPath);
  }

  /**
   * Plays the scenes, one after the other, then has what is left be done by two workers that nobody kills. Answers why
   * it did not come to its end; null: it did.
   */
  async play(scenes: readonly Scene[]): Promise<string | null> {
    const tooLong = Promise.withResolvers<never>();
    const timer = setInterval(() => this.#watch(tooLong.reject), READ_EVERY_MS);
    try {
      await Promise.race([this.#playAll(scenes), tooLong.promise]);
      return null;
    } catch (thrown) {
      return thrown instanceof Error ? thrown.message : String(thrown);
    } finally {
      this.#isOver = true;
      for (const { worker } of this.#alive.values()) worker.kill();
      await Promise.all([...this.#alive.values()].map(({ worker }) => worker.gone));
      clearInterval(timer);
      await this.#client?.close();
      this.#read();
      this.#reader.close();
      this.#log.close();
    }
  }

  async #playAll(scenes: readonly Scene[]): Promise<void> {
    await this.#warmUp();
    const client = (this.#client = await this.#openClient());
    for (const scene of scenes) await Promise.all(scene.map((place) => this.#playPlace(place, client)));
    await this.#finish(client);
  }

  /** A life that ends by itself: Node writes its cache of compiled code only then. */
  async #warmUp(): Promise<void> {
    const life = this.#start(null);
    await this.#until(() => this.#book.isAccepted);
    await this.#end(life);
  }

  async #playPlace(place: readonly Ending[], client: Tenfold): Promise<void> {
    for (const ending of place) {
      const life = this.#start(ending);
      const said = await this.#alive.get(life)!.worker.gone;
      if (this.#isOver) return;
      this.#read();
      if (said !== null) throw new Error(`Life ${life} was not killed: ${said}`);
      this.#alive.delete(life);
      this.#log.write({ kind: "killed", rest: [...this.#alive.keys()] }, life);
      // What three workers died on is held for a person: the supervisor is that person.
      await client.retry({ status: "held" });
    }
  }

  async #finish(client: Tenfold): Promise<void> {
    const lives = [this.#start(null), this.#start(null)];
    await this.#until(() => this.#book.isAccepted);
    while (!this.#isOver) {
      const { left } = this.#book;
      await client.retry({ status: "held" });
      // The log lacks the last words of who was killed between a commit and its answer: the store is asked.
      const counts = await client.counts();
      const finished = counts.reduce((sum, { status, runs }) => sum + (FINISHED.has(status) ? runs : 0), 0);
      if (finished >= this.#book.orders) break;
      await this.#until(() => this.#book.left > left);
    }
    for (const life of lives) await this.#end(life);
  }

  /** A handle that executes nothing. */
  #openClient(): Promise<Tenfold> {
    const workflows = [orderWorkflow(() => Promise.reject(new Error("The supervisor executes nothing.")))];
    return open({ store: this.store, workflows, work: false });
  }

  #start(ending: Ending | null): number {
    if (this.#isOver) throw new Error("The crash test is over; no worker was started.");
    const life = this.#lives++;
    const { store } = this;
    const worker = new SpawnedWorker({
      store,
      log: this.#logPath,
      life,
      orders: this.#book.ordersFor(life, (asker) => this.#alive.has(asker)),
      dieAt: ending?.aim ? aimText(ending.aim) : null,
      compiled: join(this.#folder, "compiled"),
    });
    this.#alive.set(life, { worker, effects: 0, killAfter: ending?.effects ?? Infinity });
    return life;
  }

  async #end(life: number): Promise<void> {
    const said = await this.#alive.get(life)!.worker.end();
    if (said !== null) throw new Error(`Life ${life} did not end well: ${said}`);
    this.#alive.delete(life);
  }

  #watch(giveUp: (reason: Error) => void): void {
    if (this.#read() > 0) this.#heardAt = performance.now();
    const now = performance.now();
    if (now - this.#heardAt > QUIET_MAX_MS) giveUp(new Error(`No worker did anything for ${QUIET_MAX_MS} ms.`));
    if (now - this.#begunAt > PLAY_MAX_MS) giveUp(new Error(`It was not over after ${PLAY_MAX_MS} ms.`));
  }

  /** Answers how many marks were new. */
  #read(): number {
    const marks = this.#reader.read();
    for (const mark of marks) {
      this.marks.push(mark);
      this.#book.read(mark);
      if (mark.kind !== "effect") continue;
      const alive = this.#alive.get(mark.life);
      if (alive !== undefined && ++alive.effects === alive.killAfter) alive.worker.kill();
    }
    return marks.length;
  }

  /** Resolves when `holds` after some reading of the log; rejects if a worker is gone that nobody killed. */
  async #until(holds: () => boolean): Promise<void> {
    while (!holds() && !this.#isOver) {
      const gone = [...this.#alive].find(([, { worker }]) => worker.isGone);
      if (gone !== undefined) await this.#end(gone[0]);
      await new Promise((resolve) => setTimeout(resolve, READ_EVERY_MS));
    }
  }
}
