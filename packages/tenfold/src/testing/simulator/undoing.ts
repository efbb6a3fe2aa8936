/**
 * Watches what is undone: effects are what bodies did, less what undos took back. Like the auditor, it reads rows, journals
 * and its own notes, and asks no engine.
 */
import type { CompiledGraph, CompiledNode } from "../../core/compile.ts";
import type { Entry } from "../../core/entry.ts";
import { readLine } from "../../core/journal-line.ts";
import { keyAt } from "../../core/marks.ts";
import { idOfPath, pathOf, placeAt } from "../../core/path.ts";
import { replay } from "../../core/reduce.ts";
import { placesThat } from "../../core/reset.ts";
import { DONE, type Frame, type Place, type RunState } from "../../core/state.ts";
import type { RunRecord } from "../../store/store.ts";
import { canonicalJson, type Json } from "../../value/json.ts";
import { begunOf } from "./journal-laws.ts";
import type { OpenBook } from "./open-book.ts";
import { Violation } from "./violation.ts";

/** One call of an undo. */
export interface UndoCall {
  readonly run: string;
  readonly node: string;
  readonly attempt: number;
  readonly key: string;
  /** What it is told that the step answered. */
  readonly output: Json | undefined;
  /** The engine's clock at the call. */
  readonly clock: number;
}

const SUFFIX = "/undo";

export class Undoing {
  readonly #book: OpenBook;
  /** Keys of what undos were called for, by run and node, in the order of their first calls. */
  readonly #keys = new Map<string, string[]>();

  constructor(book: OpenBook) {
    this.#book = book;
  }

  /** An undo is being called by the run's owner; `state` is what the store says of the run. */
  called(call: UndoCall, state: RunState): void {
    const undo = state.undos?.get(call.node);
    if (undo === undefined) throw new Violation("what is undone is not undone again, and nothing else is", { call });
    const next = undo.before + undo.attempts + 1;
    if (call.attempt !== next || call.clock < undo.at)
      throw new Violation("an undo has the step's attempts, each in its time", { call, next, due: undo.at });
    const known = outputIn(this.#entries(call.run), call.node);
    if (canonicalJson(known ?? null) !== canonicalJson(call.output ?? null))
      throw new Violation("an undo is given what is recorded of its node", { call, known });
    if (!call.key.endsWith(SUFFIX)) throw new Violation("an undo has a key of its own", { call });
    const name = `${call.run} ${call.node}`;
    const keys = this.#keys.get(name) ?? [];
    const key = call.key.slice(0, -SUFFIX.length);
    if (!keys.includes(key)) this.#keys.set(name, [...keys, key]);
  }

  /** A body is being called: under a key that was not undone. */
  checkKey(run: string, node: string, key: string): void {
    const undone = this.#entries(run).filter((entry) => entry.kind === "undone" && entry.node === node).length;
    if (undone > 0 && this.#keys.get(`${run} ${node}`)?.slice(0, undone).includes(key) === true)
      throw new Violation("after an undo a node has another key", { run, node, key });
  }

  /** Nodes of it may have begun anew: it was retried from a node, with other keys, or after something of it was undone. */
  resets(run: string): number {
    let resets = 0;
    let isUndone = false;
    for (const entry of this.#entries(run)) {
      if (entry.kind === "undone") isUndone = true;
      const goesOn = entry.kind === "retried" || (entry.kind === "attached" && entry.attempt > 1);
      const isAnew = entry.kind === "retried" && (entry.from !== undefined || entry.newKeys === true);
      if (isAnew || (goesOn && isUndone)) resets++;
    }
    return resets;
  }

  /**
   * Nothing is undone that was not done; of a run that failed nothing stands, unless it says so. What begins anew from a node, and
   * is not come to again, stands; what was done under keys that are let go of does too.
   */
  checkRun(row: RunRecord, compiled: CompiledGraph): void {
    const { id: run, status, error } = row;
    const undoable = new Set(
      compiled.graph.nodes.flatMap((node) => (node.kind === "step" && node.undo === true ? [node.id] : [])),
    );
    /** With the number of the key that it was done under. */
    const standing = new Map<string, number | undefined>();
    const doubtful = new Set<string>();
    /** What stood, and begins anew under the same key. */
    const left = new Set<string>();
    let resets = 0;
    replay(compiled, begunOf(row), this.#entries(run), (state, entry) => {
      if (state.resets > resets) {
        for (const [node, key] of standing) {
          const place = placeOf(state, node);
          if (place?.frame.waits[place.node.local] === DONE) continue;
          standing.delete(node);
          doubtful.add(node);
          if (key !== undefined && keyOf(state, node) === key) left.add(node);
        }
      }
      ({ resets } = state);
      if (!("node" in entry) || !undoable.has(idOfPath(entry.node))) return;
      const { node } = entry;
      const hasFailed = entry.kind === "failed" && entry.retryAt === null;
      if (entry.kind === "done" || (hasFailed && (isCalled(entry) || left.has(node))))
        standing.set(node, keyOf(state, node));
      if (entry.kind === "abandoned" || (entry.kind === "failed" && isCalled(entry))) doubtful.add(node);
      if (entry.kind !== "undone") return;
      if (!standing.has(node) && !doubtful.has(node))
        throw new Violation("only what may have happened is undone", { run, entry });
      standing.delete(node);
      for (const those of [doubtful, left]) those.delete(node);
    });
    const { undo } = JSON.parse(error ?? "{}") as { undo?: { failed: number } };
    if (status === "failed" && standing.size > 0 && (undo?.failed ?? 0) === 0)
      throw new Violation("what a failed run did is undone", { run, error, standing: [...standing.keys()] });
  }

  #entries(run: string): readonly Entry[] {
    return this.#book.journal(run).map(readLine);
  }
}

/** Also in a frame that is closed. */
function placeOf(state: RunState, path: string): Place | undefined {
  const isMeant = (frame: Frame, node: CompiledNode): boolean =>
    node.hasUndo && pathOf(state.compiled, frame, node) === path;
  return placeAt(state, path) ?? placesThat(state, isMeant)[0];
}

/** Undefined: nothing can be done there as yet. */
function keyOf(state: RunState, path: string): number | undefined {
  const place = placeOf(state, path);
  return place && keyAt(state, path, place);
}

function isCalled({ attempt, uncalled }: { readonly attempt: number; readonly uncalled?: true }): boolean {
  return attempt > 0 && uncalled !== true;
}

/** What the node's last result is, if that was not undone. */
function outputIn(entries: readonly Entry[], node: string): Json | undefined {
  let output: Json | undefined;
  for (const entry of entries) {
    if (!("node" in entry) || entry.node !== node) continue;
    if (entry.kind === "done") ({ output } = entry);
    if (entry.kind === "undone") output = undefined;
  }
  return output;
}
