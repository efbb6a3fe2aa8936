/**
 * Decides, for queues that share a limit, whose turn it is: the owner of their line.
 * Invariants: nobody starts without its word, and it gives it only while it owns the line; how many run is how many turns are permitted
 * here; one that is permitted has a slot, those of a batch one together; its body begins when its bucket is kept (`begins.ts` says when).
 */
import { changed } from "../../core/queues/limit-changes.ts";
import type { Line, Waiting } from "../../core/queues/line-state.ts";
import { isFirstOfKey, join, leave, next, spent } from "../../core/queues/line.ts";
import type { Lease, Store } from "../../store/store.ts";
import type { OwnedQueue, Place } from "../../store/queues.ts";
import type { Clock } from "../ports.ts";
import { Backlogs, type BacklogsHost } from "./backlogs.ts";
import type { LaneSlots } from "../slots.ts";
import { UNSURE_MS } from "./begins.ts";
import { CallUps, type CallUpsHost } from "./call-ups.ts";
import type { Holder } from "./let-go.ts";
import { LineReporter, type LineReport } from "./line-report.ts";
import { LineSteering, type LineSteeringParts } from "./line-steering.ts";
import { OwnedLine, type OwnedLineParts } from "./owned-line.ts";
import { ServeAgain } from "./serve-again.ts";
import { placeOfTurn } from "./turn-id.ts";
import { TurnSlot } from "./turn-slot.ts";
import type { Turn, TurnHost } from "./turn.ts";

/** The first of their keys have as much room again as all the others. */
const FIRSTS_BESIDE = 2;

export interface DispatcherParts
  extends LineSteeringParts, Pick<CallUpsHost, "workflows" | "lanes" | "linedUpMax">, Pick<BacklogsHost, "backlogOf"> {
  readonly store: Store;
  readonly clock: Clock;
  readonly isStrict: OwnedLineParts["isStrict"];
  /** Of the lane that the line is owned in. */
  readonly slots: LaneSlots;
  /** Nobody else can own the line now. */
  readonly isSure: () => boolean;
  /** Who decides, for people. */
  readonly worker: string;
  readonly isHeeded: () => boolean;
}

export class Dispatcher implements TurnHost, Holder {
  readonly name: string;
  readonly #parts: DispatcherParts;
  /** Those that wait, or are permitted. */
  readonly #turns = new Map<Waiting, Turn>();
  /** The last one of each name. */
  readonly #byId = new Map<string, Turn>();
  /** Null: others own its line. */
  #owned: OwnedLine | null = null;
  #callUps: CallUps | null = null;
  #permitted = 0;
  #isServing = false;
  readonly #again: ServeAgain;
  readonly #steering: LineSteering;
  readonly #reporter: LineReporter;
  readonly #backlogs: Backlogs;

