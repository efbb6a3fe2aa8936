/** What bodies of a simulation write in the transactions that commit with their results, and what must be there of it. */
import type { Entry } from "../../core/entry.ts";
import type { StepContext } from "../../flow/definition.ts";
import type { MemoryTransaction } from "../../store/memory-transactions.ts";
import { canonicalJson, type Json } from "../../value/json.ts";
import type { BodyCall } from "./body-call.ts";
import type { OpenBook } from "./open-book.ts";
import { Violation } from "./violation.ts";

interface Effect {
  readonly run: string;
  readonly node: string;
  readonly key: string;
  readonly attempt: number;
  /** What its body answers; null: it is about to fail. */
  readonly output: Json | null;
}

/** Writes what the body answers, or that it fails, before it does. */
export function writeEffect(ctx: StepContext, output: Json | null): void {
  const { tx } = ctx as StepContext & { readonly tx: MemoryTransaction };
  const effect: Effect = { run: ctx.run.id, node: ctx.node, key: ctx.key, attempt: ctx.attempt, output };
  tx.write(JSON.stringify(effect));
}

export class Effects {
  readonly #book: OpenBook;
  /** By key, as far as they were read; what is written stays. */
  readonly #known = new Map<string, Effect>();
  /** How many of each lane were read. */
  readonly #read: number[] = [];

  constructor(book: OpenBook) {
    this.#book = book;
  }

  /** Each is there once, and none of a body that failed. */
  check(): void {
    this.#book.written().forEach((texts, lane) => {
      for (const text of texts.slice(this.#read[lane])) this.#add(JSON.parse(text) as Effect);
      this.#read[lane] = texts.length;
    });
  }

  #add(effect: Effect): void {
    if (effect.output === null) throw new Violation("a body that fails leaves nothing of what it wrote", { effect });
    if (this.#known.has(effect.key)) throw new Violation("what a body writes is there once", { effect });
    this.#known.set(effect.key, effect);
  }

  /** A body that writes is being called by its run's owner. */
  called(call: BodyCall): void {
    this.check();
    const effect = this.#known.get(call.key);
    if (effect !== undefined)
      throw new Violation("a result that was committed is not computed again", { call, effect });
  }

  /** What is recorded of a node that writes is what was committed. */
  checkRun(run: string, entries: readonly Entry[], isWriting: (node: string) => boolean): void {
    this.check();
    const byNode = Map.groupBy(
      [...this.#known.values()].filter((effect) => effect.run === run),
      ({ node }) => node,
    );
    for (const entry of entries) {
      if (entry.kind !== "done" || entry.attempt === 0 || !isWriting(entry.node)) continue;
      const recorded = canonicalJson(entry.output ?? null);
      const kept = byNode.get(entry.node) ?? [];
      if (!kept.some(({ output }) => canonicalJson(output) === recorded))
        throw new Violation("a result is there with what its body wrote", { run, entry, kept });
    }
  }
}
