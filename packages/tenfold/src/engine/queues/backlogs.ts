/**
 * Keeps to what the queues of a line let wait: refuses who is too many, or drops who has waited longest.
 * Invariant: only the owner of the line refuses, and only an attempt that asks it; one that others have parked is called up to be told.
 */
import {
  calledUp,
  cameToNothing,
  counted,
  goAway,
  goOn,
  hearOf,
  leaveFor,
  letsIn,
  newBacklog,
  owedNow,
  settle,
  type Backlog,
} from "../../core/queues/backlog.ts";
import type { BacklogDefinition } from "../../flow/queue-definition.ts";
import type { Place } from "../../store/queues.ts";
import type { Store } from "../../store/store.ts";
import { isClosed, isPassing } from "../passing.ts";
import type { Clock } from "../ports.ts";
import { turnIdOf } from "./turn-id.ts";
import type { Turn } from "./turn.ts";

export interface BacklogsHost {
  readonly store: Store;
  readonly clock: Clock;
  readonly queues: () => readonly string[];
  /** How many may wait in a queue; null: as many as come. */
  readonly backlogOf: (queue: string) => BacklogDefinition | null;
  /** Those that wait, or are permitted. */
  readonly turns: ReadonlyMap<unknown, Turn>;
  /** It asks for its turn, or is being called up. */
  readonly isThere: (id: string) => boolean;
}

/** How many failed since the owner of the line decides. */
export interface TurnedAway {
  readonly refused: number;
  readonly dropped: number;
}

const NONE: readonly Place[] = [];

interface Kept {
  readonly backlog: Backlog;
  readonly max: number;
  readonly drops: boolean;
}

export class Backlogs {
  readonly #host: BacklogsHost;
  readonly #byQueue = new Map<string, Backlog>();
  /** Null: others decide. */
  #beganAt: number | null = null;
  #isCounted = false;
  #dropsSoon = false;

  constructor(host: BacklogsHost) {
    this.#host = host;
  }

  /** It decides from now on; `wasUsed`: after others. */
  owns(wasUsed: boolean): void {
    this.#beganAt = wasUsed ? this.#host.clock.now() : -Infinity;
  }

  lost(): void {
    this.#beganAt = null;
    this.#isCounted = false;
    this.#byQueue.clear();
  }

  /** It asks for its turn, and may have had it already; one that is too many is told so. */
  comes(turn: Turn): void {
    const { id, queue } = turn.waiting;
    const kept = this.#kept(queue);
    if (kept === null || turn.state !== "waits") return;
    if (!letsIn(kept.backlog, id, turn.asker.coming, kept.max, kept.drops)) turn.asker.turnAway("QUEUE_FULL");
    else if (kept.backlog.owed > 0) this.#dropSoon();
  }