  constructor(parts: DispatcherParts) {
    this.name = parts.name;
    this.#parts = parts;
    this.#steering = new LineSteering(parts);
    this.#again = new ServeAgain(parts, () => this.serve());
    const isThere = (id: string): boolean => this.#byId.has(id) || this.#callUps?.hasCalled(id) === true;
    this.#backlogs = new Backlogs({ ...parts, turns: this.#turns, isThere });
    this.#reporter = new LineReporter(parts, () => {
      const [turns, limits, backlogs] = [this.#turns.values(), this.#steering.limits, this.#backlogs];
      return this.#owned && { line: this.#owned.line, lease: this.#owned.lease, turns, limits, backlogs };
    });
  }

  get isOwner(): boolean {
    return this.#owned !== null;
  }

  get #line(): Line | null {
    return this.#owned?.line ?? null;
  }

  /** Nobody waits here that is known of. */
  get isIdle(): boolean {
    return this.#turns.size === 0 && this.#callUps?.isIdle !== false;
  }

  get awaited(): IteratorObject<Waiting> {
    return this.#owned?.holding.all ?? [].values();
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
  owns(lease: Lease, queue: OwnedQueue): void {
    if (this.#owned !== null) return;
    this.#steering.set(queue.settings);
    const host = {
      unused: (turn: Turn): void => this.unused(turn),
      holds: (waiting: Waiting): void => this.#callUps?.holds(waiting),
      letsGo: (waiting: Waiting): void => this.#callUps?.letsGo(waiting),
    };
    const { line } = (this.#owned = new OwnedLine({ ...this.#parts, ...host }, this.#steering.limits, lease, queue));
    this.#steering.pause(line);
    this.#backlogs.owns(queue.wasUsed);
    for (const turn of this.#turns.values()) if (turn.state === "waits") join(line, turn.waiting);
    this.#callUp();
    // They come back from wherever they were.
    for (const waiting of this.awaited) this.urge(placeOfTurn(waiting));
    this.serve();
    for (const turn of [...this.#turns.values()]) this.#backlogs.comes(turn);
  }

  /** There are other queues, or limits, than before. */
  changed(): void {
    if (this.#owned === null) return;
    this.#callUps!.close();
    this.#callUp();
    this.#change(this.#owned);
  }

  /** This is what people want of its queues now. */
  set(settings: string | null): void {
    if (this.#owned !== null && this.#steering.set(settings)) this.#change(this.#owned);
  }

  #change(owned: OwnedLine): void {
    owned.change(this.#steering.limits);
    this.#steering.pause(owned.line);
    this.serve();
  }

  #callUp(): void {
    const isAsking = (id: string): boolean => this.#byId.has(id);
    const heldFor = (id: string): Waiting | undefined => this.#owned?.holding.of(id);
    const doesNotCome = (waiting: Waiting): void => this.doesNotCome(waiting);
    const awaited = [...this.awaited];
    const host = { ...this.#parts, backlogs: this.#backlogs, isAsking, heldFor, awaited, doesNotCome };
    this.#callUps = new CallUps(host, this.#parts.queues(), this.#steering.limits);
    void this.#callUps.open();
  }

  /** A run was parked with this place. */
  told(place: Place): void {
    this.#callUps?.told([place]);
  }

  /** Others may have parked some; `isWhole`: looks at all that there is, since what it was to be told may be lost. */
  look(isWhole: boolean): void {
    for (const turn of this.#turns.values()) if (turn.isLate) turn.asker.isLate();
    void this.#callUps?.look().then(() => this.#backlogs.count(isWhole));
    if (isWhole) void this.#callUps?.open();
  }

  /** Calls nobody up any more. */
  stop(): void {
    this.#callUps?.close();
    this.#reporter.stop();
  }

  /** Another one may decide from now on. */
  lost(): void {
    if (this.#owned === null) return;
    this.#owned.close();
    this.#owned = null;
    this.#callUps?.close();
    this.#callUps = null;
    this.#again.cancel();
    this.#reporter.lost();
    this.#backlogs.lost();
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
    this.#backlogs.comes(turn);
  }

  /** Its turn comes so late that it waits in the store. The first of a key comes soon, also where others have a long line. */
  #isLate(line: Line, { waiting }: Turn): boolean {
    if (this.#owned!.holding.of(waiting.id) !== undefined) return false;
    const most = this.#parts.linedUpMax * (isFirstOfKey(line, waiting) ? FIRSTS_BESIDE : 1);
    return this.#turns.size - this.#permitted > most || this.#callUps!.mayBeAhead(waiting);
  }

  isHeldBack({ waiting }: Turn): boolean {
    return this.#owned?.isHeldBack(waiting) === true;
  }

  left(turn: Turn): void {
    this.#owned?.holding.gaveUp(turn.waiting);
    this.goes(turn);
    this.serve();
  }

  /** It comes again: its key goes on waiting for it, if it did. */
  goes(turn: Turn): void {
    if (this.#line !== null) leave(this.#line, turn.waiting);
    this.#backlogs.left(turn);
    this.#forget(turn);
  }

  settled(turn: Turn, spentAmount: number | null, comesAgain: boolean): void {
    const { waiting } = turn;
    this.#isOver(turn, comesAgain && this.#parts.isStrict(waiting.queue));
    this.#backlogs.settled(turn);
    if (spentAmount !== null) {
      spent(this.#line!, waiting, spentAmount - waiting.cost);
      this.#owned!.begins.spent(waiting, spentAmount - waiting.cost);
    }
    this.serve();
  }

  /** It was permitted, and its body is not called. */
  unused(turn: Turn): void {
    this.#isOver(turn, false);
    this.#backlogs.unused(turn);
    spent(this.#line!, turn.waiting, -turn.waiting.cost);
    turn.leavesSlot();
    this.serve();
  }

  /** `holds`: its key waits for its next attempt. */
  #isOver(turn: Turn, holds: boolean): void {
    this.#forget(turn);
    this.#permitted--;
    if (holds) {
      this.#owned!.holding.hold(turn.waiting, this.#now(), this.#byId.get(turn.waiting.id)?.waiting);
      // Its run was lost while its body went on: it may wait in the store by now.
      if (turn.asker.isLeft()) this.urge(placeOfTurn(turn.waiting));
    } else this.#owned!.holding.isOver(turn.waiting, this.#now());
  }

  /** Nothing of the run comes any more: its keys go on. */
  ended(run: string): void {
    this.#owned?.holding.ended(run);
    this.serve();
  }

  urge(place: Place): void {
    this.#callUps?.urge(place);
  }

  doesNotCome(waiting: Waiting): void {
    this.#owned?.holding.gaveUp(waiting);
    this.serve();
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
    this.#owned?.begins.isOver(turn);
    if (this.#byId.get(waiting.id) === turn) this.#byId.delete(waiting.id);
    this.#callUps?.isOver(waiting.id);
  }

  slow({ waiting }: Turn, forMs: number): void {
    // Who shares a limit calls the same.
    this.#owned?.slow(this.#steering.limits.shared === null ? waiting.queue : null, forMs);
  }

  /** Permits whoever may start now, as long as there are slots. */
  serve(): void {
    if (this.#isServing || this.#line === null) return;
    this.#isServing = true;
    try {
      while (this.#owned !== null && this.#serveOne(this.#owned));
    } finally {
      this.#isServing = false;
    }
    this.#callUps?.stock();
    this.#reporter.stir();
  }

  /** False: nobody may start now. */
  #serveOne({ line, begins, keeper, holding }: OwnedLine): boolean {
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
      begins.permitted(turn);
      this.#backlogs.permitted(turn);
      this.#permitted++;
      this.#callUps!.isOver(turn.waiting.id);
      this.#reporter.started(turn.waiting.queue);
    }
    const waits = turns.flatMap(({ waiting }) => holding.started(waiting, this.#parts.isStrict(waiting.queue)));
    keeper.keep(changed(line), waits, () => this.#owned?.begins.start(turns));
    return true;
  }

  begin(turn: Turn, call: () => void): void {
    // Whoever is not permitted any more finds that out by itself.
    if (this.#owned === null) call();
    else this.#owned.begin(turn, call);
  }

  #now(): number {
    return this.#parts.clock.elapsed();
  }
}
