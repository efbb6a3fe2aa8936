/** A run in the memory of the worker that drives it: its state, and what of it is not durable yet. */
import type { Command } from "../core/command.ts";
import type { JournalLine } from "../core/journal-line.ts";
import { pathOf, placeAt } from "../core/path.ts";
import type { Place, RunState } from "../core/state.ts";
import type { ClaimedRun, Send, Then, RunCommit } from "../store/store.ts";
import type { Attempt } from "./attempt.ts";
import { nameOfCall, type ChildCall } from "./child-call.ts";
import type { ContextRun } from "./context.ts";
import { Facts, factsLoaded, mayHaveFacts } from "./facts.ts";
import { Admission } from "./queues/admission.ts";
import { leaveLines } from "./queues/leave-lines.ts";
import type { Turn } from "./queues/turn.ts";
import type { Plan } from "./registry.ts";
import { RunTimers } from "./run-timers.ts";
import type { Upgrading } from "./upgrade-message.ts";
import type { ScriptInMemory } from "./script-in-memory.ts";

/** Bytes of memory that a run and a line of its journal cost beside their texts; measured, rounded up. */
export const RUN_BYTES = 2048;
const LINE_BYTES = 128;

/** Where there is nothing to write or do: one list for all runs, because most are empty most of the time. */
const NOTHING: readonly never[] = [];

const NO_CALLS: ReadonlyMap<string, ChildCall> = new Map();
const NO_TURNS: ReadonlySet<Turn> = new Set();
const NO_SCRIPTS: ReadonlyMap<string, ScriptInMemory> = new Map();

export type Ending = Extract<Then, { kind: "end" }>;

/** What a commit that was not written had. */
type TakenBack = Pick<LiveRun, "lines" | "deferred" | "absorbed" | "parcels" | "settling"> & {
  readonly graph: RunCommit["graph"];
};

export class LiveRun {
  readonly id: string;
  plan: Plan;
  state: RunState;
  readonly context: ContextRun;
  /** The journal's length in the store. */
  journalLength: number;
  /** Lines that the next commit writes. */
  lines: readonly JournalLine[] = NOTHING;
  /** What may be done only once `lines` are durable. */
  deferred: readonly Command[] = NOTHING;
  /** Keys of messages that the next commit takes out of the mail. */
  absorbed: readonly string[] = NOTHING;
  /** The same, to be looked up; null: there are none. */
  #absorbing: Set<string> | null = null;
  /** Messages to other runs that go out with the next commit. */
  parcels: readonly Send[] = NOTHING;
  /** To be called once `lines` are durable, if this worker drives it then. */
  settling: readonly (() => void)[] = NOTHING;
  /** The hash of the graph that the next commit writes the run to be on. */
  movesTo: string | undefined = undefined;
  /** A move to another graph that waits for the journal. */
  upgrading: Upgrading | null = null;
  mailSeen: number;
  clearsDeaths: boolean;
  /** An owner died with it, before this time (ms since 1970); -Infinity: none that is known of. */
  readonly #diedBefore: number;
  ending: Ending | null = null;
  /** Attempts that run or wait for a slot, by the path of their node. */
  readonly attempts = new Map<string, Attempt>();
  #calls: Map<string, ChildCall> | null = null;
  #scripts: Map<string, ScriptInMemory> | null = null;
  /** Scripts whose functions have not come to rest. */
  busyScripts = 0;
  /** It stays in memory until then (ms since 1970) although it only waits: children of it end. */
  lingersUntil = 0;
  /** Takes back what was planned for then. */
  lingersNoMore: (() => void) | null = null;
  /** Of nodes between two attempts, or asleep. */
  readonly timers = new RunTimers(this);
  #facts: Facts | null;
  #turns: Set<Turn> | null = null;
  /** Of a workflow that limits its active runs. */
  readonly admission: Admission | null;
  isDirty = false;
  isCommitting = false;
  /** It is to be parked with the next commit if it still only waits. */
  wantsPark = false;
  /** The commit in flight parks it: nothing of it may start before the answer. */
  isParking = false;
  /** A node of it is open and nobody here works on it: whoever takes the run next has to. */
  wakesNow = false;
  /** It was given up, and claimed again by this worker, before the answer that it was given up came. */
  isClaimedAgain = false;
  /** It is to be parked, whatever of it is open. */
  isGivenBack = false;
  /** Given up, lost or ended: whatever still comes for it is ignored. */
  isGone = false;
  bytes: number;

