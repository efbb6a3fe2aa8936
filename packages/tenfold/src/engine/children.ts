/**
 * Has the children of calls started and told of their parents: what is asked for in one turn of the loop goes out together.
 * Invariants: a child does nothing before it knows its parent, since it is due only then; whatever is sent again is the same
 * run and the same message; what is answered for a run that left memory is dropped, as whoever drives it next sends it
 * again; a child that was started for a call that was given up meanwhile is let go.
 */
import { childDepth, depthProblem, isCalled, openCalled } from "../core/constructs/call.ts";
import type { RunError } from "../core/entry.ts";
import { evaluationError } from "../core/output.ts";
import { pathOf } from "../core/path.ts";
import { isFailing } from "../core/boundaries.ts";
import { bornOf, type Place } from "../core/state.ts";
import { NEVER } from "../core/wake-time.ts";
import { decodedRecord } from "../store/codec/decoded.ts";
import type { RunStart, SendAnswer, StartAnswer, Store } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import type { ChildCall } from "./child-call.ts";
import { prepareChild } from "./child-start.ts";
import { attachment, endOf, farewell, type Returned } from "./family.ts";
import { isClosed, isPassing } from "./passing.ts";
import { calleeGone } from "./held.ts";
import type { LiveRun } from "./live-run.ts";
import type { Ports } from "./ports.ts";
import type { Recorder } from "./recorder.ts";
import type { Registry } from "./registry.ts";
import { refusalOf, type PreparedStart } from "./start.ts";

export interface ChildrenHost {
  readonly ports: Ports;
  readonly store: Store;
  readonly registry: Registry;
  readonly limits: { readonly payloadMax: number };
  startChildren(lane: number, starts: readonly RunStart[]): Promise<readonly StartAnswer[]>;
}

/** The driver, as far as it is told what came of its calls. */
export interface Parent {
  readonly recorder: Recorder;
  hold(run: LiveRun, error: RunError): void;
  /** Something of the run is to be written, or it may be parked. */
  changed(run: LiveRun): void;
}

interface OwnCall extends ChildCall {
  readonly run: LiveRun;
}

interface Prepared extends PreparedStart {
  readonly call: OwnCall;
}

/** A child that is there. */
interface Found extends Prepared {
  readonly child: string;
  /** It was started by others, and may be for later. */
  readonly isJoined: boolean;
}

/** Calls of one verb. */
const CALLS_MAX = 1000;
const RETRY_FIRST_MS = 20;
const RETRY_MAX_MS = 5000;

export class Children {
  readonly #host: ChildrenHost;
  readonly #parent: Parent;
  #queued: Prepared[] = [];
  /** Calls that are asked for again later: how to take that back. */
  readonly #later = new Map<OwnCall, () => void>();
  #isScheduled = false;
  #isDraining = false;

  constructor(host: ChildrenHost, parent: Parent) {
    this.#host = host;
    this.#parent = parent;
  }

  /** Has the child of an open call started, or joined. */
  call(run: LiveRun, place: Place, attempt: number): void {
    const path = pathOf(run.state.compiled, place.frame, place.node);
    if (run.isAsking({ path, attempt })) return;
    const { generation } = bornOf(place.frame, place.node.local);
    const call: OwnCall = { run, place, path, attempt, generation, isSent: false, failures: 0 };
    run.asks(call);
    const tooDeep = depthProblem(run.state, place);
    if (tooDeep !== undefined) return this.#refuse(call, tooDeep);
    try {
      const prepared = this.#prepare(call);
      if (prepared === undefined) return;
      if (!("then" in prepared)) return this.#queue({ ...prepared, call });
      prepared.then(
        (start) => this.#queue({ ...start, call }),
        (thrown: unknown) => this.#refuse(call, evaluationError(thrown, path)),
      );
    } catch (thrown) {
      this.#refuse(call, evaluationError(thrown, path));
    }
  }

  /** Asks for nothing any more: whoever drives the runs next does. */
  drain(runs: Iterable<LiveRun>): void {
    this.#isDraining = true;
    this.close();
    for (const run of runs) {
      for (const call of run.calls.values()) if (!call.isSent) this.#putBack(run, call);
    }
  }

