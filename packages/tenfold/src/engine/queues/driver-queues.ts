/** The queues, as the driver of one lane asks them. */
import type { Command } from "../../core/command.ts";
import { placeAt } from "../../core/path.ts";
import { RETRYING } from "../../core/state.ts";
import type { StepDefinition } from "../../flow/definition.ts";
import { queueAnswers } from "../../flow/queue-answers.ts";
import type { NewPlace } from "../../store/queues.ts";
import { copyJson } from "../../value/json.ts";
import type { Attempt } from "../attempt.ts";
import { inputOf } from "../body.ts";
import type { LiveRun } from "../live-run.ts";
import type { Ports } from "../ports.ts";
import type { LaneSlots } from "../slots.ts";
import type { Admission } from "./admission.ts";
import { turnIdOf } from "./turn-id.ts";
import type { Dispatchers } from "./dispatchers.ts";
import { armExpiry, expired, expiresAt } from "./expiry.ts";
import { turnedAway } from "./turned-away.ts";
import { PRIORITY_MS, type Queued, type QueuedStep } from "../../core/queues/queue-of.ts";
import { Turn, type Asker } from "./turn.ts";

/** What a run that has begun takes of the rate at which runs begin. */
const GOES_ON = 1e-6;
/** What has waited for long elsewhere waits so long here for others to start with (ms). */
const GATHERS_MS = 50;

/** The driver of the run whose attempt asks. */
export interface AskingDriver {
  readonly ports: Ports;
  readonly slots: LaneSlots;
  readonly runs: ReadonlyMap<string, LiveRun>;
  changed(run: LiveRun): void;
  giveBackOne(run: LiveRun, reason: unknown): void;
}

/** Where a turn stands in its queue, as the functions of the queue told it. */
interface Standing {
  /** Null: the queue has no keys. */
  readonly key: string | null;
  readonly weight: number;
  readonly priority: number;
  readonly cost: number;
  readonly node: string;
  /** When it could begin if there were no queue (ms since 1970). */
  readonly dueAt: number;
  readonly beginsItself: boolean;
  /** Whose body it is called with, for several at once; null: alone. */
  readonly batched: StepDefinition | null;
  /** Since when it waits for others to start with, by the clock of lines. */
  readonly since?: number;
}

/** Who asks, for what its turn is. */
interface Asked extends Pick<Asker, "call" | "coming" | "turnAway" | "whenDurable"> {
  /** It waits: answers how to stop what that began. */
  readonly arm: (turn: Turn) => () => void;
}

export class DriverQueues {
  readonly #dispatchers: Dispatchers;
  readonly #host: AskingDriver;

  constructor(dispatchers: Dispatchers, host: AskingDriver) {
    this.#dispatchers = dispatchers;
    this.#host = host;
  }

  /** Bodies of steps without a queue are called here. */
  get servesPlain(): boolean {
    return this.#dispatchers.servesPlain;
  }

