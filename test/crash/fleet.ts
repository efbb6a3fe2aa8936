/**
 * Four workers on one Postgres, whose lives are ended by SIGKILL, some after having been stopped for longer than their
 * lease; meanwhile the server is ended without warning, again and again. At last everything comes to its end.
 * Invariants: it ends only programs that it started, by their id; a worker that ends by itself ends the test, unless
 * it was opening a store whose server went away; when it is done, none is left.
 */
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openPostgres } from "../../packages/tenfold/src/store/postgres/open.ts";
import { FINISHED, LeaseLost, type Store } from "../../packages/tenfold/src/store/store.ts";
import { seededRandom, type Random } from "../../packages/tenfold/src/value/random.ts";
import type { OwnPostgres } from "../../packages/tenfold/test/store/own-postgres.ts";
import { EffectLog, LogReader, type Mark } from "./effect-log.ts";
import { aimText, MOMENTS, type Aim } from "./fatal-moment.ts";
import { OrderBook } from "./order-book.ts";
import { wholeFrom } from "./plan.ts";
import { SpawnedWorker } from "./spawned-worker.ts";

const PLACES = 4;
const BACKLOG = 400;
const LEASE_MS = 2500;
const READ_EVERY_MS = 4;
const QUIET_MAX_MS = 60_000;
/** At the end of the kills, whoever has nothing to do for so long is killed for that. */
const IDLE_MS = 2000;

/** A life ends after so many effects, at most, unless it kills itself before. */
const EFFECTS_MAX = 500;
/** One life of so many is stopped for a while: this one is the first. */
const LIVES_PER_FREEZE = 15;
const FIRST_FROZEN = 2;
const FREEZE_MAX = 150;
/** Whoever goes on after a stop gets as far as this many effects. */
const EFFECTS_AFTER = 30;
/** Commits that others are told of before a stopped worker goes on. */
const COMMITS_MEANWHILE = 5;

/** Of each moment, the highest number that is drawn for an aim. */
const AIM_MAX: Readonly<Record<(typeof MOMENTS)[number], number>> = {
  joined: 1,
  "taken-over": 2,
  "start-to-answer": 4,
  "claim-to-start": 3,
  "before-effect": 400,
  "effect-to-commit": 100,
  "commit-to-answer": 40,
};

/** What has been done to the fleet. */
export interface Blows {
  readonly kills: number;
  readonly restarts: number;
  readonly stops: number;
}

interface Life {
  readonly number: number;
  readonly worker: SpawnedWorker;
  effects: number;
  readonly killAfter: number;
  /** It is stopped after so many effects; null: never. */
  readonly freezeAfter: number | null;
  owner: string | null;
  isOpen: boolean;
}

export class Fleet {
  readonly marks: Mark[] = [];
  readonly #server: OwnPostgres;
  readonly #folder: string;
  readonly #random: Random;
  readonly #store: Store;
  readonly #log: EffectLog;
  readonly #reader: LogReader;
  readonly #book = new OrderBook(BACKLOG);
  readonly #alive = new Map<number, Life>();
  readonly #blows = { kills: 0, restarts: 0, stops: 0 };
  #isServerAway = false;
  #isFrozen = false;
  /** Resolves when the server that was last killed is back. */
  #back: Promise<void> = Promise.resolve();
  #hasEnough: (blows: Blows) => boolean = () => true;
  #lives = 0;
  #committed = 0;
  #isOver = false;
  #heardAt = performance.now();

  private constructor(server: OwnPostgres, folder: string, seed: number, store: Store) {
    this.#server = server;
    this.#folder = folder;
    this.#random = seededRandom(`fleet ${seed}`);
    this.#store = store;
    const log = path.join(folder, "effects.log");
    this.#log = new EffectLog(log, -1);
    this.#reader = new LogReader(log);
  }