  /** Forgets what was not sent. */
  close(): void {
    this.#queued = [];
    for (const cancel of this.#later.values()) cancel();
    this.#later.clear();
  }

  /** Undefined where the code of the child's workflow is not here: then the run is held. */
  #prepare(call: OwnCall): PreparedStart | PromiseLike<PreparedStart> | undefined {
    const { run, place } = call;
    const { node } = place.node;
    if (node.kind !== "call") throw new TenfoldError("INVARIANT_BROKEN", "Only a call has a child.");
    const { registry, store, limits } = this.#host;
    const definition = registry.find(node.workflow);
    if (definition === undefined) {
      this.#end(call.run, call);
      this.#parent.hold(run, calleeGone(run.context.workflow, node.id, node.workflow));
      return undefined;
    }
    return prepareChild(call, definition, { lanes: store.lanes, payloadMax: limits.payloadMax });
  }

  #queue(prepared: Prepared): void {
    if (this.#isDraining) return this.#putBack(prepared.call.run, prepared.call);
    this.#queued.push(prepared);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#host.ports.clock.soon(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const queued = this.#queued.splice(0);
    // A run that fails starts nothing; retried, it asks again.
    const isOpen = (call: OwnCall): boolean => isAsked(call) && !isFailing(call.place.frame);
    const asked = queued.filter(({ call }) => isOpen(call) || this.#settle(call.run, call));
    for (const [lane, group] of Map.groupBy(asked, (prepared) => prepared.lane)) {
      for (let from = 0; from < group.length; from += CALLS_MAX) {
        void this.#ask(lane, group.slice(from, from + CALLS_MAX));
      }
    }
  }

  async #ask(lane: number, group: readonly Prepared[]): Promise<void> {
    for (const { call } of group) call.isSent = true;
    try {
      const found = await this.#start(lane, group);
      await this.#attach(lane, found.filter((one) => isAsked(one.call) || this.#letGo(one))); // prettier-ignore
    } catch (thrown) {
      if (isClosed(thrown)) return;
      if (!isPassing(thrown)) throw thrown;
      for (const prepared of group) if (prepared.call.isSent) this.#askLater(prepared);
    }
  }