  /** Those of the places that wait; the others are too many, and are to hear of it. */
  heard(places: readonly Place[]): { readonly waiting: readonly Place[]; readonly tooMany: readonly Place[] } {
    if (places.every(({ queue }) => this.#kept(queue) === null)) return { waiting: places, tooMany: NONE };
    const { true: waiting = [], false: tooMany = [] } = Object.groupBy(places, (place) => String(this.#hears(place)));
    return { waiting, tooMany };
  }

  #hears({ queue, run, node, rank }: Place): boolean {
    const kept = this.#kept(queue);
    if (kept === null) return true;
    const waits = hearOf(kept.backlog, turnIdOf(run, node), rank, kept.max, kept.drops);
    if (kept.backlog.owed > 0) this.#dropSoon();
    return waits;
  }

  called({ queue, run, node }: Place): void {
    const kept = this.#kept(queue);
    if (kept !== null) calledUp(kept.backlog, turnIdOf(run, node));
  }

  /** It was called up, and does not ask. */
  inVain(queue: string, id: string): void {
    const kept = this.#kept(queue);
    if (kept !== null) cameToNothing(kept.backlog, id);
  }

  permitted({ waiting: { queue, id } }: Turn): void {
    const kept = this.#kept(queue);
    if (kept !== null) goOn(kept.backlog, id);
  }

  /** It waits here no more: its run is being parked, or it gave up. */
  left({ state, waiting: { queue, id } }: Turn): void {
    const backlog = this.#kept(queue)?.backlog;
    if (backlog?.known.has(id) !== true) return;
    if (state === "away") goAway(backlog, id);
    else leaveFor(backlog, id);
  }

  /** Its body has settled. */
  settled({ waiting: { queue, id }, asker }: Turn): void {
    const kept = this.#kept(queue);
    if (kept !== null) settle(kept.backlog, id, asker.isLeft());
  }

  /** What it was permitted it did not use: it may ask once more. */
  unused({ waiting: { queue, id } }: Turn): void {
    const kept = this.#kept(queue);
    if (kept !== null) leaveFor(kept.backlog, id);
  }

  /** What came of those who were too many; null: as many wait as come. */
  turnedAway(queue: string): TurnedAway | null {
    const kept = this.#kept(queue);
    return kept && { refused: kept.backlog.refused, dropped: kept.backlog.dropped };
  }

  /** Sees how many places there are; `isWhole`: also if it has done so before. */
  async count(isWhole: boolean): Promise<void> {
    if (this.#beganAt === null || (this.#isCounted && !isWhole)) return;
    this.#isCounted = true;
    const { store, queues, isThere } = this.#host;
    for (const queue of queues()) {
      const kept = this.#kept(queue);
      if (kept === null) continue;
      const { backlog, max } = kept;
      const { changes } = backlog;
      try {
        let places = 0;
        for (let lane = 0; lane < store.lanes; lane++) places += await store.queues.count(lane, queue, max + 1);
        if (this.#byQueue.get(queue) === backlog) counted(backlog, places, changes, max, isThere);
      } catch (thrown) {
        // What is not known of one lane is counted another time.
        if (!isPassing(thrown) && !isClosed(thrown)) throw thrown;
        this.#isCounted = false;
      }
    }
  }

  #kept(queue: string): Kept | null {
    const definition = this.#beganAt === null ? null : this.#host.backlogOf(queue);
    if (definition === null || definition.whenFull === "park") return null;
    const backlog = this.#byQueue.get(queue) ?? newBacklog(this.#beganAt!);
    this.#byQueue.set(queue, backlog);
    return { backlog, max: definition.max, drops: definition.whenFull === "drop-oldest" };
  }

  /** Not within what has just come: the run of the one that goes may be in the middle of something. */
  #dropSoon(): void {
    if (this.#dropsSoon) return;
    this.#dropsSoon = true;
    this.#host.clock.soon(() => {
      this.#dropsSoon = false;
      for (const queue of this.#byQueue.keys()) this.#drop(queue);
    });
  }

  #drop(queue: string): void {
    const kept = this.#kept(queue);
    if (kept === null) return;
    const { backlog, max } = kept;
    if (owedNow(backlog, max) === 0) return;
    const waiting: Turn[] = [];
    for (const turn of this.#host.turns.values()) {
      if (turn.state === "waits" && turn.waiting.queue === queue && turn.asker.coming !== null) waiting.push(turn);
    }
    // Of those that are parked the next ones come sooner or later.
    for (const turn of oldestOf(waiting, backlog.owed)) {
      if (turn.state !== "waits") continue;
      backlog.owed--;
      backlog.dropped++;
      turn.asker.turnAway("QUEUE_DROPPED");
    }
  }
}

/** As a rule one has to go: then nothing is sorted. */
function oldestOf(turns: readonly Turn[], count: number): readonly Turn[] {
  if (count > 1) return [...turns].sort(byAge).slice(0, count);
  return turns
    .slice(0, 1)
    .map((first) => turns.reduce((oldest, turn) => (byAge(turn, oldest) < 0 ? turn : oldest), first));
}

function byAge(one: Turn, other: Turn): number {
  return one.asker.coming!.at - other.asker.coming!.at || (one.waiting.id < other.waiting.id ? -1 : 1);
}
