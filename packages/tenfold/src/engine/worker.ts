/**
 * One worker in one lane: holds the lease, claims what there is room for, and lets its driver drive it.
 * Invariants: runs come into its hands one way at a time, claimed, loaded or called up; a lost lease drops everything before a new one is taken;
 * a run that is being started here is not loaded beside it.
 */
import { LeaseLost } from "../store/store.ts";
import type { ClaimedRun, CommitAnswer, Lease, RunCommit, RunStart, StartAnswer, Store } from "../store/store.ts";
import { Alarm } from "./alarm.ts";
import { isClosed, isPassing, isUnreached } from "./passing.ts";
import { SWEEP_EVERY_MS } from "./courier.ts";
import type { DriverHost } from "./driver-host.ts";
import { Driver } from "./driver.ts";
import type { EngineEvents } from "./events.ts";
import { joinAgain } from "./join-again.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import { bytesOf, justStarted } from "./claimed-run.ts";
import { adoptCalled } from "./queues/adopt-called.ts";
import { oneByOne } from "./one-by-one.ts";
import { Room } from "./room.ts";
import { runningBodies } from "./run-counts.ts";
import type { WorkerParts } from "./worker-parts.ts";
import { waitUntil, type Ports } from "./ports.ts";
import type { Dispatchers } from "./queues/dispatchers.ts";
import type { Registry } from "./registry.ts";
import type { LaneSlots } from "./slots.ts";
import type { DriverLimits } from "./worker-settings.ts";