  /** Starts children that nobody drives before a message comes for them; answers those that are there. */
  async #start(lane: number, group: readonly Prepared[]): Promise<readonly Found[]> {
    const starts = group.map(({ start }) => ({ ...start, at: NEVER }));
    const answers = await this.#host.startChildren(lane, starts);
    return group.flatMap((prepared, index): Found[] => {
      const { call, start } = prepared;
      const answer = answers[index]!;
      if (answer.kind === "started") return [{ ...prepared, child: start.id, isJoined: false }];
      if (answer.kind === "existing" && answer.run !== call.run.id)
        return [{ ...prepared, child: answer.run, isJoined: true }];
      if (answer.kind === "locked") this.#askLater(prepared);
      else {
        const error = answer.kind === "existing" ? joinsItself(call) : refusalOf(start, answer);
        this.#refuse(call, evaluationError(error, call.path));
      }
      return [];
    });
  }

  async #attach(lane: number, found: readonly Found[]): Promise<void> {
    if (found.length === 0) return;
    const { store, ports } = this.#host;
    const now = ports.clock.now();
    const sends = found.map(({ child, isJoined, call: { run, path, attempt } }) => {
      const by = { parent: run.id, node: path, attempt };
      return { ...attachment(child, by, childDepth(run.state), now), isPatient: isJoined };
    });
    const answers = await store.send(lane, sends, now);
    const finished = found.filter((one, index) => this.#isFinished(one, answers[index]!));
    if (finished.length > 0) await this.#read(lane, finished);
  }

  /** True where what came of the child has to be read; else the call has its answer. */
  #isFinished(found: Found, answer: SendAnswer): boolean {
    if (answer.kind === "finished") return true;
    if (answer.kind === "sent") this.#called(found, null);
    else this.#refuse(found.call, childGone(found));
    return false;
  }

  async #read(lane: number, finished: readonly Found[]): Promise<void> {
    const kept = await this.#host.store.read(
      lane,
      finished.map(({ child }) => child),
    );
    finished.forEach((found, index) => {
      const record = kept[index] && decodedRecord(null, kept[index]);
      const unread = record?.unread?.find(({ what }) => what !== "input");
      if (record === undefined) return this.#refuse(found.call, childGone(found));
      if (unread !== undefined) return this.#refuse(found.call, evaluationError(unread.error, found.call.path));
      const ended = endOf(record);
      // Somebody had it go on meanwhile: then it is to tell.
      if (ended === null) this.#askLater(found);
      else this.#called(found, ended);
    });
  }

  #called(found: Found, ended: Returned | null): void {
    const { call, child } = found;
    if (call.run.isGone) return;
    if (!isAsked(call)) return void this.#letGo(found);
    this.#end(call.run, call);
    this.#parent.recorder.called(call.run, call, child, ended);
    this.#parent.changed(call.run);
  }

  #refuse(call: OwnCall, error: RunError): void {
    if (!isAsked(call)) return void this.#settle(call.run, call);
    this.#end(call.run, call);
    this.#parent.recorder.refused(call.run, call, { ...error, attempt: call.attempt });
    this.#parent.changed(call.run);
  }

  /** The child is there, and the call was given up meanwhile, or has another one since; false. */
  #letGo({ call, child, start }: Found): false {
    const { run, path, attempt } = call;
    if (isGivenUp(call) && run.ending?.status !== "held" && !run.isGone) {
      const by = { parent: run.id, node: path, attempt };
      run.owe(farewell(child, by, { isJoined: start.id !== child, isLate: true }, this.#host.ports.clock.now()));
    }
    return this.#settle(call.run, call);
  }

  #askLater(prepared: Prepared): void {
    const { call } = prepared;
    call.isSent = false;
    if (!isAsked(call)) return void this.#settle(call.run, call);
    if (this.#isDraining) return this.#putBack(call.run, call);
    const { clock } = this.#host.ports;
    const pauseMs = Math.min(RETRY_FIRST_MS * 2 ** call.failures++, RETRY_MAX_MS);
    const askAgain = (): void => {
      this.#later.delete(call);
      this.#queue(prepared);
    };
    this.#later.set(call, clock.at(clock.now() + pauseMs, askAgain));
  }

  #putBack(run: LiveRun, call: ChildCall): void {
    run.wakesNow = true;
    this.#settle(run, call);
  }

  /** Nothing more is asked for it; false. */
  #settle(run: LiveRun, call: ChildCall): false {
    this.#end(run, call);
    if (!run.isGone) this.#parent.changed(run);
    return false;
  }

  #end(run: LiveRun, call: ChildCall): void {
    call.isSent = false;
    run.asksNoMore(call);
  }
}

/** Whether the run still waits for the child that this attempt is about. */
function isAsked({ run, place, attempt }: OwnCall): boolean {
  if (run.isGone || run.ending !== null || run.state.cancelled !== null) return false;
  const called = openCalled(place);
  return called !== undefined && called.attempt === attempt && called.child === null;
}

/** Nobody asks for its child: a call that is made once more asks for the same one, unless its node was reset. */
function isGivenUp({ place: { frame, node }, attempt, generation }: OwnCall): boolean {
  if (bornOf(frame, node.local).generation !== generation) return true;
  const given = frame.children?.get(node.local);
  return given !== undefined && isCalled(given) && given.attempt === attempt && given.child === null;
}

function joinsItself({ run, path }: OwnCall): TenfoldError {
  return new TenfoldError(
    "CALL_INVALID",
    `${path} calls the workflow "${run.context.workflow}" with the key of its own run ${run.id}, which would wait for itself; no run was started. Give the child an input with a key of its own.`,
    { facts: { run: run.id, node: path } },
  );
}

function childGone({ child, start, call: { path } }: Found): RunError {
  const message = `The run ${child} of workflow "${start.workflow}" that ${path} is to wait for was removed, and what came of it is not known; nothing was started. Prune a child after those that may still call it, or give it another key.`;
  return { code: "CHILD_GONE", message, node: path, attempt: 0 };
}