  /** Has the attempt's body called when its turn comes. */
  ask(run: LiveRun, attempt: Attempt<LiveRun>, step: QueuedStep): void {
    const driver = this.#host;
    const input = inputOf(run.state, attempt.place);
    // What has no input fails where any other does.
    if (!input.ok) return driver.slots.take(attempt);
    const answers = queueAnswers(step.name, step.queue, copyJson(input.output));
    const { path, number } = attempt;
    if (!answers.ok) {
      const error = { code: answers.code, message: answers.message, node: path, attempt: number };
      return attempt.refuse({ ok: false, error, isFinal: true, thrown: undefined });
    }
    const { frame, node } = attempt.place;
    // The same for each of its attempts: what was begun is brought to its end before others begin.
    const dueAt = attempt.undo?.since ?? frame.readyAt[node.local]!;
    const madeAt = this.#madeAt(attempt);
    const until = expiresAt(step, attempt, madeAt);
    const { clock } = driver.ports;
    if (until <= clock.now()) return attempt.refuse(expired(step, attempt));
    const { batch } = step.queue;
    // What is taken back is taken back by itself.
    const batched = batch === null || attempt.undo !== null ? null : step;
    const since = batched === null ? {} : { since: this.#gathersSince(madeAt, batch!.waitMs) };
    const standing = { ...answers, node: path, dueAt, beginsItself: batched === null, batched, ...since };
    const turn = this.#turnOf(run, step, standing, {
      // What is taken back is, however many wait.
      coming: attempt.undo === null ? { at: madeAt, isFirst: number === 1 } : null,
      turnAway: (code) => attempt.refuse(turnedAway(code, step, attempt)),
      call: (together) => attempt.call(together),
      arm: (asked) => armExpiry(clock, run, attempt, step, asked, until),
      whenDurable: step.queue.per?.isStrict === true ? (then) => this.#whenDurable(run, then) : null,
    });
    attempt.turn = turn;
    this.#enter(turn, step);
  }

  #whenDurable(run: LiveRun, then: () => void): void {
    run.whenDurable(then);
    this.#host.changed(run);
  }

  /** When this one of the attempts can be made, as far as its node and its retries go (ms since 1970). */
  #madeAt({ place: { frame, node }, undo }: Attempt<LiveRun>): number {
    const readyAt = frame.readyAt[node.local]!;
    return Math.max(readyAt, undo?.at ?? frame.retries?.get(node.local)?.at ?? readyAt);
  }

  /** Those that are called up together are to find each other. */
  #gathersSince(madeAt: number, waitMs: number): number {
    const { clock } = this.#host.ports;
    const waitedMs = Math.min(clock.now() - madeAt, waitMs - Math.min(waitMs, GATHERS_MS));
    return clock.elapsed() - Math.max(0, waitedMs);
  }

  /** Has `admitted` called when the run may be active. */
  #askForRun(run: LiveRun, runs: Queued, admission: Admission, admitted: () => void): void {
    const driver = this.#host;
    const answers = queueAnswers(runs.name, runs.queue, copyJson(run.state.root.outputs[0]));
    // It began before, and takes of the rate as good as nothing.
    const cost = admission.hasBegun ? GOES_ON : 1;
    const standing = answers.ok ? answers : { key: null, weight: 1, priority: 0 };
    if (!answers.ok) driver.ports.log.write("warn", answers.message, { run: run.id });
    const place = { ...standing, cost, node: "", dueAt: run.state.startedAt, beginsItself: false, batched: null };
    const turn = this.#turnOf(run, runs, place, {
      coming: null,
      turnAway: () => {},
      call: () => {
        driver.slots.release();
        admitted();
      },
      arm: () => () => {},
      whenDurable: null,
    });
    admission.turn = turn;
    this.#enter(turn, runs);
  }

  #enter(turn: Turn, queued: Queued): void {
    turn.asker.waits();
    this.#dispatchers.dispatcherOf(queued).ask(turn);
  }

  #turnOf(
    run: LiveRun,
    queued: Queued,
    { key, weight, priority, cost, node, dueAt, beginsItself, batched, since }: Standing,
    { call, coming, turnAway, arm, whenDurable }: Asked,
  ): Turn {
    const driver = this.#host;
    const waiting = {
      ...{ queue: queued.name, key: this.#dispatchers.keyOf(key), cost, weight },
      ...{ rank: dueAt - priority * PRIORITY_MS, id: turnIdOf(run.id, node), isAlone: batched === null },
      ...(since === undefined ? {} : { since }),
    };
    let disarm = (): void => {};
    const turn: Turn = new Turn(this.#dispatchers.dispatcherOf(queued), waiting, node, {
      slots: driver.slots,
      beginsItself,
      batched,
      waits: () => {
        run.waitsFor(turn);
        disarm = arm(turn);
      },
      waitsNoMore: () => {
        run.hasTurn(turn);
        disarm();
      },
      call,
      coming,
      whenDurable,
      isLeft: () => run.isGone || run.isGivenBack,
      turnAway: (code) => {
        turn.gaveUp();
        turnAway(code);
      },
      isLate: () => driver.changed(run),
      revoke: (reason) => driver.giveBackOne(run, reason),
    });
    return turn;
  }

  /** Whether a body of the run may be asked for now; if not, `command` is held back until it may. */
  admits(run: LiveRun, command: Command, perform: (commands: readonly Command[]) => void): boolean {
    const { admission } = run;
    // Whoever serves pools alone has runs that others have let begin, and gives them back.
    if (admission === null || admission.isAdmitted || !this.servesPlain) return true;
    // Those that are active may be the ones that wait for it, in a strict order.
    if (this.#dispatchers.waitsFor(run.id)) return true;
    admission.holdBack(command);
    if (admission.turn === null) {
      this.#askForRun(run, run.plan.runs!, admission, () => {
        perform(admission.admit());
        this.rests(run);
      });
    }
    return false;
  }

  /** The run gives its place back if no body of it runs, waits for its turn or is about to be asked for. */
  rests(run: LiveRun): void {
    if (run.admission?.isAdmitted === true && run.attempts.size === 0 && run.isIdle) run.admission.leave();
  }

  /** As a `CallingLane` tells it. */
  mayCome(run: string, node: string): boolean | null {
    const live = this.#host.runs.get(run);
    if (live === undefined) return null;
    if (live.attempts.has(node) || live.timers.has(node) || live.isAhead) return true;
    // The run asks as a whole.
    if (node === "") return !live.isIdle || live.admission?.isWaiting === true;
    const place = placeAt(live.state, node);
    const waits = place?.frame.waits[place.node.local];
    return waits === 0 || waits === RETRYING;
  }

  /** The places of a run that is being parked: none of its turns comes from now on. */
  placesOf(run: LiveRun): readonly NewPlace[] {
    const places = this.#dispatchers.placesOf(run);
    const turns = [...run.turns];
    for (const turn of turns) turn.goAway();
    for (const turn of turns) turn.lineGoesOn();
    return places;
  }

  /** It was not parked. */
  stays(run: LiveRun): void {
    for (const turn of run.turns) turn.comeBack();
  }

  /** Nothing of it comes any more. */
  ended(run: LiveRun): void {
    this.#dispatchers.ended(run.id);
  }

  /** It was, with these places. */
  parked(run: string, places: readonly NewPlace[]): void {
    this.#dispatchers.parked(run, places);
  }
}
