/** Workers of a simulation: each an engine over the one store, launched, crashed, frozen, replaced, restarted. */
import { Tenfold } from "../../engine/client.ts";
import { Engine } from "../../engine/engine.ts";
import { UNREPLAYABLE } from "../../engine/held.ts";
import { ALL_POOLS, serves } from "../../engine/queues/pools.ts";
import type { Executor, Log } from "../../engine/ports.ts";
import type { StepContext, StepDefinition } from "../../flow/definition.ts";
import { TenfoldError } from "../../value/error.ts";
import type { Json } from "../../value/json.ts";
import { answerOf, type Answer } from "./answer.ts";
import type { BodyCall } from "./body-call.ts";
import { failuresOf, thrownAt, undoFailuresOf } from "./fates.ts";
import { faultyStore, NO_FAULTS } from "./faulty-store.ts";
import { poolsAt, slowsForMs, spentOf } from "./queued.ts";
import { writeEffect } from "./effects.ts";
import { Violation } from "./violation.ts";
import type { SimulatedWorker, World } from "./world.ts";
import { WorkerTime } from "../virtual-time.ts";
import { writeFile, writesFile } from "./written-files.ts";

type Promises = Pick<BodyCall, "isOnce" | "isTx">;

/** What becomes of a call, whatever else happens. */
interface Fate<T> {
  readonly fails: boolean;
  /** It fails by saying that nothing has happened. */
  readonly saysSo?: boolean;
  /** It fails by saying that its queue is to wait so long. */
  readonly slowsMs?: number | null;
  /** It is one of a batch. */
  readonly isTogether?: boolean;
  /** It writes a file before it answers. */
  readonly writes: boolean;
  answer(): T;
}

export class SimulatedWorkers {
  crashes = 0;
  readonly #world: World;
  readonly #places: (SimulatedWorker | null)[] = [];
  readonly #all: SimulatedWorker[] = [];
  readonly #isDeployed = new Set<number>();
  #isCalm = false;
  #batches = 0;
  readonly #count: number;

  constructor(world: World, count: number) {
    this.#world = world;
    this.#count = count;
    for (let place = 0; place < count; place++) this.#launch(place);
  }

  /** One of the processes that are open, alive and awake. */
  anyAwake(): SimulatedWorker | undefined {
    const awake = this.#places.filter((one) => one !== null && one.isOpen && !one.time.isDead && !one.time.isFrozen);
    return awake[this.#below(Math.max(1, awake.length))] ?? undefined;
  }

  /** Fate strikes one of the processes. */
  strike(): void {
    const { time } = this.#world;
    const place = this.#below(this.#places.length);
    const running = this.#places[place];
    if (running === null || running === undefined || running.time.isDead) return;
    const chance = this.#world.scenario.random();
    if (chance < 0.35) this.#crash(running);
    else if (chance < 0.65) {
      running.time.freeze();
      time.at(time.now + this.#below(15_000), () => running.time.thaw());
      if (this.#world.scenario.random() < 0.3) this.#replace(place, running);
    } else if (chance < 0.85) running.time.set(this.#below(400) - 200);
    else void this.#restart(place, running);
  }

  /** A deploy: within so long, one place after the other has the new code from its next process on. */
  deploy(withinMs: number): void {
    const { time } = this.#world;
    for (const place of this.#places.keys()) {
      time.at(time.now + (withinMs * place) / this.#places.length, () => {
        this.#isDeployed.add(place);
        const running = this.#places[place];
        if (running !== null && running !== undefined && !running.time.isDead) void this.#restart(place, running);
      });
    }
  }

  /** The faults end: every place has a process that lives and is awake. */
  calm(): void {
    this.#isCalm = true;
    for (const place of this.#places.keys()) this.#isDeployed.add(place);
    const isOld = (running: SimulatedWorker) => this.#world.scenario.deployed !== null && !running.isNew;
    for (const running of this.#all) if (!this.#places.includes(running) || isOld(running)) this.#crash(running);
    this.#places.forEach((running, place) => {
      running?.time.set(0);
      running?.time.thaw();
      if (running === null || running.time.isDead) this.#launch(place);
    });
  }

  /** Whoever watches over the processes takes a frozen one for dead, and starts another in its place. */
  #replace(place: number, running: SimulatedWorker): void {
    const { time } = this.#world;
    time.at(time.now + this.#below(3000), () => {
      if (this.#places[place] === running && !running.time.isDead && !this.#isCalm) this.#launch(place);
    });
  }

  /** A rolling deploy: the process drains, leaves, and a new one takes its place. */
  async #restart(place: number, running: SimulatedWorker): Promise<void> {
    if (!running.isOpen) return;
    await running.tenfold.close();
    if (running.time.isDead) return;
    this.#die(running);
    this.#launch(place);
  }

  #crash(running: SimulatedWorker): void {
    if (running.time.isDead) return;
    const { time } = this.#world;
    this.crashes++;
    this.#die(running);
    for (const call of running.calls) call.wasStopped = true;
    const place = this.#places.indexOf(running);
    time.at(time.now + 100 + this.#below(8000), () => {
      if (this.#places[place] === running) this.#launch(place);
    });
  }

