/** One attempt that asks for its turn in a queue: what its dispatcher knows of it, from when it asks until its body has settled. */
import type { Coming } from "../../core/queues/backlog.ts";
import type { Waiting } from "../../core/queues/line-state.ts";
import type { StepDefinition } from "../../flow/definition.ts";
import type { Place } from "../../store/queues.ts";
import type { AttemptTurn } from "../attempt.ts";
import type { BatchCall } from "../batch-call.ts";
import type { LaneSlots } from "../slots.ts";
import type { TurnSlot } from "./turn-slot.ts";

/** The attempt, as its dispatcher sees it. */
export interface Asker {
  readonly slots: LaneSlots;
  /** Something may come between its call and its body: it asks once more, when that may begin. */
  readonly beginsItself: boolean;
  /** Whose body is called for several attempts at once; null: for this one alone. */
  readonly batched: StepDefinition | null;
  /** Calls `then` once what came of its body is durable, if it ever is; null: its queue does not wait for that. */
  readonly whenDurable: ((then: () => void) => void) | null;
  /** Null: however many wait, it is not turned away. */
  readonly coming: Coming | null;
  /** It waits, again. */
  waits(): void;
  /** It waits no more: it is permitted, or will not be. */
  waitsNoMore(): void;
  /** It was permitted, and has a slot: calls the body, or has it called with those of the batch. */
  call(batch: BatchCall | null): void;
  /** Its run is given up here: what comes of its body is not heard. */
  isLeft(): boolean;
  /** Too many wait: it fails. */
  turnAway(code: "QUEUE_FULL" | "QUEUE_DROPPED"): void;
  /** It will not be soon: its run is to leave memory, if that only waits for such turns. */
  isLate(): void;
  /** Others may be permitted in its place from now on: its body is stopped, and the attempt made anew. */
  revoke(reason: Error): void;
}

/** Whoever decides whose turn it is. */
export interface TurnHost {
  isHeldBack(turn: Turn): boolean;
  left(turn: Turn): void;
  /** It does not wait for now. */
  goes(turn: Turn): void;
  serve(): void;
  settled(turn: Turn, spent: number | null, comesAgain: boolean): void;
  /** Its key waits for it no more. */
  doesNotCome(waiting: Waiting): void;
  ask(turn: Turn): void;
  slow(turn: Turn, forMs: number): void;
  unused(turn: Turn): void;
  begin(turn: Turn, call: () => void): void;
}

export class Turn implements AttemptTurn {
  readonly waiting: Waiting;
  readonly asker: Asker;
  /** What is known of the run elsewhere: its place while it is parked. */
  readonly place: Omit<Place, "run">;
  /** "waits" in the line; "away": out of it, while its run is being parked; "given back": out of it, until it asks again; "permitted", with a slot, until it is "called". */
  state: "waits" | "away" | "given back" | "permitted" | "called" | "over" = "waits";
  /** It will not come soon. */
  isLate = false;
  readonly #host: TurnHost;
  /** Of one that is permitted. */
  #slot: TurnSlot | null = null;

  constructor(host: TurnHost, waiting: Waiting, node: string, asker: Asker) {
    this.#host = host;
    this.waiting = waiting;
    this.asker = asker;
    const { queue, key, rank, cost, weight } = waiting;
    this.place = { queue, key, rank, node, cost, weight };
  }

  /** As of an attempt; or it is not called any more. */
  over(spent: number | null = null, comesAgain = false): void {
    const { state } = this;
    this.state = "over";
    this.asker.waitsNoMore();
    if (state === "called") this.#settle(spent, comesAgain);
    else if (state === "permitted") this.#host.unused(this);
    else if (state === "waits") this.#host.left(this);
  }

  /** In a strict order its key goes on once it has not to be done again; its places are free. */
  #settle(spent: number | null, comesAgain: boolean): void {
    const { whenDurable } = this.asker;
    this.#host.settled(this, spent, comesAgain || whenDurable !== null);
    if (!comesAgain) whenDurable?.(() => this.#host.doesNotCome(this.waiting));
  }

  /** Its body was told to come later: nothing of its queue starts before. */
  slow(forMs: number): void {
    this.#host.slow(this, forMs);
  }

  begin(call: () => void): void {
    this.#host.begin(this, call);
  }

  /** Who permitted it decides no more, or anew. */
  disowned(): void {
    this.state = "over";
    this.asker.waitsNoMore();
  }

  /** It has a slot from now on; those of a batch have it together. */
  permitted(slot: TurnSlot): void {
    this.state = "permitted";
    this.#slot = slot;
    this.asker.waitsNoMore();
  }

  /** Its body, or that of the batch, has the slot. */
  called(batch: BatchCall | null): void {
    this.state = "called";
    this.#slot = null;
    this.asker.call(batch);
  }

  /** It was permitted, and is not called. */
  leavesSlot(): void {
    this.#slot?.leaves();
    this.#slot = null;
  }

  /** What it was permitted it cannot use now. */
  takenBack(): void {
    this.state = "given back";
    this.asker.waits();
  }

  /** What it gave back it may use now; if its run was parked meanwhile, that one's next turn asks. */
  asksAgain(): void {
    if (this.state === "given back") this.#ask();
  }

  /** Its key waits for another one, which may wait for its run elsewhere. */
  get isHeldBack(): boolean {
    return this.#host.isHeldBack(this);
  }

  comesLate(): void {
    this.isLate = true;
    this.asker.isLate();
  }

  gaveUp(): void {
    this.over(null);
  }

  /** Its run is being parked: nothing of it may start before that is answered. `lineGoesOn` once all of the run's are away. */
  goAway(): void {
    const { state } = this;
    if (state !== "waits" && state !== "given back") return;
    this.state = "away";
    if (state === "waits") this.#host.goes(this);
  }

  lineGoesOn(): void {
    this.#host.serve();
  }

  /** Its run was not parked. */
  comeBack(): void {
    if (this.state === "away") this.#ask();
  }

  #ask(): void {
    this.state = "waits";
    this.isLate = false;
    this.#host.ask(this);
  }
}
