/**
 * Decides, for queues that share a limit, whose turn it is: the owner of their line.
 * Invariants: nobody starts without its word, and it gives it only while it owns the line; how many run is how many turns are
 * permitted here; a turn that is permitted has a slot, those of a batch one together; its body begins when its bucket is kept, and never closer after others
 * than rates allow, however late it is.
 */
import { change, changed, restore } from "../../core/queues/limit-changes.ts";
import { newLine, type Line, type LineLimits, type Waiting } from "../../core/queues/line-state.ts";
import { isFirstOfKey, join, leave, next, pause, settled, slow, spent } from "../../core/queues/line.ts";
import type { Lease, Store } from "../../store/store.ts";
import type { OwnedQueue, Place } from "../../store/queues.ts";
import type { Clock } from "../ports.ts";
import type { LaneSlots } from "../slots.ts";
import { Begins, UNSURE_MS } from "./begins.ts";
import { BucketKeeper } from "./bucket-keeper.ts";
import { CallUps, type CallUpsHost } from "./call-ups.ts";
import { Holding } from "./holding.ts";
import { LineReporter, type LineReport } from "./line-report.ts";
import { isPausedBy, NOTHING_SET, readSettings, type LineSettings } from "./line-settings.ts";
import { ServeAgain } from "./serve-again.ts";
import { runOfTurn } from "./turn-id.ts";
import { TurnSlot } from "./turn-slot.ts";
import type { Turn, TurnHost } from "./turn.ts";

/** How long a line waits that was told to slow down, and not for how long (ms). */
const SLOW_MS = 1000;
/** The first of their keys have as much room again as all the others. */
const FIRSTS_BESIDE = 2;

export interface DispatcherParts extends Pick<CallUpsHost, "workflows" | "lanes" | "linedUpMax"> {
  readonly name: string;
  readonly store: Store;
  readonly clock: Clock;
  /** As the code says, but for what is set. */
  readonly limits: (settings: LineSettings) => LineLimits;
  /** Of a key of the queue the next goes only when the one before is over, also with its retries. */
  readonly isStrict: (queue: string) => boolean;
  /** The names of the queues that it decides for. */
  readonly queues: () => readonly string[];
  /** Of the lane that the line is owned in. */
  readonly slots: LaneSlots;
  /** Nobody else can own the line now. */
  readonly isSure: () => boolean;
  /** Who decides, for people. */
  readonly worker: string;
}

export class Dispatcher implements TurnHost {
  readonly name: string;
  readonly #parts: DispatcherParts;
  /** Those that wait, or are permitted. */
  readonly #turns = new Map<Waiting, Turn>();
  /** The last one of each name. */
  readonly #byId = new Map<string, Turn>();
  #line: Line | null = null;
  #begins: Begins | null = null;
  #lease: Lease | null = null;
  #callUps: CallUps | null = null;
  #permitted = 0;
  #isServing = false;
  readonly #again: ServeAgain;
  #buckets: BucketKeeper | null = null;
  #settings: LineSettings = NOTHING_SET;
  readonly #reporter: LineReporter;
  readonly #holding = new Holding();

  constructor(parts: DispatcherParts) {
    this.name = parts.name;
    this.#parts = parts;
    this.#again = new ServeAgain(parts, () => this.serve());
    this.#reporter = new LineReporter(parts, () => {
      const [line, lease] = [this.#line, this.#lease];
      return line && lease && { line, lease, turns: this.#turns.values(), limits: this.#limits() };
    });
  }

  get isOwner(): boolean {
    return this.#line !== null;
  }

  /** Nobody waits here that is known of. */
  get isIdle(): boolean {
    return this.#turns.size === 0 && this.#callUps?.isIdle !== false;
  }

  /** No body that it permitted is at work. */
  get isAtRest(): boolean {
    return this.#permitted === 0;
  }

  /** What is to be said of it now; null: others decide. */
  report(): LineReport | null {
    return this.#reporter.now();
  }

