/**
 * Watches parents and children: which run is the child of which call, and whether what the one was told is what became of
 * the other. Like the auditor, it reads rows and journals, and asks no engine.
 */
import type { Entry, ReturnedEntry } from "../../core/entry.ts";
import { readLine } from "../../core/journal-line.ts";
import { NEVER } from "../../core/wake-time.ts";
import type { RunRecord } from "../../store/store.ts";
import { canonicalJson, type Json } from "../../value/json.ts";
import { answerOf } from "./answer.ts";
import type { NodeFate } from "./interpreter.ts";
import type { OpenBook } from "./open-book.ts";
import type { Undoing } from "./undoing.ts";
import { Violation } from "./violation.ts";

interface Member {
  readonly row: RunRecord;
  readonly entries: readonly Entry[];
}

export class Family {
  readonly #book: OpenBook;
  readonly #undoing: Undoing;
  /** Runs as they were when they were removed. */
  readonly #pruned = new Map<string, Member>();

  constructor(book: OpenBook, undoing: Undoing) {
    this.#book = book;
    this.#undoing = undoing;
  }

  /** This run is being removed. */
  prune(row: RunRecord): void {
    this.#pruned.set(row.id, this.#memberOf(row));
  }

  /** What came of the child of this call; where the call was never made, nobody asks. */
  fateOf(parent: string, path: string): NodeFate {
    const told = this.#toldTo(parent, path);
    const child = told?.child ?? this.#childOf(parent, path);
    const member = child === undefined ? undefined : this.#member(child);
    if (told !== undefined) return this.#checked(told, member);
    if (member === undefined) return { output: answerOf("nobody", path) as unknown as Json };
    return member.row.status === "completed" ? { output: outputOf(member.row) } : { error: path };
  }

  /** What the call was told last: of the highest of its attempts, and of that the first. */
  #toldTo(parent: string, path: string): ReturnedEntry | undefined {
    let last: ReturnedEntry | undefined;
    for (const entry of this.#member(parent)?.entries ?? []) {
      if (entry.kind !== "returned" || entry.node !== path) continue;
      if (last === undefined || entry.attempt > last.attempt) last = entry;
    }
    return last;
  }

  #checked(told: ReturnedEntry, child: Member | undefined): NodeFate {
    const facts = { told, child: child?.row };
    if (child === undefined) throw new Violation("a call is told of a run that there was", facts);
    if (told.status === "completed") {
      const isSame = child.row.status === "completed" && sameJson(outputOf(child.row), told.output);
      if (!isSame) throw new Violation("a call has what its child put out", facts);
      return { output: told.output };
    }
    const isTrue = child.entries.some((entry) =>
      told.status === "cancelled" ? entry.kind === "cancelled" : hasFailed(entry) || isBadEnd(entry),
    );
    if (!isTrue) throw new Violation("a call fails because its child did, or was cancelled", facts);
    return { error: told.node };
  }

  /** Somebody cancelled the run in the name of a call that needs it no more. */
  isDisowned(run: string): boolean {
    return this.#member(run)?.entries.some((entry) => entry.kind === "cancelled" && entry.by !== undefined) === true;
  }

  /** Runs that a call waits for, or has. */
  children(): readonly string[] {
    const isChild = ({ entries }: Member): boolean => entries.some(({ kind }) => kind === "attached");
    return this.#book.records().filter((row) => isChild(this.#memberOf(row))).map(({ id }) => id); // prettier-ignore
  }

  /** Its parent is there, and may still ask for it. */
  isNeeded(row: RunRecord): boolean {
    const { entries } = this.#memberOf(row);
    return entries.some((entry) => entry.kind === "attached" && this.#book.record(entry.parent) !== undefined);
  }

  /** Each call has one child, another one when it begins anew, and each child one call. */
  check(): void {
    const children = new Map<string, string[]>();
    for (const { row, entries } of this.#all()) {
      const calls = new Set(entries.flatMap((e) => (e.kind === "attached" ? [`${e.parent} ${e.of}`] : [])));
      if (calls.size > 1) throw new Violation("a child has one parent", { child: row.id, calls: [...calls] });
      for (const call of calls) {
        const all = [...(children.get(call) ?? []), row.id];
        const parent = call.split(" ")[0]!;
        // How often it began anew is forgotten with it.
        const isGone = this.#book.record(parent) === undefined;
        if (!isGone && all.length > 1 + this.#undoing.resets(parent))
          throw new Violation("a call has one child", { call, children: all });
        children.set(call, all);
      }
    }
  }

  #childOf(parent: string, path: string): string | undefined {
    const isIts = (entry: Entry): boolean => entry.kind === "attached" && entry.parent === parent && entry.of === path;
    const last = (entries: readonly Entry[]) =>
      Math.max(...entries.map((e) => (isIts(e) && e.kind === "attached" ? e.attempt : 0)));
    const children = this.#all().filter(({ entries }) => entries.some(isIts));
    return children.sort((a, b) => last(b.entries) - last(a.entries))[0]?.row.id;
  }

  #member(run: string): Member | undefined {
    const row = this.#book.record(run);
    return row === undefined ? this.#pruned.get(run) : this.#memberOf(row);
  }

  #memberOf(row: RunRecord): Member {
    return { row, entries: this.#book.journal(row.id).map(readLine) };
  }

  #all(): readonly Member[] {
    const gone = [...this.#pruned.values()].filter(({ row }) => this.#book.record(row.id) === undefined);
    return [...gone, ...this.#book.records().map((row) => this.#memberOf(row))];
  }
}

/** What a run may have failed with: a node, a wait in vain, a child of its own. */
function hasFailed(entry: Entry): boolean {
  return ["failed", "timed-out"].includes(entry.kind) || (entry.kind === "returned" && entry.status !== "completed");
}

/** A child that was started late, for a call that was given up meanwhile: nobody has told it of its parent, nor will. */
export function isDormant({ status, wakeAt }: RunRecord): boolean {
  return status === "waiting" && wakeAt === NEVER;
}

/** A child of its own has not completed: that fails a run without an entry "failed". */
function isBadEnd(entry: Entry): boolean {
  return entry.kind === "returned" && entry.status !== "completed";
}

function outputOf({ output }: RunRecord): Json | undefined {
  return output === null ? undefined : (JSON.parse(output) as Json);
}

function sameJson(one: Json | undefined, other: Json | undefined): boolean {
  return canonicalJson(one) === canonicalJson(other);
}