  #die(running: SimulatedWorker): void {
    running.time.die();
    this.#world.queued.died(running.id, this.#world.time.now);
  }

  /** A lease of a process is dead: what it owned may have other owners from now on. */
  leaseEnded(process: string, lane: number): void {
    const { queued, time } = this.#world;
    const running = this.#all[Number(process)]!;
    queued.leaseEnded(running.id, lane, running.time.isFrozen, time.now);
  }

  #launch(place: number): void {
    const { scenario, time, book, note } = this.#world;
    const id = this.#all.length;
    const own = new WorkerTime(time);
    const store = faultyStore(book.store, {
      time,
      process: own,
      random: scenario.random,
      faults: () => (this.#isCalm ? NO_FAULTS : scenario.faults),
      crash: () => this.#crash(running),
    });
    const pools = scenario.hasPools ? poolsAt(place, this.#count) : ALL_POOLS;
    const mustBeServed = ({ name, queue }: StepDefinition): void => {
      if (serves(pools, queue?.pool ?? null)) return;
      note(new Violation("a body is called by a process that serves its pool", { step: name, place }));
    };
    const executor: Executor = {
      execute: (step, input, ctx, undoes) => {
        mustBeServed(step);
        return undoes === null
          ? this.#body(running, step, input as Json | undefined, ctx)
          : this.#undo(running, step, input as Json | undefined, undoes.output as Json | undefined, ctx);
      },
      executeBatch: async (step, inputs, { items }) => {
        mustBeServed(step);
        const together = `batch ${++this.#batches}`;
        const bodies = inputs.map((input, nth) => this.#body(running, step, input as Json, items[nth]!, together));
        const settled = await Promise.allSettled(bodies);
        return settled.map((one) => (one.status === "fulfilled" ? one.value : (one.reason as Error)));
      },
    };
    const log: Log = {
      write: (_level, message, facts) => {
        if (message === UNREPLAYABLE) note(new Violation("every run can be replayed", { ...facts }));
      },
    };
    const ports = { clock: own, random: scenario.random, executor, log };
    const isGone = (process: string) => scenario.isOneMachine && (this.#all[Number(process)]?.time.isDead ?? true);
    const host = { worker: `worker-${place}`, host: "machine", process: `${id}`, isGone };
    const isNew = scenario.deployed !== null && this.#isDeployed.has(place);
    const workflows = isNew ? scenario.deployed : scenario.workflows;
    const engine = new Engine(store, workflows, ports, host, { ...scenario.settings, pools });
    const running: SimulatedWorker = { id, time: own, tenfold: new Tenfold(engine), calls: [], isNew, isOpen: false };
    this.#places[place] = running;
    this.#all.push(running);
    void this.#open(running, engine);
  }

  /** A process that cannot open its store ends, and is started again. */
  async #open(running: SimulatedWorker, engine: Engine): Promise<void> {
    try {
      await engine.open();
      running.isOpen = true;
    } catch (thrown) {
      if (!(thrown instanceof TenfoldError) || thrown.code === "INVARIANT_BROKEN") throw thrown;
      this.#crash(running);
    }
  }

  /** A body answers what it must, fails as often as it must, and hangs where a timeout ends it. */
  #body(
    running: SimulatedWorker,
    step: StepDefinition,
    input: Json | undefined,
    ctx: StepContext,
    together: string | null = null,
  ): Promise<Answer> {
    const { name, once, tx } = step;
    const call = this.#noteCall(running, ctx, { isOnce: once === true, isTx: tx !== undefined });
    const spent = spentOf(step, ctx.key, ctx.attempt);
    if (spent !== null) ctx.spent(spent);
    this.#world.queued.called(call, running.id, step, input, { together, spent });
    const slowsMs = slowsForMs(step, ctx.key, ctx.attempt);
    const failures = failuresOf(ctx.run.id, ctx.node);
    const fails = ctx.attempt <= failures;
    const writes = once !== true && this.#world.scenario.timeoutMs === null && writesFile(ctx.run.id, ctx.node);
    // A node that must fail says so itself, or people would have it tried for ever.
    const saysSo = once === true && (failures === Infinity || ctx.attempt % 2 === 0);
    const answer = (): Answer => {
      // It happens although nobody may hear of it.
      call.answer = answerOf(name, input) as unknown as Json;
      if (call.isTx) writeEffect(ctx, call.answer);
      return answerOf(name, input);
    };
    if (call.isTx && fails) writeEffect(ctx, null);
    return this.#take(running, ctx, call, { fails, saysSo, slowsMs, isTogether: together !== null, writes, answer });
  }

  /** An undo fails as often as it must, and has nothing to answer. */
  #undo(
    running: SimulatedWorker,
    step: StepDefinition,
    input: Json | undefined,
    output: Json | undefined,
    ctx: StepContext,
  ): Promise<undefined> {
    const { auditor, book, note } = this.#world;
    const { key, attempt, node, run } = ctx;
    const call = this.#callOf(running, ctx);
    running.calls.push(call);
    this.#world.queued.called(call, running.id, step, input, { together: null, spent: null });
    try {
      const owner = book.ownerOf(`${running.id}`, run.id);
      auditor.undoes({ run: run.id, node, attempt, key, output, clock: running.time.now() }, owner);
    } catch (thrown) {
      note(thrown);
    }
    const fails = attempt <= undoFailuresOf(run.id, node);
    return this.#take(running, ctx, call, { fails, writes: false, answer: () => undefined });
  }

  /** Takes its time, then answers or fails; or hangs. */
  #take<T>(
    running: SimulatedWorker,
    ctx: StepContext,
    call: BodyCall,
    { fails, saysSo = false, slowsMs = null, isTogether = false, writes, answer }: Fate<T>,
  ): Promise<T> {
    const { scenario, time } = this.#world;
    // In a batch all the others would be late with it.
    const hangs = fails && !saysSo && !isTogether && scenario.timeoutMs !== null && scenario.random() < 0.5;
    call.ignoresSignal = scenario.random() < 0.3;
    const tookMs = hangs ? 20_000 : 1 + this.#below(scenario.random() < 0.1 ? 2500 : 200);
    let hasStopped = false;
    return new Promise((resolve, reject) => {
      const settle = (callback: () => void) => {
        call.endedAt = Math.min(call.endedAt, time.now);
        callback();
      };
      ctx.signal.addEventListener("abort", () => {
        call.wasStopped = true;
        if (call.ignoresSignal) return;
        hasStopped = true;
        settle(() => reject(new Error("stopped")));
      });
      running.time.at(running.time.now() + tookMs, () => {
        if (hasStopped) return;
        const fail = () => settle(() => reject(thrownAt(ctx.attempt, saysSo, slowsMs)));
        if (fails && writes) {
          // What it is writing is given up with it, or was kept before.
          writeFile(ctx).catch(() => {});
          running.time.at(running.time.now() + this.#below(100), fail);
        } else if (fails) fail();
        else if (!writes) settle(() => resolve(answer()));
        else {
          writeFile(ctx).then(
            () => {
              call.wroteFile = true;
              settle(() => resolve(answer()));
            },
            (thrown: unknown) => settle(() => reject(thrown as Error)),
          );
        }
      });
    });
  }

  #noteCall(running: SimulatedWorker, ctx: StepContext, promises: Promises): BodyCall {
    const { auditor, note } = this.#world;
    const call = this.#callOf(running, ctx, promises);
    running.calls.push(call);
    try {
      auditor.called(call);
    } catch (thrown) {
      note(thrown);
    }
    return call;
  }

  #callOf(running: SimulatedWorker, ctx: StepContext, promises: Promises = { isOnce: false, isTx: false }): BodyCall {
    const { book, time } = this.#world;
    return {
      run: ctx.run.id,
      node: ctx.node,
      attempt: ctx.attempt,
      key: ctx.key,
      readyAt: ctx.now(),
      owner: book.ownerOf(`${running.id}`, ctx.run.id),
      at: time.now,
      clock: running.time.now(),
      isGone: () => running.time.isDead,
      ...promises,
      endedAt: Infinity,
      answer: undefined,
      wasStopped: false,
      ignoresSignal: false,
      wroteFile: false,
    };
  }

  #below(limit: number): number {
    return Math.floor(this.#world.scenario.random() * limit);
  }
}
