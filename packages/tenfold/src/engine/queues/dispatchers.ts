/**
 * The lines that this process knows of, each with its dispatcher: owned here if nobody else owns it.
 * Invariants: every step with a queue asks here before its body is called; a line is owned under the lease of its own lane; also one
 * of which only places are known, whose code is a script's, has somebody who calls them up; nothing is owned of a pool that this
 * process does not serve.
 */
import { isDeepStrictEqual } from "node:util";
import type { LineLimits } from "../../core/queues/line-state.ts";
import type { BacklogDefinition } from "../../flow/queue-definition.ts";
import { LeaseLost, type ClaimedRun, type Lease, type Store } from "../../store/store.ts";
import type { NewPlace } from "../../store/queues.ts";
import type { LiveRun } from "../live-run.ts";
import { isClosed, isPassing } from "../passing.ts";
import type { OneByOne } from "../one-by-one.ts";
import type { Clock } from "../ports.ts";
import type { LaneSlots } from "../slots.ts";
import type { CallingLane } from "./calling-lane.ts";
import { Dispatcher } from "./dispatcher.ts";
import { letGo } from "./let-go.ts";
import type { LineReport } from "./line-report.ts";
import type { LineSettings } from "../../core/queues/line-settings.ts";
import { backlogInLine, isHeldTo, laneOfLine, limitsOf, lineNameOf, type Queued } from "../../core/queues/queue-of.ts";
import { serves, type Pools } from "./pools.ts";
import { runOfTurn } from "./turn-id.ts";

/** How often lines that others own are asked for, and places looked for of which nobody may have told (ms). */
const LOOK_EVERY_MS = 5000;
/** The same where all runs come from others. */
const LOOK_EVERY_IN_POOL_MS = 1000;
/** How often, in such looks, lines are looked for of which only places are known. */
const LIST_EVERY = 12;
/** Between two looks for places of which somebody has told (ms). */
const HEAR_GAP_MS = 50;

export interface DispatchersParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly steps: Iterable<Queued>;
  readonly workflows: readonly string[];
  readonly linedUpMax: number;
  /** The name of this worker, for people. */
  readonly worker: string;
  readonly slotsOf: (lane: number) => LaneSlots;
  /** Runs of workflows that are open here may have places in such a queue, though no step that is known here has it. */
  readonly mayBeLeft: (queue: string) => boolean;
  /** What this process calls the bodies of. */
  readonly pools: Pools;
}

interface Lane extends CallingLane {
  lease: Lease | null;
  adopt: (claimed: readonly ClaimedRun[]) => Promise<void>;
  mayCome: CallingLane["mayCome"];
  isSure: () => boolean;
  isIncomplete: () => void;
  exclusively: OneByOne;
}

export class Dispatchers {
  readonly #parts: DispatchersParts;
  readonly #lanes: readonly Lane[];
  readonly #byName = new Map<string, Dispatcher>();
  /** Steps by the names of their lines. */
  readonly #steps = new Map<string, Map<string, Queued>>();
  /** The line of each queue. */
  readonly #lineOf = new Map<string, string>();
  #cancelLook: (() => void) | null = null;
  #unwatch: (() => void) | null = null;
  #hearAt: (() => void) | null = null;
  #heardAt = -Infinity;
  #looks = 0;
  #isStopped = false;