  /** `at`: now (ms since 1970). */
  constructor(claimed: ClaimedRun, plan: Plan, state: RunState, at: number) {
    this.id = claimed.id;
    this.plan = plan;
    this.state = state;
    this.#facts = mayHaveFacts(state) ? factsLoaded(state) : null;
    this.context = { id: claimed.id, workflow: claimed.workflow, key: claimed.key, tenant: claimed.tenant };
    this.admission = plan.runs === null ? null : new Admission(claimed.journal);
    this.journalLength = claimed.journal.length;
    this.mailSeen = claimed.mail.count;
    this.clearsDeaths = claimed.deaths > 0;
    this.#diedBefore = claimed.deaths > 0 ? at : -Infinity;
    this.bytes = RUN_BYTES + claimed.input.length;
    for (const line of claimed.journal) this.bytes += LINE_BYTES + line.data.length;
  }

  /** Adds a line to what the next commit writes; answers the bytes it costs. */
  write(line: JournalLine): number {
    this.lines = appended(this.lines, line);
    this.upgrading?.since?.push(line);
    const bytes = LINE_BYTES + line.data.length;
    this.bytes += bytes;
    return bytes;
  }

  /** A child is asked for. */
  asks(call: ChildCall): void {
    this.#calls ??= new Map();
    this.#calls.set(nameOfCall(call), call);
  }

