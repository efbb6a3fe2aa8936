/** The engine put together: a store, its workers, and the parts that they share. */
import type { WorkflowDefinition } from "../flow/definition.ts";
import { decodedRecord } from "../store/codec/decoded.ts";
import type { RunRecord, RunStart, StartAnswer, Store } from "../store/store.ts";
import { runIdMaker } from "../value/id.ts";
import { EngineEvents } from "./events.ts";
import { isUnreached, isPassing } from "./passing.ts";
import { Courier } from "./courier.ts";
import { Deliverer } from "./deliverer.ts";
import { Emitter } from "./emit.ts";
import { runsOfLane } from "./listing.ts";
import type { Host, Ports } from "./ports.ts";
import { Dispatchers } from "./queues/dispatchers.ts";
import type { LineReport } from "./queues/line-report.ts";
import { StartRoom } from "./queues/start-room.ts";
import { ALL_POOLS, serves, type Pools } from "./queues/pools.ts";
import { Registry } from "./registry.ts";
import { Scheduler } from "./scheduler.ts";
import { LaneSlots, Slots } from "./slots.ts";
import { Starts } from "./starts.ts";
import { laneOfSchedule, schedulesOf, type Scheduled } from "./tick-starts.ts";
import { Worker } from "./worker.ts";
import type { WorkerSettings } from "./worker-settings.ts";

export interface EngineSettings extends WorkerSettings {
  /** Bodies that run at once in this process. */
  readonly slots: number;
  /** Those of them that run on threads. */
  readonly threads: number;
  /** False: a client that executes nothing. */
  readonly work: boolean;
  /** False: a worker that starts no scheduled runs. */
  readonly schedules: boolean;
  /** False: a worker whose workflows no event starts through it. */
  readonly events: boolean;
  /** Names what its code says of events: what another release says, if it is the same, is not the same. */
  readonly release: string;
  /** Of which steps it calls the bodies; one that does not serve those without a pool claims, starts and schedules nothing. */
  readonly pools: Pools;
}

/** Held runs that are read at once. */
const HELD_PAGE = 100;

export const DEFAULT_SETTINGS: EngineSettings = {
  slots: 1000,
  threads: 4,
  work: true,
  schedules: true,
  events: true,
  release: "",
  pools: ALL_POOLS,
  runsMax: 1000,
  memoryMax: 256 * 1024 * 1024,
  lookGapMs: 2,
  ownChangeMs: 20,
  pollMs: 1000,
  pollMaxMs: 15_000,
  reconcileMs: 60_000,
  drainMs: 10_000,
  leaseMs: 15_000,
  beatMs: 5000,
  limits: { payloadMax: 1024 * 1024, parkAfterMs: 5000, deathsMax: 3, runsPerCommit: 500, linedUpMax: 2000 },
};

export class Engine {
  readonly store: Store;
  readonly registry: Registry;
  readonly events: EngineEvents;
  readonly ports: Ports;
  readonly settings: EngineSettings;
  readonly newId: (lane: number) => string;
  readonly starts: Starts;
  readonly startRoom: StartRoom;
  readonly emitter: Emitter;
  readonly schedules: readonly Scheduled[];
  readonly #workers: Worker[] = [];
  readonly #schedulers: Scheduler[] = [];
  readonly #deliverers: Deliverer[] = [];
  #dispatchers: Dispatchers | null = null;
  /** Lanes that know the graphs. */
  readonly #prepared = new Set<number>();