  static async open(server: OwnPostgres, folder: string, seed: number): Promise<Fleet> {
    return new Fleet(server, folder, seed, await openPostgres(server.url));
  }

  get blows(): Blows {
    return { ...this.#blows };
  }

  /** Until it was dealt enough; answers why it did not come to its end; null: it did. */
  async play(hasEnough: (blows: Blows) => boolean): Promise<string | null> {
    this.#hasEnough = hasEnough;
    const quiet = Promise.withResolvers<never>();
    const timer = setInterval(() => {
      if (this.#read() > 0) this.#heardAt = performance.now();
      else if (performance.now() - this.#heardAt > QUIET_MAX_MS) {
        quiet.reject(new Error(`No worker did anything for ${QUIET_MAX_MS} ms.`));
      }
    }, READ_EVERY_MS);
    // One that is stopped does not see that nobody is left to end it.
    const killAll = (): void => this.#alive.forEach(({ worker }) => worker.kill());
    process.once("exit", killAll);
    try {
      await Promise.race([this.#playAll(), quiet.promise]);
      return null;
    } catch (thrown) {
      return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    } finally {
      this.#isOver = true;
      killAll();
      await Promise.all([...this.#alive.values()].map(({ worker }) => worker.gone));
      process.off("exit", killAll);
      clearInterval(timer);
      await this.#back;
      await this.#store.close();
      this.#read();
      this.#reader.close();
      this.#log.close();
    }
  }

  async #playAll(): Promise<void> {
    const places = Array.from({ length: PLACES }, () => this.#playPlace());
    await Promise.all([...places, this.#restartServer()]);
    if (this.#isOver) return;
    const lives = [this.#start(false), this.#start(false)];
    while (!this.#isOver) {
      const counts = await this.#store.tallies(0, null, null);
      const finished = counts.reduce((sum, { status, runs }) => sum + (FINISHED.has(status) ? runs : 0), 0);
      if (this.#book.isAccepted && finished >= this.#book.orders) break;
      const before = this.#committed;
      await this.#until(() => this.#committed > before || this.#book.isAccepted);
      await pause(READ_EVERY_MS);
      for (const { number, worker } of lives)
        if (worker.isGone) throw new Error(`Life ${number}: ${await worker.gone}`);
    }
    for (const { number, worker } of lives) {
      const said = await worker.end();
      if (said !== null) throw new Error(`Life ${number} did not end well: ${said}`);
      this.#alive.delete(number);
    }
  }

  async #playPlace(): Promise<void> {
    // Somebody has to be left who takes over from one that is stopped.
    while ((!this.#hasEnough(this.#blows) || this.#isFrozen) && !this.#isOver) {
      await this.#until(() => !this.#isServerAway);
      if (this.#isOver) return;
      const life = this.#start(true);
      if (life.freezeAfter !== null) await this.#freeze(life, life.freezeAfter);
      const said = await life.worker.gone;
      this.#read();
      const isCutOff = !life.isOpen && said !== null && said.includes("STORE_UNREACHABLE");
      if (said !== null && !isCutOff) throw new Error(`Life ${life.number} was not killed: ${said}`);
      this.#alive.delete(life.number);
      this.#log.write({ kind: "killed", rest: [...this.#alive.keys()] }, life.number);
      this.#blows.kills++;
    }
  }

  /** Until others have taken over from it, and done a bit. */
  async #freeze(life: Life, effects: number): Promise<void> {
    // One at a time, and none when the other places have come to their end.
    await this.#until(() => (life.effects >= effects && !this.#isFrozen) || life.worker.isGone);
    if (life.worker.isGone || this.#isOver || this.#hasEnough(this.#blows)) return;
    this.#isFrozen = true;
    life.worker.freeze();
    this.#log.write({ kind: "frozen" }, life.number);
    while (!this.#isOver && life.owner !== null && !(await this.#isDead(life.owner))) await pause(READ_EVERY_MS);
    const before = this.#committed;
    await this.#until(() => this.#committed >= before + COMMITS_MEANWHILE);
    this.#log.write({ kind: "thawed" }, life.number);
    life.worker.thaw();
    this.#isFrozen = false;
    this.#blows.stops++;
  }

  /** Not by the log: who takes over may die before it can write that it did. */
  async #isDead(owner: string): Promise<boolean> {
    try {
      await this.#store.owned({ lane: 0, owner });
      return false;
    } catch (thrown) {
      return thrown instanceof LeaseLost;
    }
  }

  /** Each time when a drawn number of kills and of commits has passed since the last. */
  async #restartServer(): Promise<void> {
    while (!this.#hasEnough(this.#blows) && !this.#isOver) {
      const { kills } = this.#blows;
      const commits = this.#committed + wholeFrom(this.#random, 20, 100);
      const killsUntil = kills + wholeFrom(this.#random, 1, 5);
      await this.#until(
        () => this.#hasEnough(this.#blows) || (this.#blows.kills >= killsUntil && this.#committed >= commits),
      );
      if (this.#hasEnough(this.#blows)) return;
      this.#isServerAway = true;
      this.#log.write({ kind: "server-killed" });
      this.#back = this.#server.crash().then(() => this.#server.restart());
      await this.#back;
      this.#log.write({ kind: "server-back" });
      this.#isServerAway = false;
      this.#blows.restarts++;
    }
  }

  #start(dies: boolean): Life {
    if (this.#isOver) throw new Error("The fleet's test is over; no worker was started.");
    const number = this.#lives++;
    const random = this.#random;
    const isToFreeze = dies && number % LIVES_PER_FREEZE === FIRST_FROZEN;
    const moment = MOMENTS[wholeFrom(random, 0, MOMENTS.length - 1)]!;
    const aim: Aim | null =
      dies && !isToFreeze && !this.#isFrozen && random() < 0.5
        ? { moment, number: wholeFrom(random, 1, AIM_MAX[moment]) }
        : null;
    const freezeAfter = isToFreeze ? wholeFrom(random, 1, FREEZE_MAX) : null;
    const effects = aim === null ? wholeFrom(random, 1, EFFECTS_MAX) : EFFECTS_MAX;
    const worker = new SpawnedWorker({
      store: this.#server.url,
      log: path.join(this.#folder, "effects.log"),
      life: number,
      orders: this.#book.ordersFor(number, (asker) => this.#alive.has(asker)),
      dieAt: aim === null ? null : aimText(aim),
      leaseMs: LEASE_MS,
      compiled: path.join(this.#folder, "compiled"),
    });
    const killAfter = dies ? effects + (freezeAfter === null ? 0 : freezeAfter + EFFECTS_AFTER) : Infinity;
    const life: Life = { number, worker, effects: 0, killAfter, freezeAfter, owner: null, isOpen: false };
    this.#alive.set(number, life);
    return life;
  }

  /** Answers how many marks were new. */
  #read(): number {
    const marks = this.#reader.read();
    for (const mark of marks) {
      this.marks.push(mark);
      this.#book.read(mark);
      const life = this.#alive.get(mark.life);
      if (mark.kind === "committed") this.#committed++;
      else if (mark.kind === "opened" && life !== undefined) life.isOpen = true;
      else if (mark.kind === "joined" && life !== undefined) life.owner = mark.owner;
      else if (mark.kind === "effect" && life !== undefined) life.effects++;
    }
    const isIdle = this.#hasEnough(this.#blows) && performance.now() - this.#heardAt > IDLE_MS;
    for (const { effects, killAfter, worker } of this.#alive.values()) {
      // While somebody is stopped, the others live for long enough to see that it is silent.
      if ((effects >= killAfter || (isIdle && killAfter < Infinity)) && !this.#isFrozen) worker.kill();
    }
    return marks.length;
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds() && !this.#isOver) await pause(READ_EVERY_MS);
  }
}
