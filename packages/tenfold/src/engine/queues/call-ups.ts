/**
 * Calls up the runs that are parked with a place in a line, in the order in which their turns will come.
 * Invariants: so many of a key are loaded and wait, and no more; of the places that the store has, only the next of each key are in
 * memory; a place that was called is gone from the store.
 */
import type { Line, LineLimits, Waiting } from "../../core/queues/line-state.ts";
import { awaits, join, leave, next, released, settled } from "../../core/queues/line.ts";
import type { ClaimedRun, Store } from "../../store/store.ts";
import type { Place } from "../../store/queues.ts";
import { laneOfRun } from "../../value/id.ts";
import type { Clock } from "../ports.ts";
import { Asking } from "./asking.ts";
import type { Backlogs } from "./backlogs.ts";
import { calledLine, NO_TIME } from "./called-line.ts";
import type { CallingLane } from "./calling-lane.ts";
import { turnIdOf } from "./turn-id.ts";

/** Places that are called in one go. */
const CALL_MAX = 200;
/** Places of one key that are in memory, and keys that are read at once. */
const PLACES_OF_KEY = 500;
const KEYS_READ = 1000;
/** A run that was called up may have something to write first. */
const ASKS_WITHIN_MS = 1000;

export interface CallUpsHost {
  readonly store: Store;
  readonly clock: Clock;
  readonly lanes: readonly CallingLane[];
  /** Attempts that wait in memory, before the runs of those that come are parked. */
  readonly linedUpMax: number;
  /** The workflows whose runs may be called. */
  readonly workflows: readonly string[];
  readonly backlogs: Backlogs;
  /** An attempt with this id waits for its turn here. */
  isAsking(id: string): boolean;
  /** Its key waits for this attempt, which is called at once. */
  heldFor(id: string): Waiting | undefined;
  /** All for whom keys wait. */
  readonly awaited: readonly Waiting[];
  doesNotCome(waiting: Waiting): void;
}

/** The places of one key in one lane, so far as they are in memory. */
interface Window {
  readonly lane: number;
  /** The last one that is, or was. */
  last: Place;
  count: number;
  /** The store may have further ones. */
  hasMore: boolean;
  isReading: boolean;
}

export class CallUps {
  readonly #host: CallUpsHost;
  readonly #queues: readonly string[];
  readonly #line: Line;
  readonly #asking: Asking;
  readonly #places = new Map<string, { readonly place: Place; readonly waiting: Waiting }>();
  /** Called, and not permitted yet; null: it takes no room, since others wait for it. */
  readonly #called = new Map<string, Waiting | null>();
  /** Keys wait for these. */
  readonly #urgent: Place[] = [];
  /** By queue and key, those of the lanes. */
  readonly #windows = new Map<string, Window[]>();
  #isCalling = false;
  #isLooking = false;
  #looksAgain = false;

  constructor(host: CallUpsHost, queues: readonly string[], limits: LineLimits) {
    this.#host = host;
    this.#asking = new Asking(host.clock);
    this.#queues = queues;
    this.#line = calledLine(queues, limits, host.linedUpMax);
    for (const waiting of host.awaited) this.holds(waiting);
  }

