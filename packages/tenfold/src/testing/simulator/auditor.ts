/**
 * Watches a simulation from outside of the engine: what was accepted, which bodies were called when and by whom, and
 * what the store then held; compares it with the promises and with the interpreter's answer.
 * Invariant: it reads the store's rows and its own notes; it never asks the engine what it thinks.
 */
import { compileGraph, type CompiledGraph } from "../../core/compile.ts";
import type { Entry, FailedEntry } from "../../core/entry.ts";
import { readLine } from "../../core/journal-line.ts";
import { placeAt } from "../../core/path.ts";
import { begunOf, checkGraph, checkTimes } from "./journal-laws.ts";
import { replay } from "../../core/reduce.ts";
import { RETRYING, type RunState } from "../../core/state.ts";
import type { WorkflowDefinition } from "../../flow/definition.ts";
import { canonicalJson, type Json } from "../../value/json.ts";
import { FINISHED, type RunRecord, type RunStatus } from "../../store/store.ts";
import { Family, isDormant } from "./family.ts";
import type { FateOfChild } from "./fates.ts";
import type { Expected } from "./interpreter.ts";
import { withoutErrors } from "./answer.ts";
import { checkOnce, whatCameOf, type BodyCall } from "./body-call.ts";
import type { OpenBook } from "./open-book.ts";
import { Effects } from "./effects.ts";
import { Undoing, type UndoCall } from "./undoing.ts";
import { pathOfCall } from "./random-script.ts";
import {
  askedApprovals,
  askedDoubts,
  awaitedSignals,
  type AskedApproval,
  type AskedDoubt,
  type AwaitedSignal,
} from "./waits.ts";
import { Violation } from "./violation.ts";
import { checkFiles } from "./written-files.ts";

/** Milliseconds by which a process's clock may be off. */
const CLOCK_SLACK_MS = 500;

export class Auditor {
  readonly #book: OpenBook;
  readonly #compiled = new Map<string, CompiledGraph>();
  readonly #expected: (row: RunRecord, childOf: FateOfChild) => Expected;
  readonly family: Family;
  readonly #undoing: Undoing;
  readonly #effects: Effects;
  readonly #calls = new Map<string, BodyCall[]>();
  /** Runs whose start was answered, and those that somebody cancelled. */
  readonly accepted = new Set<string>();
  readonly cancelled = new Set<string>();
  /** The ids of signals that were accepted, by their run. */
  readonly #signals = new Map<string, Set<string>>();
  /** Runs as they were when they were removed. */
  readonly #pruned = new Map<string, RunRecord>();
  bodies = 0;

