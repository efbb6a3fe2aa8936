/**
 * Watches what is undone: effects are what bodies did, less what undos took back. Like the auditor, it reads rows, journals
 * and its own notes, and asks no engine.
 */
import type { Entry } from "../../core/entry.ts";
import { readLine } from "../../core/journal-line.ts";
import { idOfPath } from "../../core/path.ts";
import type { RunState } from "../../core/state.ts";
import type { Graph } from "../../flow/graph.ts";
import { canonicalJson, type Json } from "../../value/json.ts";
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

  /** Nothing is undone that was not done; of a run that failed nothing stands, unless it says so. */
  checkRun({ run, status, error }: { run: string; status: string; error: string | null }, graph: Graph): void {
    const undoable = new Set(
      graph.nodes.flatMap((node) => (node.kind === "step" && node.undo === true ? [node.id] : [])),
    );
    const standing = new Set<string>();
    const doubtful = new Set<string>();
    for (const entry of this.#entries(run)) {
      if (!("node" in entry) || !undoable.has(idOfPath(entry.node))) continue;
      const { node } = entry;
      if (entry.kind === "done" || (entry.kind === "failed" && entry.retryAt === null && isCalled(entry)))
        standing.add(node);
      if (entry.kind === "abandoned" || (entry.kind === "failed" && isCalled(entry))) doubtful.add(node);
      if (entry.kind !== "undone") continue;
      if (!standing.has(node) && !doubtful.has(node))
        throw new Violation("only what may have happened is undone", { run, entry });
      standing.delete(node);
      doubtful.delete(node);
    }
    const { undo } = JSON.parse(error ?? "{}") as { undo?: { failed: number } };
    if (status === "failed" && standing.size > 0 && (undo?.failed ?? 0) === 0)
      throw new Violation("what a failed run did is undone", { run, error, standing: [...standing] });
  }

  #entries(run: string): readonly Entry[] {
    return this.#book.journal(run).map(readLine);
  }
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