  /** Its key waits for it: nobody else of that is called up. */
  holds(waiting: Waiting): void {
    awaits(this.#line, waiting);
  }

  letsGo(waiting: Waiting): void {
    released(this.#line, waiting);
  }

  /** Finds out who waits in the store, now and then again: of what was parked one may not have been told. */
  async open(): Promise<void> {
    const { lanes, store } = this.#host;
    for (const { lane } of lanes) {
      for (const queue of this.#queues) {
        for (let after: string | null = null; !this.#asking.isClosed;) {
          const from: string | null = after;
          const firsts: readonly Place[] | null = await this.#asking.until(() =>
            store.queues.firsts(lane, queue, from, KEYS_READ),
          );
          if (firsts === null) return;
          for (const place of firsts) this.#seen(place, true);
          if (firsts.length < KEYS_READ) break;
          after = firsts.at(-1)!.key;
        }
      }
    }
    this.stock();
  }

  close(): void {
    this.#asking.close();
  }

  /** Looks for places that other workers have written. */
  async look(): Promise<void> {
    this.#looksAgain = this.#isLooking;
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { lanes, store } = this.#host;
    for (const { lease } of lanes) {
      for (const queue of this.#queues) {
        for (let isMore = lease !== null; isMore && !this.#asking.isClosed;) {
          const places = await this.#asking.until(() => store.queues.arrivals(lease!, queue, PLACES_OF_KEY));
          this.told(places ?? []);
          isMore = places?.length === PLACES_OF_KEY;
        }
      }
    }
    this.#isLooking = false;
    if (this.#looksAgain) void this.look();
  }

  /** Runs were parked with these places. */
  told(places: readonly Place[]): void {
    const { waiting, tooMany } = this.#host.backlogs.heard(places);
    for (const place of waiting) this.#seen(place, false);
    if (tooMany.length > 0) void this.#callAtOnce(tooMany);
    this.stock();
  }

  /** A key waits for the attempt of this place: it is called at once, wherever it stands. */
  urge(place: Place): void {
    const id = turnIdOf(place.run, place.node);
    const known = this.#places.get(id);
    if (known !== undefined) {
      leave(this.#line, known.waiting);
      this.#places.delete(id);
      this.#taken(known.place);
    }
    this.#urgent.push(place);
    this.stock();
  }

  get isIdle(): boolean {
    return this.#places.size === 0 && this.#called.size === 0 && this.#windows.size === 0;
  }

  /** Whether parked ones of its key may come before it. */
  mayBeAhead({ queue, key }: Waiting): boolean {
    return this.#windows.has(nameOf(queue, key));
  }

  hasCalled(id: string): boolean {
    return this.#called.has(id);
  }

  /** It waits here no more: it was permitted, or is gone. */
  isOver(id: string): void {
    const waiting = this.#called.get(id);
    if (waiting === undefined) return;
    this.#called.delete(id);
    if (waiting !== null) settled(this.#line, waiting, NO_TIME);
  }

  /** Calls up whoever is next, if there is room. */
  stock(): void {
    if (this.#isCalling || this.#asking.isClosed) return;
    const places = this.#urgent.splice(0, CALL_MAX);
    for (const place of places) {
      this.#called.set(turnIdOf(place.run, place.node), null);
      this.#host.backlogs.called(place);
    }
    while (places.length < CALL_MAX) {
      const decided = next(this.#line, NO_TIME);
      if (decided.kind !== "start") break;
      const { id } = decided.waiting;
      const { place } = this.#places.get(id)!;
      this.#places.delete(id);
      this.#called.set(id, decided.waiting);
      this.#host.backlogs.called(place);
      this.#taken(place);
      places.push(place);
    }
    if (places.length === 0) return;
    this.#isCalling = true;
    void this.#call(places).finally(() => {
      this.#isCalling = false;
      this.stock();
    });
  }

  async #call(places: readonly Place[]): Promise<void> {
    for (const [nth, group] of Map.groupBy(places, ({ run }) => laneOfRun(run)!)) {
      const lane = this.#host.lanes[nth]!;
      const claimed = await lane.exclusively(() => this.#callIn(lane, group));
      if (claimed !== null) {
        const ids = group.map(({ run, node, queue }) => ({ run, queue, id: turnIdOf(run, node) }));
        this.#unlessAsking(ids.filter(({ run }) => !claimed.has(run)));
        const { clock } = this.#host;
        clock.at(clock.now() + ASKS_WITHIN_MS, () => {
          this.#unlessAsking(ids);
          this.stock();
        });
        continue;
      }
      // They may stand there still. Where nobody was asked, they would be called again at once, for ever.
      await this.#asking.pause();
      for (const place of group) this.isOver(turnIdOf(place.run, place.node));
      this.told(group);
    }
  }

  /** Whoever is too many in its queue hears so when it asks there. */
  async #callAtOnce(places: readonly Place[]): Promise<void> {
    for (const [nth, group] of Map.groupBy(places, ({ run }) => laneOfRun(run)!)) {
      const lane = this.#host.lanes[nth]!;
      if ((await lane.exclusively(() => this.#callIn(lane, group))) !== null) continue;
      await this.#asking.pause();
      if (!this.#asking.isClosed) this.told(group);
    }
  }

  /** They wait for nothing more. */
  #unlessAsking(called: readonly { readonly id: string; readonly queue: string }[]): void {
    for (const { id, queue } of called) {
      if (this.#host.isAsking(id)) continue;
      this.isOver(id);
      this.#host.backlogs.inVain(queue, id);
    }
  }

  /** The runs that were claimed; null: nobody here may claim runs of that lane now. */
  async #callIn(lane: CallingLane, places: readonly Place[]): Promise<ReadonlySet<string> | null> {
    const { store, workflows } = this.#host;
    const { lease, adopt } = lane;
    if (lease === null) return null;
    let tries = 0;
    const ask = (): Promise<readonly ClaimedRun[]> => {
      tries++;
      return store.queues.call(lease, workflows, places);
    };
    const claimed = await this.#asking.until(ask, () => lane.lease === lease);
    // What was claimed by a call whose answer was not heard is not answered again.
    if (tries > 1 || claimed === null) lane.isIncomplete();
    if (claimed === null) return null;
    await adopt(claimed);
    for (const { run, node } of places) {
      const held = this.#host.heldFor(turnIdOf(run, node));
      if (held !== undefined && lane.mayCome(run, node) === false) this.#host.doesNotCome(held);
    }
    return new Set(claimed.map(({ id }) => id));
  }

  #seen(place: Place, hasMore: boolean): void {
    const id = turnIdOf(place.run, place.node);
    if (this.#places.has(id) || this.#called.has(id)) return;
    if (this.#host.heldFor(id) !== undefined) return void this.#urgent.push(place);
    const lane = laneOfRun(place.run)!;
    const name = nameOf(place.queue, place.key);
    const windows = this.#windows.get(name) ?? [];
    this.#windows.set(name, windows);
    let window = windows.find((each) => each.lane === lane);
    if (window === undefined) windows.push((window = { lane, last: place, count: 0, hasMore, isReading: false }));
    const isBehind = isAfter(place, window.last);
    if (isBehind && (window.hasMore || window.isReading || window.count >= PLACES_OF_KEY)) {
      window.hasMore = true;
      return;
    }
    if (isBehind) window.last = place;
    this.#add(place, id, window);
  }

  #add(place: Place, id: string, window: Window): void {
    const { queue, key, rank, cost, weight } = place;
    const waiting = { queue, key, rank, id, cost, weight };
    this.#places.set(id, { place, waiting });
    window.count++;
    join(this.#line, waiting);
  }

  /** A place is in memory no more. */
  #taken({ queue, key, run }: Place): void {
    const name = nameOf(queue, key);
    const window = this.#windows.get(name)!.find(({ lane }) => lane === laneOfRun(run))!;
    window.count--;
    this.#goOn(window, name);
  }

  /** The next places of a key are read once there is none in memory. */
  #goOn(window: Window, name: string): void {
    if (window.count > 0 || window.isReading) return;
    if (window.hasMore) return void this.#readOn(window, name);
    const windows = this.#windows.get(name)!;
    windows.splice(windows.indexOf(window), 1);
    if (windows.length === 0) this.#windows.delete(name);
  }

  async #readOn(window: Window, name: string): Promise<void> {
    window.isReading = true;
    window.hasMore = false;
    const { last, lane } = window;
    const places = await this.#asking.until(() =>
      this.#host.store.queues.behind(lane, last.queue, last, PLACES_OF_KEY),
    );
    window.isReading = false;
    if (places === null) return;
    // Told of meanwhile, there may be more all the same.
    window.hasMore ||= places.length === PLACES_OF_KEY;
    for (const place of places) {
      const id = turnIdOf(place.run, place.node);
      window.last = place;
      if (!this.#places.has(id) && !this.#called.has(id)) this.#add(place, id, window);
    }
    this.#goOn(window, name);
    this.stock();
  }
}

function nameOf(queue: string, key: string): string {
  return `${queue}\n${key}`;
}

function isAfter(one: Place, other: Place): boolean {
  if (one.rank !== other.rank) return one.rank > other.rank;
  if (one.run !== other.run) return one.run > other.run;
  return one.node > other.node;
}