  /** Nothing is asked for any more by this call. */
  asksNoMore(call: ChildCall): void {
    const name = nameOfCall(call);
    if (this.#calls?.get(name) === call) this.#calls.delete(name);
  }

  /** Whether its child is being asked for already. */
  isAsking(call: Pick<ChildCall, "path" | "attempt">): boolean {
    return this.calls.has(nameOfCall(call));
  }

  /** Calls whose child is not known to be there yet, those that were given up or are made once more meanwhile included. */
  get calls(): ReadonlyMap<string, ChildCall> {
    return this.#calls ?? NO_CALLS;
  }

  /** The function of a script is in memory. */
  addScript(script: ScriptInMemory): void {
    this.#scripts ??= new Map();
    this.#scripts.set(script.path, script);
  }

  forgetScript({ path }: ScriptInMemory): void {
    this.#scripts?.delete(path);
  }

  /** Scripts whose functions are in memory, by the path of their node. */
  get scripts(): ReadonlyMap<string, ScriptInMemory> {
    return this.#scripts ?? NO_SCRIPTS;
  }

  /** Of attempts that wait for them in queues. */
  get turns(): ReadonlySet<Turn> {
    return this.#turns ?? NO_TURNS;
  }

  /** Attempts that wait in lines. */
  get linedUp(): number {
    return this.turns.size - (this.admission?.isWaiting === true ? 1 : 0);
  }

  waitsFor(turn: Turn): void {
    (this.#turns ??= new Set()).add(turn);
  }

  /** The turn has come, or is waited for no more. */
  hasTurn(turn: Turn): void {
    this.#turns?.delete(turn);
  }

  /** Puts off what follows from lines that are not durable yet. */
  defer(command: Command): void {
    this.deferred = appended(this.deferred, command);
  }

  /** What has come of a body is recorded, and not durable yet; of a run that is given back it may not be recorded. */
  whenDurable(then: () => void): void {
    if (!this.isGivenBack) this.settling = appended(this.settling, then);
  }

  /** More has happened to it than the store knows. */
  get isAhead(): boolean {
    return this.isCommitting || this.lines.length > 0;
  }

  /** The next commit takes this message out of the mail; false: it does so already. */
  absorb(key: string): boolean {
    this.#absorbing ??= new Set();
    if (this.#absorbing.has(key)) return false;
    this.#absorbing.add(key);
    this.absorbed = appended(this.absorbed, key);
    return true;
  }

  /** The next commit writes this message to another run; the store keeps one of that name once. */
  owe(send: Send): void {
    this.parcels = appended(this.parcels, send);
  }

  /** Its lines, what they put off, absorb and owe belong to a commit now. */
  sent(): void {
    this.lines = NOTHING;
    this.deferred = NOTHING;
    this.absorbed = NOTHING;
    this.#absorbing = null;
    this.parcels = NOTHING;
    this.settling = NOTHING;
    this.movesTo = undefined;
  }

  /** What belonged to a commit that was not written belongs to the next one, before what came since. */
  takeBack({ lines, deferred, absorbed, parcels, settling, graph }: TakenBack): void {
    this.movesTo ??= graph;
    this.lines = [...lines, ...this.lines];
    this.deferred = [...deferred, ...this.deferred];
    this.absorbed = [...absorbed, ...this.absorbed];
    this.#absorbing = new Set(this.absorbed);
    this.parcels = [...parcels, ...this.parcels];
    this.settling = [...settling, ...this.settling];
  }

  /** What it is found by; null: the store has nothing of that, and is to have nothing. */
  get facts(): Facts | null {
    if (this.#facts === null && mayHaveFacts(this.state)) this.#facts = new Facts(this.state);
    return this.#facts;
  }

  /** There is something to write of it. */
  get hasNews(): boolean {
    if (this.lines.length > 0 || this.absorbed.length > 0 || this.parcels.length > 0) return true;
    if (this.settling.length > 0) return true;
    return this.facts?.changesTo(this.facts.names) !== undefined;
  }

  /** Nothing of it happens before a timer fires or a message comes. */
  get isIdle(): boolean {
    return (
      this.attempts.size === this.linedUp &&
      this.calls.size === 0 &&
      this.busyScripts === 0 &&
      this.deferred.length === 0 &&
      this.lines.length === 0 &&
      this.absorbed.length === 0 &&
      this.parcels.length === 0 &&
      this.ending === null &&
      !this.isCommitting
    );
  }

  /**
   * Goes on on another graph, in the state that its journal comes to there, in which what is executing and called is open.
   * What is open there is to be asked for anew.
   */
  goesOnWith(plan: Plan, state: RunState): void {
    this.timers.cancelAll();
    leaveLines(this.turns, () => this.#move(plan, state));
  }

  #move(plan: Plan, state: RunState): void {
    for (const [path, attempt] of this.attempts) {
      if (attempt.isRunning) attempt.standsAt(placeAt(state, path)!);
      else {
        attempt.stop(new Error("The run goes on with another graph."));
        this.attempts.delete(path);
      }
    }
    // Each stands in the state that was, and is called anew where it is open.
    for (const script of this.scripts.values()) script.drop();
    this.#scripts = null;
    for (const call of this.calls.values()) call.place = placeAt(state, call.path) ?? call.place;
    this.deferred = NOTHING;
    this.admission?.leave();
    this.ending = null;
    this.plan = plan;
    this.state = state;
    this.#facts?.standIn(state);
    this.movesTo = plan.hash;
  }

  /** A move that waits is left to whoever takes the run next, who has to find it: also a run that was about to end. */
  upgradesLater(): void {
    if (this.upgrading === null) return;
    this.upgrading = null;
    this.ending = null;
    this.wakesNow = true;
  }

  /** Its body may have been called by an owner that died since, of which the journal has nothing. */
  mayHaveCalled({ frame, node }: Place): boolean {
    return frame.readyAt[node.local]! <= this.#diedBefore;
  }

  /** An attempt of this node has its slot here. */
  isAtWork({ frame, node }: Place): boolean {
    return this.attempts.get(pathOf(this.state.compiled, frame, node))?.isRunning === true;
  }

  /** That the attempt at this place was begun is durable. */
  perform({ frame, node }: Place): void {
    this.attempts.get(pathOf(this.state.compiled, frame, node))?.perform();
  }

  /** Stops all that belongs to it here. */
  drop(reason: unknown): void {
    this.isGone = true;
    this.lingersNoMore?.();
    leaveLines(this.turns, () => this.stopAll(reason));
  }

  /** Nothing that is open is worked on any more. */
  stopAll(reason: unknown): void {
    this.timers.cancelAll();
    for (const attempt of this.attempts.values()) attempt.stop(reason);
    for (const script of this.scripts.values()) script.drop();
    this.#scripts = null;
    if (this.attempts.size > 0) this.attempts.clear();
    this.deferred = NOTHING;
    this.admission?.leave();
  }
}

function appended<T>(list: readonly T[], item: T): readonly T[] {
  if (list.length === 0) return [item];
  // It is nobody else's: what belongs to a commit was taken off the run.
  (list as T[]).push(item);
  return list;
}