  constructor(
    book: OpenBook,
    workflows: readonly WorkflowDefinition[],
    expected: (row: RunRecord, childOf: FateOfChild) => Expected,
  ) {
    this.#book = book;
    this.#undoing = new Undoing(book);
    this.#effects = new Effects(book);
    this.family = new Family(book, this.#undoing);
    this.#expected = expected;
    for (const { hash, graph } of workflows) this.#compiled.set(hash, compileGraph(graph));
  }

  /** A caller was told that this run is started. */
  accept(run: string): void {
    this.accepted.add(run);
    if (!this.#isKnown(run)) throw new Violation("`start` resolves only after the run is durable", { run });
  }

  /** A sender was told that this signal will reach its run. */
  signalled(run: string, id: string): void {
    this.#signals.set(run, (this.#signals.get(run) ?? new Set()).add(id));
  }

  /** Somebody is removing this run, which has ended; answers what to call when that was done. */
  prune(row: RunRecord): () => void {
    this.#checkRun(row);
    this.family.prune(row);
    return () => void this.#pruned.set(row.id, row);
  }

  #isKnown(run: string): boolean {
    return this.#book.record(run) !== undefined || this.#pruned.has(run);
  }

  /** A body is being called. */
  called(call: BodyCall): void {
    this.bodies++;
    const name = `${call.run} ${call.node}`;
    const before = this.#calls.get(name) ?? [];
    this.#calls.set(name, [...before, call]);
    for (const earlier of before) {
      const isSame = earlier.key === call.key;
      if (!isSame && this.#undoing.resets(call.run) === 0)
        throw new Violation("each attempt has the same key", { earlier, call });
      if (isSame && earlier.readyAt !== call.readyAt && this.#undoing.resets(call.run) === 0)
        throw new Violation("each attempt has the same now", { earlier, call });
    }
    if (call.isOnce) checkOnce(call, before, this.#book.journal(call.run));
    if (!this.#book.isAlive(call.owner)) return;
    for (const earlier of before) {
      const overlaps = earlier.endedAt > call.at && !earlier.wasStopped && this.#book.isAlive(earlier.owner);
      if (overlaps)
        throw new Violation("a body runs again only if its worker died, was fenced, timed out, or it threw", {
          earlier,
          call,
        });
    }
    this.#checkDurable(call);
    if (call.isTx) this.#effects.called(call);
    this.#undoing.checkKey(call.run, call.node, call.key);
  }

  /** An undo is being called. */
  undoes(call: UndoCall, owner: string): void {
    if (!this.#book.isAlive(owner)) return;
    const row = this.#book.record(call.run);
    if (row?.owner !== owner) throw new Violation("an undo is called only by the run's owner", { call, owner });
    this.#undoing.called(call, this.#replay(row));
  }

  /** What became of an attempt, as somebody finds it who looks; null: its body may be at work. */
  lookUp(run: string, node: string, attempt: number): { readonly answer: Json | undefined } | null {
    return whatCameOf(this.#calls.get(`${run} ${node}`) ?? [], attempt);
  }

  /** What led to the call stands in the store: its node is open there, this is its next attempt, and it is due. */
  #checkDurable(call: BodyCall): void {
    const row = this.#book.record(call.run);
    if (row === undefined) throw new Violation("a body is called only for a run that is durable", { call });
    if (row.owner !== call.owner)
      throw new Violation("a body is called only by the run's owner", { call, owner: row.owner });
    const state = this.#replay(row);
    const place = placeAt(state, call.node);
    const waits = place?.frame.waits[place.node.local];
    if (place === undefined || (waits !== 0 && waits !== RETRYING)) {
      throw new Violation(
        "a successor starts only after its input is durable, and a recorded result is never computed again",
        { call, waits },
      );
    }
    const retry = place.frame.retries?.get(place.node.local);
    const next = retry === undefined ? 1 : retry.before + retry.attempts + 1;
    if (call.attempt !== next) throw new Violation("attempts are numbered by what was recorded", { call, next });
    // A clock may be set back after the attempt was asked for, and before its turn or its transaction came.
    if (waits === RETRYING && Math.max(call.clock, call.at) < retry!.at)
      throw new Violation("a retry waits for its time", { call, due: retry!.at });
  }

  /** What a run waits for from outside. */
  waits(row: RunRecord): {
    readonly signals: readonly AwaitedSignal[];
    readonly approvals: readonly AskedApproval[];
    readonly doubts: readonly AskedDoubt[];
  } {
    const state = this.#replay(row);
    return { signals: awaitedSignals(state), approvals: askedApprovals(state), doubts: askedDoubts(state) };
  }

  /** A run is found by the approvals that it waits for, as long as it does, and by where it failed, as long as it has. */
  checkFacts(row: RunRecord): void {
    // What nothing was written of since its start, or since it was told to go on, has them with the next commit.
    if (this.#book.mailCount(row.id) > 0 || this.#book.journal(row.id).length === 0) return;
    const found = [...this.#book.attributes(row.id).keys()];
    const isAsked = !FINISHED.has(row.status) && askedApprovals(this.#replay(row)).length > 0;
    if (found.includes("tenfold.approval") !== isAsked)
      throw new Violation("a run is found by the approvals that it waits for", { run: row.id, found, isAsked });
    const isUnsure = !FINISHED.has(row.status) && askedDoubts(this.#replay(row)).length > 0;
    if (found.includes("tenfold.unsure") !== isUnsure)
      throw new Violation("a run is found by what may have happened in it", { run: row.id, found, isUnsure });
    const failedAt = found.filter((name) => name.startsWith("tenfold.failed-at."));
    const { node } = JSON.parse(row.error ?? "{}") as { node?: string };
    const expected = row.status === "failed" ? [`tenfold.failed-at.${node?.replaceAll(/\[\d+\]/g, "")}`] : [];
    if (failedAt.join() !== expected.join())
      throw new Violation("a run is found by the node at which it failed", { run: row.id, failedAt, expected });
  }

  #replay(row: RunRecord): RunState {
    const compiled = this.#compiled.get(row.graph)!;
    return replay(compiled, begunOf(row), this.#book.journal(row.id).map(readLine));
  }

  /** Every run that there ever was. */
  get rows(): readonly RunRecord[] {
    return [...this.#pruned.values(), ...this.#book.records()];
  }

  /** Nobody's mail waits for a time: a run that nobody owns and that has mail is due, and a finished one has none. */
  checkRows(now: number): void {
    for (const { id: run, status, owner, wakeAt, error } of this.#book.records()) {
      if (status === "held" && error!.includes('"JOURNAL_UNREADABLE"'))
        throw new Violation("every journal can be replayed", { run, error });
      // Nobody deploys other code of a script here.
      if (status === "held" && error!.includes('"SCRIPT_CHANGED"'))
        throw new Violation("a script makes the calls again that are recorded of it", { run, error });
      if (this.#book.mailCount(run) === 0) continue;
      if (FINISHED.has(status)) throw new Violation("a run does not end with mail unread", { run, status });
      // What is for one that was started for later waits with it.
      if (status !== "waiting" && owner === null && (wakeAt === null || wakeAt > now + CLOCK_SLACK_MS)) {
        throw new Violation("a message makes its run due at once", { run, status, wakeAt, now });
      }
    }
  }

  /** Everything must have come to its end, and to the right one. */
  checkEnd(): void {
    this.family.check();
    const keys = new Set<string>();
    for (const run of this.accepted) {
      if (!this.#isKnown(run)) throw new Violation("an accepted run is never lost", { run });
    }
    for (const row of this.rows) {
      const key = JSON.stringify([row.workflow, row.tenant, row.key]);
      if (row.key !== null && keys.has(key)) throw new Violation("the same key is one run", { run: row.id, key });
      keys.add(key);
    }
    for (const row of this.#book.records()) {
      const { id: run, status, wakeAt, owner, deaths, error } = row;
      if (isDormant(row)) continue;
      if (!FINISHED.has(status)) {
        const isOwnerAlive = owner !== null && this.#book.isAlive(owner);
        const journal = this.#book.journal(run).map(({ kind, node }) => `${kind} ${node}`);
        throw new Violation("once the faults end, every run comes to its end", {
          run,
          status,
          wakeAt,
          owner,
          isOwnerAlive,
          deaths,
          error,
          journal,
          places: this.#book.places(run),
        });
      }
      this.#checkRun(row);
    }
  }

  #checkRun(row: RunRecord): void {
    const expected = this.#expected(row, (parent, path) => this.family.fateOf(parent, path));
    const entries = this.#book.journal(row.id).map(readLine);
    const facts = { run: row.id, status: row.status, error: row.error };
    this.#checkJournal(row, entries, expected);
    this.#undoing.checkRun(row, this.#compiled.get(row.graph)!);
    this.checkFacts(row);
    checkTimes(this.#compiled.get(row.graph)!, row, entries);
    this.#checkSignals(row, entries);
    const callsOf = (node: string): readonly BodyCall[] => this.#calls.get(`${row.id} ${node}`) ?? [];
    const wrote = (node: string, number: number): boolean =>
      callsOf(node).some(({ attempt, wroteFile }) => attempt === number && wroteFile);
    checkFiles(this.#book, row.id, entries, wrote);
    this.#effects.checkRun(row.id, entries, (node) => callsOf(node).some(({ isTx }) => isTx));
    checkGraph(row, entries);
    const allowed = new Set<RunStatus>([expected.failures.size > 0 ? "failed" : "completed"]);
    if (this.cancelled.has(row.id) || this.family.isDisowned(row.id)) allowed.add("cancelled");
    if (!allowed.has(row.status))
      throw new Violation("a run ends as its graph and its bodies say", { ...facts, allowed: [...allowed] });
    if (row.status === "failed") {
      const { node } = JSON.parse(row.error ?? "{}") as { node?: string };
      if (!expected.failures.has(pathOfCall(node ?? "")))
        throw new Violation("a run fails at a node that fails", facts);
      return;
    }
    if (row.status !== "completed") return;
    const output = row.output === null ? undefined : (JSON.parse(row.output) as Json);
    if (canonicalJson(withoutErrors(output)) !== canonicalJson(withoutErrors(expected.output))) {
      throw new Violation("a run's output is what the interpreter finds", {
        ...facts,
        output,
        expected: expected.output,
      });
    }
    const done = new Set(entries.flatMap((entry) => (isResult(entry) ? [pathOfCall(entry.node)] : [])));
    for (const node of expected.done)
      if (!done.has(node)) throw new Violation("every node of a completed run is done", { ...facts, node });
  }

  /** Each that was accepted is in the journal, went to one node at most, and to one that waited as soon as it did. */
  #checkSignals(row: RunRecord, entries: readonly Entry[]): void {
    const facts = { run: row.id };
    const compiled = this.#compiled.get(row.graph)!;
    const came = new Map<string, { readonly signal: string; readonly for: string | null }>();
    const { signals } = replay(compiled, begunOf(row), entries, (state, entry) => {
      if (entry.kind === "signalled") came.set(entry.message, entry);
      if (came.size === 0 || state.cancelled !== null || state.root.failure !== null) return;
      const received = new Set(state.signals?.received.map(({ message }) => message));
      const kept = [...came].filter(([message]) => !received.has(message)).map(([, signal]) => signal);
      for (const wait of awaitedSignals(state)) {
        const isKept = kept.some(({ signal, for: whom }) => signal === wait.signal && whom === wait.for);
        if (isKept) throw new Violation("what waits for a signal that came has it", { ...facts, entry, wait });
      }
    });
    for (const id of this.#signals.get(row.id) ?? []) {
      if (![...came.keys()].some((message) => message.endsWith(` ${id}`)))
        throw new Violation("a signal that was accepted reaches its run", { ...facts, id });
    }
    const received = signals?.received ?? [];
    if (new Set(received.map(({ message }) => message)).size < received.length)
      throw new Violation("a signal goes to one node", { ...facts, received });
  }

  #checkJournal(row: RunRecord, entries: readonly Entry[], expected: Expected): void {
    const { id: run } = row;
    const isReset = this.#undoing.resets(run) > 0;
    const done = new Set<string>();
    const failures = new Map<string, FailedEntry>();
    const messages = new Set<string>();
    const asked = new Map<string, number>();
    for (const entry of entries) {
      if ("message" in entry) {
        if (messages.has(entry.message))
          throw new Violation("a message is absorbed once", { run, message: entry.message });
        messages.add(entry.message);
      }
      if (entry.kind === "failed") failures.set(entry.node, entry);
      if (entry.kind === "asked") {
        const { node, call } = entry;
        // A script that was reset is called anew.
        const isAnew = isReset && call === 0;
        if (call !== (asked.get(node) ?? 0) && !isAnew)
          throw new Violation("each call of a script is recorded once, in order", { run, entry });
        asked.set(node, call + 1);
      }
      if (entry.kind !== "done") continue;
      if (done.has(entry.node) && !isReset) throw new Violation("a node has one result", { run, node: entry.node });
      done.add(entry.node);
      const known =
        entry.attempt === 0 ||
        entry.node.includes("/show/") ||
        expected.done.has(pathOfCall(entry.node)) ||
        expected.maybe.has(pathOfCall(entry.node));
      if (!known && expected.failures.size === 0)
        throw new Violation("only the taken arm runs", { run, node: entry.node });
      if (entry.attempt > 0 && !this.#calls.has(`${run} ${entry.node}`)) {
        throw new Violation("a result comes from a body that was called", { run, node: entry.node });
      }
    }
  }
}

/** A step has its result: its body answered, or somebody knows what it did. */
function isResult(entry: Entry): entry is Extract<Entry, { readonly node: string }> {
  return (entry.kind === "done" && entry.attempt > 0) || (entry.kind === "resolved" && entry.happened);
}