  constructor(parts: DispatchersParts) {
    this.#parts = parts;
    this.#lanes = Array.from({ length: parts.store.lanes }, (_, lane) => ({
      lane,
      lease: null,
      adopt: async () => {},
      mayCome: () => null,
      isSure: () => false,
      isIncomplete: () => {},
      exclusively: (act) => act(),
    }));
    for (const step of parts.steps) this.#learn(step);
  }

  /** The worker of a lane has a lease. */
  joined(lease: Lease, worker: Pick<Lane, "adopt" | "mayCome" | "isSure" | "isIncomplete" | "exclusively">): void {
    Object.assign(this.#lanes[lease.lane]!, { lease, ...worker });
    this.#looks = 0;
    this.#unwatch ??= this.#parts.store.watch("place", () => this.#hear());
    void this.#look();
  }

  /** It has none any more: others may own what it did. */
  lost(lane: number): void {
    this.#lanes[lane]!.lease = null;
    for (const dispatcher of this.#byName.values()) if (this.#laneOf(dispatcher.name) === lane) dispatcher.lost();
  }

  /** No body is at work that was permitted under the lease of this lane. */
  isAtRest(lane: number): boolean {
    return this.#byName.values().every((each) => each.isAtRest || this.#laneOf(each.name) !== lane);
  }

  /** Another worker is gone, and what it owned is free; or something was set. */
  lookAgain(): void {
    if (this.#byName.size > 0) void this.#look();
  }

  /** Nothing is called up any more; whoever asks is parked. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelLook?.();
    this.#hearAt?.();
    this.#unwatch?.();
    for (const dispatcher of this.#byName.values()) dispatcher.stop();
  }

  /** What is to be said now of a line that is owned here; null: another process has to say it. */
  reportOf(line: string): LineReport | null {
    return this.#byName.get(line)?.report() ?? null;
  }

  /** The line is owned here. */
  owns(line: string): boolean {
    return this.#byName.get(line)?.isOwner === true;
  }

  /** How a key stands in the store. */
  keyOf(key: string | null): string {
    return this.#parts.store.queues.keyOf(key ?? "");
  }

  /** The places of a run that is being parked; whoever decides elsewhere is to hear of them. */
  placesOf(run: LiveRun): readonly NewPlace[] {
    return [...run.turns].map(({ place }) => ({ ...place, isNew: !this.#ofQueue(place.queue)?.isOwner }));
  }

  /** The run is parked with these. */
  parked(run: string, places: readonly NewPlace[]): void {
    for (const { isNew: _, ...place } of places) this.#ofQueue(place.queue)?.told({ ...place, run });
  }

  /** In a line that is owned here a key waits for the run. */
  waitsFor(run: string): boolean {
    return this.#byName.values().some(({ awaited }) => awaited.some(({ id }) => runOfTurn(id) === run));
  }

  /** Nothing of the run comes any more. */
  ended(run: string): void {
    for (const dispatcher of this.#byName.values()) dispatcher.ended(run);
  }

  #ofQueue(queue: string): Dispatcher | undefined {
    return this.#byName.get(this.#lineOf.get(queue) ?? queue);
  }

  dispatcherOf(step: Queued): Dispatcher {
    const name = lineNameOf(step);
    const known = this.#byName.get(name);
    const same = this.#steps.get(name)?.get(step.name);
    // A step may have been made twice, for two workflows.
    if (same === step || (same !== undefined && isSame(name, same, step))) return known!;
    this.#learn(step);
    if (known !== undefined) known.changed();
    else void this.#look();
    return this.#byName.get(name)!;
  }

  #learn(step: Queued): void {
    const name = lineNameOf(step);
    const steps = this.#steps.get(name) ?? new Map<string, Queued>();
    this.#steps.set(name, steps);
    steps.set(step.name, step);
    this.#lineOf.set(step.name, name);
    this.#make(name);
    if (!this.#isServed(name) && this.#byName.get(name)!.isOwner) void this.#giveUp(name);
  }

  /** Bodies of steps without a queue are called here. */
  get servesPlain(): boolean {
    return serves(this.#parts.pools, null);
  }

  /** A line of which only places are known is: whose it is shows when one of its runs is called up. */
  #isServed(name: string): boolean {
    const [step] = this.#steps.get(name)?.values() ?? [];
    return step === undefined || serves(this.#parts.pools, step.queue.pool);
  }

  /** It is for workers of another pool. */
  async #giveUp(name: string): Promise<void> {
    const { lease } = this.#lanes[this.#laneOf(name)]!;
    this.#byName.get(name)?.lost();
    if (lease === null) return;
    try {
      await this.#parts.store.queues.release(lease, [name]);
    } catch (thrown) {
      // Then it is free once the lease is.
      if (!isPassing(thrown) && !isClosed(thrown) && !(thrown instanceof LeaseLost)) throw thrown;
    }
  }

  #make(name: string): void {
    if (this.#byName.has(name)) return;
    const { store, clock, workflows, linedUpMax, slotsOf, worker } = this.#parts;
    const steps = (): readonly Queued[] => [...(this.#steps.get(name)?.values() ?? [])];
    const limits = (settings: LineSettings): LineLimits => limitsOf(name, steps(), settings);
    const isStrict = (queue: string): boolean => this.#steps.get(name)?.get(queue)?.queue.per?.isStrict === true;
    const backlogOf = (queue: string): BacklogDefinition | null => backlogInLine(this.#steps.get(name)?.get(queue));
    const isHeeded = (): boolean => steps().some(isHeldTo);
    const queues = (): readonly string[] => [...(this.#steps.get(name)?.keys() ?? [name])];
    const lane = this.#laneOf(name);
    const slots = slotsOf(lane);
    const isSure = (): boolean => this.#lanes[lane]!.isSure();
    this.#byName.set(
      name,
      new Dispatcher({
        ...{
          name,
          store,
          clock,
          limits,
          isStrict,
          backlogOf,
          isHeeded,
          isSure,
          queues,
          slots,
          workflows,
          linedUpMax,
          worker,
        },
        lanes: this.#lanes,
      }),
    );
  }

  #laneOf(name: string): number {
    return laneOfLine(name, this.#parts.store.lanes);
  }

  /** Asks for the lines that nobody owns, and for places of which nobody here has heard. */
  async #look(): Promise<void> {
    if (this.#isStopped) return;
    const lists = this.#looks++ % LIST_EVERY === 0;
    this.#lookSoon();
    try {
      for (const { lane, lease } of this.#lanes) if (lease !== null) await this.#lookIn(lane, lease, lists);
    } catch (thrown) {
      if (!isPassing(thrown) && !isClosed(thrown) && !(thrown instanceof LeaseLost)) throw thrown;
    }
  }

  async #lookIn(lane: number, lease: Lease, lists: boolean): Promise<void> {
    const { queues } = this.#parts.store;
    if (lists) await this.#adoptLeft(lane, lease);
    const here = [...this.#byName.values()].filter((each) => this.#laneOf(each.name) === lane);
    const decided = here.filter((each) => each.isOwner);
    if (decided.length > 0) {
      const rows = await queues.rows(lane, decided.map(({ name }) => name)); // prettier-ignore
      for (const { queue, settings } of rows) this.#byName.get(queue)?.set(settings);
    }
    const free = here.filter(({ name, isOwner }) => !isOwner && this.#isServed(name));
    if (free.length > 0) {
      const owned = await queues.own(lease, free.map(({ name }) => name)); // prettier-ignore
      if (this.#lanes[lane]!.lease !== lease) return;
      for (const each of owned) {
        // It may have been forgotten meanwhile, by the look of another lane.
        const dispatcher = this.#byName.get(each.queue);
        if (dispatcher !== undefined && this.#isServed(each.queue)) dispatcher.owns(lease, each);
        else void this.#giveUp(each.queue);
      }
    }
    for (const each of this.#byName.values()) if (this.#laneOf(each.name) === lane) each.look(lists);
    await letGo(this.#parts.store, this.#lanes[lane]!, this.#byName.values(), lists);
  }

  /**
   * Places of a queue that no step here has: of a script's step, whose code is only known once its run is loaded, or of one that
   * had a queue before. Their runs are called up; then the line is given back, since others may have its code.
   */
  async #adoptLeft(lane: number, lease: Lease): Promise<void> {
    const { store, mayBeLeft } = this.#parts;
    const left = [...this.#byName.values()].filter(({ name, isIdle }) => isIdle && !this.#steps.has(name));
    const given = left.filter(({ name, isOwner }) => isOwner && this.#laneOf(name) === lane).map(({ name }) => name);
    if (given.length > 0) await store.queues.release(lease, given);
    for (const name of given) {
      this.#byName.get(name)!.lost();
      this.#byName.delete(name);
    }
    for (const { queue, waiting } of await store.queues.list(lane)) {
      if (waiting > 0 && !this.#lineOf.has(queue) && mayBeLeft(queue)) this.#make(queue);
    }
  }

  /** Others may have written places: those that are owned here look for them. */
  #hear(): void {
    if (this.#isStopped || this.#hearAt !== null) return;
    const { clock } = this.#parts;
    this.#hearAt = clock.at(Math.max(clock.now(), this.#heardAt + HEAR_GAP_MS), () => {
      this.#hearAt = null;
      this.#heardAt = clock.now();
      for (const dispatcher of this.#byName.values()) dispatcher.look(false);
    });
  }

  #lookSoon(): void {
    this.#cancelLook?.();
    if (this.#byName.size === 0) return;
    const { clock } = this.#parts;
    this.#cancelLook = clock.at(
      clock.now() + (this.servesPlain ? LOOK_EVERY_MS : LOOK_EVERY_IN_POOL_MS),
      () => void this.#look(),
    );
  }
}

function isSame(line: string, one: Queued, other: Queued): boolean {
  const said = (step: Queued): unknown => [limitsOf(line, [step]), step.queue.backlog];
  return isDeepStrictEqual(said(one), said(other));
}