  /** It decides from now on, under this lease. */
  owns(lease: Lease, { wasUsed, buckets, settings }: OwnedQueue): void {
    if (this.#line !== null) return;
    const now = this.#now();
    this.#settings = readSettings(settings);
    const limits = this.#limits();
    const line = newLine(limits, now, !wasUsed);
    const begins = new Begins(this.#parts, limits, (turn) => this.unused(turn));
    for (const { scope, ...each } of buckets) {
      const kept = this.#sinceStart(each);
      restore(line, scope, kept, now);
      begins.restore(scope, kept);
    }
    this.#line = line;
    this.#begins = begins;
    this.#lease = lease;
    this.#buckets = new BucketKeeper({ ...this.#parts, atWorst: () => begins.atWorst() }, lease);
    this.#pause(line);
    for (const turn of this.#turns.values()) if (turn.state === "waits") join(line, turn.waiting);
    this.#callUp();
    this.serve();
  }

  /** There are other queues, or limits, than before. */
  changed(): void {
    if (this.#line === null) return;
    this.#callUps!.close();
    this.#callUp();
    this.#change(this.#line);
  }

  /** This is what people want of its queues now. */
  set(settings: string | null): void {
    if (this.#line === null || settings === this.#settings.text) return;
    this.#settings = readSettings(settings);
    this.#change(this.#line);
  }

  #change(line: Line): void {
    const limits = this.#limits();
    change(line, limits);
    this.#begins!.change(limits);
    this.#pause(line);
    this.serve();
  }

  #limits(): LineLimits {
    return this.#parts.limits(this.#settings);
  }

  #pause(line: Line): void {
    for (const queue of this.#parts.queues()) pause(line, queue, isPausedBy(this.#settings, this.name, queue));
  }

  #callUp(): void {
    const asks = { isAsking: (id: string) => this.#byId.has(id), isHeldFor: (id: string) => this.#holding.isFor(id) };
    this.#callUps = new CallUps({ ...this.#parts, ...asks }, this.#parts.queues(), this.#limits());
    void this.#callUps.open();
  }

  /** A run was parked with this place. */
  told(place: Place): void {
    this.#callUps?.told([place]);
  }

  /** Others may have parked some; `isWhole`: looks at all that there is, since what it was to be told may be lost. */
  look(isWhole: boolean): void {
    void this.#callUps?.look();
    if (isWhole) void this.#callUps?.open();
  }

  /** Calls nobody up any more. */
  stop(): void {
    this.#callUps?.close();
    this.#reporter.stop();
  }

  /** Another one may decide from now on. */
  lost(): void {
    if (this.#line === null) return;
    this.#line = null;
    this.#begins?.close();
    this.#begins = null;
    this.#lease = null;
    this.#callUps?.close();
    this.#callUps = null;
    this.#again.cancel();
    this.#buckets?.close();
    this.#buckets = null;
    this.#reporter.lost();
    this.#holding.clear();
    this.#permitted = 0;
    for (const turn of [...this.#turns.values()]) {
      if (turn.state === "waits") turn.comesLate();
      else {
        this.#disown(turn);
        turn.asker.revoke(new Error(`The queue ${this.name} has another owner now.`));
      }
    }
  }

  /** An attempt asks for its turn, or does again. */
  ask(turn: Turn): void {
    this.#turns.set(turn.waiting, turn);
    this.#byId.set(turn.waiting.id, turn);
    const line = this.#line;
    if (line === null) return turn.comesLate();
    join(line, turn.waiting);
    if (this.#isLate(line, turn) && !this.#callUps!.hasCalled(turn.waiting.id)) turn.comesLate();
    this.serve();
  }

  /** Its turn comes so late that it waits in the store. The first of a key comes soon, also where others have a long line. */
  #isLate(line: Line, { waiting }: Turn): boolean {
    if (this.#holding.isFor(waiting.id)) return false;
    const most = this.#parts.linedUpMax * (isFirstOfKey(line, waiting) ? FIRSTS_BESIDE : 1);
    return this.#turns.size - this.#permitted > most || this.#callUps!.mayBeAhead(waiting);
  }

  left(turn: Turn): void {
    if (this.#line !== null) this.#holding.gaveUp(this.#line, turn.waiting);
    this.goes(turn);
    this.serve();
  }

  /** It comes again: its key goes on waiting for it, if it did. */
  goes(turn: Turn): void {
    if (this.#line !== null) leave(this.#line, turn.waiting);
    this.#forget(turn);
  }

  settled(turn: Turn, spentAmount: number | null, comesAgain: boolean): void {
    const { waiting } = turn;
    this.#isOver(turn, comesAgain && this.#parts.isStrict(waiting.queue));
    if (spentAmount !== null) {
      spent(this.#line!, waiting, spentAmount - waiting.cost);
      this.#begins!.spent(waiting, spentAmount - waiting.cost);
    }
    this.serve();
  }

  /** It was permitted, and its body is not called. */
  unused(turn: Turn): void {
    this.#isOver(turn, false);
    spent(this.#line!, turn.waiting, -turn.waiting.cost);
    turn.leavesSlot();
    this.serve();
  }

  /** `holds`: its key waits for its next attempt. */
  #isOver(turn: Turn, holds: boolean): void {
    this.#forget(turn);
    this.#permitted--;
    if (holds) {
      this.#holding.hold(this.#line!, turn.waiting, this.#now());
      // Its run was lost while its body went on: it may wait in the store by now.
      if (!turn.asker.isHere()) this.#callUps!.urge({ ...turn.place, run: runOfTurn(turn.waiting.id) });
    } else settled(this.#line!, turn.waiting, this.#now());
  }

  /** Nothing of the run comes any more: its keys go on. */
  ended(run: string): void {
    if (this.#line !== null) this.#holding.ended(this.#line, run);
    this.serve();
  }

  /** Runs for whose next attempts keys wait, which may have ended elsewhere. */
  get heldFor(): readonly string[] {
    return this.#holding.runs;
  }

  /** Nobody counts it any more. */
  #disown(turn: Turn): void {
    this.#forget(turn);
    turn.disowned();
    turn.leavesSlot();
  }

  #forget(turn: Turn): void {
    const { waiting } = turn;
    this.#turns.delete(waiting);
    this.#begins?.isOver(turn);
    if (this.#byId.get(waiting.id) === turn) this.#byId.delete(waiting.id);
    this.#callUps?.isOver(waiting.id);
  }

  slow({ waiting }: Turn, forMs: number): void {
    if (this.#line === null) return;
    // Who shares a limit calls the same.
    const queue = this.#limits().shared === null ? waiting.queue : null;
    slow(this.#line, queue, this.#now() + (forMs > 0 ? forMs : SLOW_MS));
  }

  /** Permits whoever may start now, as long as there are slots. */
  serve(): void {
    if (this.#isServing || this.#line === null) return;
    this.#isServing = true;
    try {
      while (this.#line !== null && this.#serveOne(this.#line));
    } finally {
      this.#isServing = false;
    }
    this.#callUps?.stock();
    this.#reporter.stir();
  }

  /** False: nobody may start now. */
  #serveOne(line: Line): boolean {
    const { slots, isSure } = this.#parts;
    if (this.#turns.size === this.#permitted) return false;
    const now = this.#now();
    if (!isSure()) {
      this.#again.at(now + UNSURE_MS);
      return false;
    }
    if (!slots.tryTake()) {
      this.#again.whenSlotIsFree();
      return false;
    }
    const decided = next(line, now);
    if (decided.kind !== "start") {
      slots.release();
      if (decided.kind === "later") this.#again.at(decided.at);
      return false;
    }
    const turns = [decided.waiting, ...decided.with].map((waiting) => this.#turns.get(waiting)!);
    const slot = new TurnSlot(slots, turns.length);
    for (const turn of turns) {
      turn.permitted(slot);
      this.#holding.started(turn.waiting.id);
      this.#begins!.permitted(turn);
      this.#permitted++;
      this.#callUps!.isOver(turn.waiting.id);
      this.#reporter.started(turn.waiting.queue);
    }
    this.#buckets!.keep(changed(line), () => this.#begins?.start(turns));
    return true;
  }

  begin(turn: Turn, call: () => void): void {
    // Whoever is not permitted any more finds that out by itself.
    if (this.#begins === null) call();
    else this.#begins.begin([turn], call);
  }

  /** In the clock of this line, which nobody sets. */
  #sinceStart({ tat, at }: { readonly tat: number; readonly at: number }): { tat: number; at: number } {
    const offset = this.#parts.clock.now() - this.#now();
    return { tat: tat - offset, at: at - offset };
  }

  #now(): number {
    return this.#parts.clock.elapsed();
  }
}