export class Worker implements DriverHost {
  readonly ports: Ports;
  readonly store: Store;
  readonly registry: Registry;
  readonly slots: LaneSlots;
  readonly dispatchers: Dispatchers;
  readonly events: EngineEvents;
  readonly limits: DriverLimits;
  readonly startChildren: DriverHost["startChildren"];
  readonly #parts: WorkerParts;
  readonly #keeper: LeaseKeeper;
  readonly #starting = new Set<string>();
  #driver: Driver | null = null;
  #isLooking = false;
  #looksAgain = false;
  readonly #lookAt: Alarm;
  #lastLookAt = -Infinity;
  #nextReconcileAt = 0;
  #nextSweepAt: number;
  /** More runs were due than the last claim could take. */
  #hasBacklog = true;
  /** Runs that only waited, in memory, when there was last a look at the room. */
  #idle = 0;
  /** Looks, one after the other, that found nothing, and for which nobody had called. */
  #vainLooks = 0;
  #isStalled = false;
  #ownWrites = 0;
  #isStopping = false;
  /** What was last let load runs of this lane. */
  readonly #room: Room;
  /** One after the other, whatever brings runs into its hands. */
  readonly exclusively = oneByOne();
  #unwatch: (() => void) | null = null;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.ports = parts.ports;
    this.store = parts.store;
    this.registry = parts.registry;
    this.slots = parts.slots;
    this.dispatchers = parts.dispatchers;
    this.events = parts.events;
    this.startChildren = parts.startChildren;
    this.limits = parts.settings.limits;
    this.#room = new Room(parts.settings);
    this.#lookAt = new Alarm(this.ports.clock, () => void this.#look());
    this.#keeper = new LeaseKeeper(parts, () => this.leaseLost());
    this.#nextSweepAt = this.ports.clock.elapsed() + this.ports.random() * SWEEP_EVERY_MS;
  }

  /** Takes a lease, and over what dead workers left; then works until `stop`. A lane that is missing is joined later. */
  async open(): Promise<void> {
    try {
      await this.#join();
    } catch (thrown) {
      if (!isUnreached(thrown) || this.store.missing === undefined) throw thrown;
      this.#joinAgain(this.#parts.joinedLate);
    }
    this.#unwatch = this.store.watch("due", () => this.#changed());
    this.look();
  }

  /** Has its lease, and the store takes its writes. */
  get isReady(): boolean {
    return this.#driver !== null && !this.#isStalled && !this.#isStopping;
  }

  /** Runs in memory. */
  get held(): number {
    return this.#driver?.runs.size ?? 0;
  }

  /**
   * Starts runs; those that there is room for are driven here at once, without a claim. With a backlog none is:
   * they would overtake runs that have waited longer. A start that is sent again may have been driven, and ended,
   * since: what of it is in this worker's name is found by asking the store, once it is answered.
   */
  async start(starts: readonly RunStart[], isRepeated: boolean): Promise<readonly StartAnswer[]> {
    const driver = this.#driver;
    const isOwn =
      driver !== null &&
      this.dispatchers.servesPlain &&
      !isRepeated &&
      !this.#hasBacklog &&
      !this.#isStopping &&
      !this.#isStalled &&
      this.#room.fits(driver, starts);
    for (const { id } of starts) this.#starting.add(id);
    const now = this.ports.clock.now();
    try {
      const answers = await this.#sendStart(starts, now, isOwn ? driver.lease : null);
      if (isRepeated) this.#nextReconcileAt = 0;
      if (isOwn && driver === this.#driver) this.#driveStarted(driver, starts, answers, now);
      else this.look();
      return answers;
    } catch (thrown) {
      // It may be durable, and in this worker's name.
      this.#nextReconcileAt = 0;
      this.look();
      throw thrown;
    } finally {
      for (const { id } of starts) this.#starting.delete(id);
    }
  }

  async #sendStart(starts: readonly RunStart[], now: number, lease: Lease | null): Promise<readonly StartAnswer[]> {
    try {
      const send = () => this.store.start(this.#parts.lane, starts, now, lease);
      return await (lease === null ? send() : this.#writing(send));
    } catch (thrown) {
      if (!(thrown instanceof LeaseLost)) throw thrown;
      if (lease === this.#driver?.lease) this.leaseLost();
      return this.store.start(this.#parts.lane, starts, now, null);
    }
  }

  /** Those that were due at `now`, when they were sent, are this worker's; others came due since, and are nobody's. */
  #driveStarted(driver: Driver, starts: readonly RunStart[], answers: readonly StartAnswer[], now: number): void {
    starts.forEach((start, index) => {
      const plan = this.registry.known(start.graph);
      const isDue = start.at === null || start.at <= now;
      if (answers[index]!.kind !== "started" || !isDue || plan === undefined || driver.runs.has(start.id)) return;
      driver.drive(justStarted(start), plan);
    });
  }

  /** Something may be due: look soon. */
  look(): void {
    if (this.#isStopping) return;
    if (this.#isLooking) this.#looksAgain = true;
    else this.#lookAt.noLaterThan(Math.max(this.ports.clock.now(), this.#lastLookAt + this.#parts.settings.lookGapMs));
  }

  /** Verbs of this worker change what is due too, and it knows what they do: they are not worth a look at once. */
  #changed(): void {
    this.#vainLooks = 0;
    if (this.#ownWrites === 0 || this.#isLooking) this.look();
    else if (!this.#isStopping) this.#lookAt.noLaterThan(this.ports.clock.now() + this.#parts.settings.ownChangeMs);
  }

  async commit(lease: Lease, batch: readonly RunCommit[]): Promise<readonly CommitAnswer[]> {
    return this.#writing(() => this.store.commit(lease, batch, this.ports.clock.now()));
  }

  async #writing<T>(write: () => Promise<T>): Promise<T> {
    this.#ownWrites++;
    try {
      return await write();
    } finally {
      this.#ownWrites--;
    }
  }

  left(isClaimedAgain: boolean): void {
    if (isClaimedAgain) this.#nextReconcileAt = 0;
    const isHalfFree = this.held - this.#idle <= this.#parts.settings.runsMax / 2;
    if (isClaimedAgain || (this.#hasBacklog && isHalfFree)) this.look();
  }

  stalled(isStalled: boolean, cause: unknown): void {
    this.#isStalled = isStalled;
    if (isStalled) this.slots.pause();
    else this.slots.proceed();
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (isStalled) this.ports.log.write("error", "the store takes no writes; nothing new is started", { reason });
    else this.ports.log.write("warn", "the store takes writes again", {});
    this.events.stalled(isStalled, cause);
    if (!isStalled) this.look();
  }

  leaseLost(): void {
    if (this.#driver === null) return;
    this.#driver.close(new Error("This worker lost its lease; others drive its runs now."));
    this.#driver = null;
    this.dispatchers.lost(this.#parts.lane);
    this.#keeper.stop();
    if (this.#isStalled) this.stalled(false, undefined);
    if (this.#isStopping) return;
    this.ports.log.write("warn", "the lease was lost; joining again", { worker: this.#parts.name });
    this.#joinAgain();
  }

  #joinAgain(joined?: () => void): void {
    const isStopping = (): boolean => this.#isStopping;
    joinAgain(this.ports.clock, { isStopping, join: () => this.#join() }, () => {
      if (this.#isStopping) return void this.#keeper.leave();
      joined?.();
      this.look();
    });
  }

  async #join(): Promise<void> {
    await this.#parts.prepare();
    const lease = await this.#keeper.join();
    this.#nextReconcileAt = this.ports.clock.now() + this.#parts.settings.reconcileMs;
    this.#hasBacklog = true;
    const driver = new Driver(this, lease, () => this.#keeper.isSure);
    this.#driver = driver;
    const isSure = (): boolean => this.#driver === driver && this.#keeper.isSure;
    const here = { left: () => this.left(true), lost: () => driver === this.#driver && this.leaseLost() };
    const adopt = (called: readonly ClaimedRun[]): Promise<void> => adoptCalled(driver, called, here);
    const isIncomplete = (): void => this.left(true);
    const mayCome = driver.queues.mayCome.bind(driver.queues);
    this.dispatchers.joined(lease, { adopt, mayCome, isSure, isIncomplete, exclusively: this.exclusively });
  }

  /** Starts nothing new, lets bodies finish for `drainMs`, gives the rest back, leaves; answers how many it stopped. */
  async stop(): Promise<number> {
    this.#isStopping = true;
    this.#unwatch?.();
    this.#lookAt.cancel();
    const driver = this.#driver;
    if (driver === null) return 0;
    const { clock } = this.ports;
    driver.drain();
    const until = clock.now() + this.#parts.settings.drainMs;
    await waitUntil(clock, () => driver.isQuiet || this.#driver !== driver || clock.now() >= until);
    const stopped = runningBodies(driver.runs);
    driver.giveBack(new Error("This worker is shutting down."));
    const patience = clock.now() + this.#parts.settings.drainMs + 1000;
    await waitUntil(clock, () => driver.isQuiet || this.#driver !== driver || clock.now() >= patience);
    driver.close(new Error("This worker has shut down."));
    // Bodies of other lanes may have their turns by this lease.
    const { lane } = this.#parts;
    await waitUntil(clock, () => this.dispatchers.isAtRest(lane) || this.#driver !== driver || clock.now() >= patience);
    this.dispatchers.lost(lane);
    if (this.#driver === driver) await this.#keeper.leave();
    this.#driver = null;
    return stopped;
  }

  async #look(): Promise<void> {
    const driver = this.#driver;
    if (driver === null || this.#isStopping) return;
    this.#isLooking = true;
    this.#looksAgain = false;
    let nextAt = Infinity;
    try {
      nextAt = await this.#lookOnce(driver);
    } catch (thrown) {
      if (thrown instanceof LeaseLost) {
        // After a long wait it may be the lease of a driver that is gone: the new one has its own.
        if (driver === this.#driver) this.leaseLost();
      } else if (isPassing(thrown)) this.#nextReconcileAt = 0;
      else if (!this.#isStopping || !isClosed(thrown)) throw thrown;
    } finally {
      this.#isLooking = false;
    }
    this.#lastLookAt = this.ports.clock.now();
    if (this.#isStopping || this.#driver === null) return;
    const { pollMs, pollMaxMs, lookGapMs } = this.#parts.settings;
    const patience = this.store.hears ? Math.min(pollMs * 2 ** this.#vainLooks, pollMaxMs) : pollMs;
    this.#lookAt.noLaterThan(Math.max(this.#lastLookAt + lookGapMs, Math.min(nextAt, this.#lastLookAt + patience)));
    if (this.#looksAgain) this.look();
  }

  /** Mail, rows in this worker's name, new runs; answers when there is more to be done. */
  async #lookOnce(driver: Driver): Promise<number> {
    const { clock } = this.ports;
    const { settings } = this.#parts;
    if (clock.now() >= this.#nextReconcileAt) {
      // First, as an answer may be lost while it looks.
      this.#nextReconcileAt = clock.now() + settings.reconcileMs;
      await this.exclusively(() => this.#reconcile(driver));
    }
    if (driver !== this.#driver) return Infinity;
    // With a backlog, runs are due: a claim finds them without a look before it.
    const due = await this.store.look(
      driver.lease,
      this.#hasBacklog || !this.dispatchers.servesPlain ? [] : this.registry.names,
      clock.now(),
    );
    if (driver !== this.#driver) return Infinity;
    if (due.parcels) void this.#parts.courier.carry();
    if (due.mail) driver.receive(await this.store.mail(driver.lease, clock.now()));
    if (driver !== this.#driver) return Infinity;
    if (driver.bytes > settings.memoryMax) driver.parkIdle(driver.bytes - settings.memoryMax);
    const { busy } = driver;
    this.#idle = driver.runs.size - busy;
    const room = this.#isStalled ? 0 : this.#room.for({ bytes: driver.bytes, busy });
    if (room < 1) {
      this.#hasBacklog = true;
      return Infinity;
    }
    if (due.runs || due.mail) this.#vainLooks = 0;
    else this.#vainLooks++;
    // It drives only runs that are called up for queues of its pools.
    if (!this.dispatchers.servesPlain) return Infinity;
    if (!due.runs && !this.#hasBacklog) return due.next ?? Infinity;
    const bytes = settings.memoryMax - driver.bytes;
    const claimed = await this.exclusively(async () => {
      const runs = await this.store.claim(driver.lease, this.registry.names, clock.now(), room, bytes);
      if (driver === this.#driver && !this.#isStopping) await driver.adopt(runs);
      return runs;
    });
    if (driver !== this.#driver || this.#isStopping) return Infinity;
    this.#hasBacklog = claimed.length >= room || bytesOf(claimed) >= bytes;
    // Nothing more is due now: the next look tells until when.
    return this.#hasBacklog ? Infinity : clock.now();
  }

  async #sweep(): Promise<void> {
    const { clock } = this.ports;
    if (clock.elapsed() < this.#nextSweepAt) return;
    this.#nextSweepAt = clock.elapsed() + SWEEP_EVERY_MS;
    await this.#parts.courier.sweep();
  }

  /** Adopts runs that the store has in this worker's name and that it does not know of: an answer was lost. */
  async #reconcile(driver: Driver): Promise<void> {
    await this.#sweep();
    const owned = await this.store.owned(driver.lease);
    const unknown = owned.filter((run) => !driver.runs.has(run) && !this.#starting.has(run));
    if (unknown.length === 0 || driver !== this.#driver) return;
    const loaded = await this.store.load(driver.lease, unknown);
    if (driver === this.#driver) await driver.adopt(loaded);
  }
}