  constructor(
    store: Store,
    workflows: readonly WorkflowDefinition[],
    ports: Ports,
    host: Host,
    settings: EngineSettings,
  ) {
    this.store = store;
    this.registry = new Registry(workflows);
    this.ports = ports;
    this.events = new EngineEvents(ports.log);
    this.settings = settings;
    const makeId = runIdMaker(ports.random);
    this.newId = (lane) => makeId(ports.clock.now(), lane);
    const { clock } = ports;
    const { payloadMax } = settings.limits;
    const send: Engine["start"] = (...given) => this.start(...given);
    this.starts = new Starts({ store, clock, payloadMax, newId: this.newId, send });
    this.startRoom = new StartRoom({
      ...{ store, clock },
      isHere: (line) => this.#dispatchers?.owns(line) === true,
      reportOf: (line) => this.queueReport(line),
    });
    this.emitter = new Emitter({ store, clock, payloadMax, newId: this.newId });
    this.schedules = schedulesOf(workflows);
    if (!settings.work) return;
    const { pools } = settings;
    const startsRuns = serves(pools, null);
    if (settings.schedules && startsRuns) this.#schedule();
    if (settings.events && startsRuns) this.#deliver();
    const shared = new Slots(settings.slots);
    const threads = new Slots(settings.threads);
    const slotsOf = Array.from({ length: store.lanes }, () => new LaneSlots(shared, threads));
    const dispatchers = new Dispatchers({
      ...{ store, clock, steps: this.registry.queued, workflows: this.registry.names },
      ...{ linedUpMax: settings.limits.linedUpMax, worker: host.worker },
      pools,
      slotsOf: (lane) => slotsOf[lane]!,
      mayBeLeft: (queue) => this.registry.mayCall(queue),
    });
    this.#dispatchers = dispatchers;
    for (let lane = 0; lane < store.lanes; lane++) {
      const { registry, events } = this;
      const slots = slotsOf[lane]!;
      const prepare = () => this.#putGraphs(lane);
      const joinedLate = () => void this.#releaseHeld(this.newId(lane), [lane]).catch(ignorePassing);
      const newOwner = () => this.newId(lane);
      this.#workers.push(
        new Worker({
          ports,
          host,
          store,
          registry,
          slots,
          dispatchers,
          courier: new Courier(store, lane, ports.clock),
          events,
          settings,
          lane,
          name: host.worker,
          newOwner,
          prepare,
          startChildren: (childLane, starts) => this.#startDormant(childLane, starts),
          otherLeft: (owner) => {
            dispatchers.lookAgain();
            void this.#releaseHeld(`left ${owner}`, [lane]).catch(ignorePassing);
          },
          joinedLate,
        }),
      );
    }
  }

  #schedule(): void {
    const { store, starts } = this;
    const { clock, log } = this.ports;
    for (const [lane, schedules] of Map.groupBy(this.schedules, (each) => laneOfSchedule(each, store.lanes))) {
      this.#schedulers.push(new Scheduler({ store, lane, clock, log, starts, schedules }));
    }
  }

  #deliver(): void {
    const { store, registry, starts, settings } = this;
    const { clock, log } = this.ports;
    for (let lane = 0; lane < store.lanes; lane++) {
      this.#deliverers.push(new Deliverer({ store, lane, clock, log, registry, starts, settings }));
    }
  }

  /** Makes the graphs known to the store, and starts to work; what is out of reach comes later, where others go on. */
  async open(): Promise<void> {
    for (let lane = 0; lane < this.store.lanes; lane++) {
      await this.#putGraphs(lane).catch((thrown: unknown) => {
        if (!isUnreached(thrown) || this.store.missing === undefined) throw thrown;
      });
    }
    for (const worker of this.#workers) await worker.open();
    if (this.#workers.length > 0) await this.#releaseHeld(this.newId(0), this.#allLanes);
    for (const scheduler of this.#schedulers) scheduler.open();
    await Promise.all(this.#deliverers.map((deliverer) => deliverer.open()));
    for (const { server, lanes, reason } of this.store.missing ?? []) {
      this.ports.log.write("warn", "a server of the store is not reached; its lanes wait, the others go on", {
        server,
        lanes: lanes.join(", "),
        reason,
      });
    }
  }

  get #allLanes(): readonly number[] {
    return Array.from({ length: this.store.lanes }, (_, lane) => lane);
  }

  /** Before a run of the lane names one; once is enough. */
  async #putGraphs(lane: number): Promise<void> {
    if (this.#prepared.has(lane)) return;
    const graphs = [...this.registry.definitions].map(({ name, hash, graph }) => {
      return { hash, workflow: name, graph: JSON.stringify(graph) };
    });
    await this.store.putGraphs(lane, graphs);
    this.#prepared.add(lane);
  }

  /**
   * Runs that are held for want of code, or of a key, go on: a worker that has it is here, or holds them again. Once another one
   * has left, too: of a deploy, its code may have been the old one, and that which a run lacked. `occasion` is the same for all who see it.
   */
  async #releaseHeld(occasion: string, lanes: readonly number[]): Promise<void> {
    const { store, ports } = this;
    for (const [lane, workflow] of lanes.flatMap((each) => this.registry.names.map((name) => [each, name] as const))) {
      for await (const record of heldIn(store, lane, workflow)) {
        const { id, error, unread } = decodedRecord(null, record);
        const { code } = JSON.parse(error ?? "{}") as { code?: string };
        const mayGoOn =
          code === "STEP_UNKNOWN" ||
          code === "SCRIPT_CHANGED" ||
          (code === "CODEC_KEY_MISSING" && unread === undefined);
        if (!mayGoOn) continue;
        const body = { kind: "retry", unlessCancelled: true } as const;
        const message = { key: `${occasion} ${id}`, body, at: ports.clock.now() };
        await store.send(lane, [{ run: id, message, reopens: false }], ports.clock.now());
      }
    }
    this.look();
  }

  /** Works, in every lane: has its lease there, and the store takes its writes. */
  get isReady(): boolean {
    return this.#workers.length > 0 && this.#workers.every((worker) => worker.isReady);
  }

  /** Runs that this process drives now. */
  get held(): number {
    return this.#workers.reduce((sum, worker) => sum + worker.held, 0);
  }

  /** `isRepeated`: the same starts were sent before, and got no answer. */
  async start(lane: number, starts: readonly RunStart[], isRepeated = false): Promise<readonly StartAnswer[]> {
    if (!this.#prepared.has(lane)) await this.#putGraphs(lane);
    const worker = this.#workers[lane];
    if (worker !== undefined) return worker.start(starts, isRepeated);
    return this.store.start(lane, starts, this.ports.clock.now(), null);
  }

  /** Starts runs that are due only once a message comes for them. */
  async #startDormant(lane: number, starts: readonly RunStart[]): Promise<readonly StartAnswer[]> {
    if (!this.#prepared.has(lane)) await this.#putGraphs(lane);
    return this.store.start(lane, starts, this.ports.clock.now(), null);
  }

  /** Something was put into the store that may be due. */
  look(): void {
    for (const worker of this.#workers) worker.look();
  }

  /** Something was set of a queue, which may be decided for here. */
  queuesSet(): void {
    this.#dispatchers?.lookAgain();
  }

  /** What is to be said now of a line of queues that is owned here; null: another process has to say it. */
  queueReport(line: string): LineReport | null {
    return this.#dispatchers?.reportOf(line) ?? null;
  }

  /** Lets bodies finish within the limit, gives the rest back; answers how many were stopped. */
  async stop(): Promise<number> {
    for (const scheduler of this.#schedulers) scheduler.stop();
    for (const deliverer of this.#deliverers) deliverer.stop();
    this.#dispatchers?.stop();
    const stopped = await Promise.all(this.#workers.map((worker) => worker.stop()));
    return stopped.reduce((sum, count) => sum + count, 0);
  }
}

async function* heldIn(store: Store, lane: number, workflow: string): AsyncGenerator<RunRecord> {
  for await (const page of runsOfLane(store, lane, { workflow, status: "held" }, null, HELD_PAGE)) yield* page;
}

function ignorePassing(thrown: unknown): void {
  if (!isPassing(thrown)) throw thrown;
}
