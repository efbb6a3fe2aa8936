/** The memory store's transactions: a body writes texts, which are there from when its result is. */
import type { Lane } from "./memory-lane.ts";
import type { Lease } from "./store.ts";
import type { KeptResult, TransactAnswer, TransactedWork, Transactions } from "./transactions.ts";

/** What a body is given: it stands for a database that is not there. */
export interface MemoryTransaction {
  write(text: string): void;
  /** What is committed, in order. */
  read(): readonly string[];
}

export class MemoryTransactions implements Transactions {
  readonly kind = "memory";
  readonly #fenced: (lease: Lease) => Lane;

  constructor(fenced: (lease: Lease) => Lane) {
    this.#fenced = fenced;
  }

  async transact(lease: Lease, work: TransactedWork): Promise<TransactAnswer> {
    const before = this.#known(lease, work);
    if (before !== undefined) return { kind: "known", result: before };
    if (work.signal.aborted) return { kind: "undone" };
    const texts: string[] = [];
    const read = (): readonly string[] => [...this.#fenced(lease).written];
    const transaction: MemoryTransaction = { write: (text) => void texts.push(text), read };
    const kept = await work.body(transaction);
    if (kept === null || work.signal.aborted) return { kind: "undone" };
    const meanwhile = this.#known(lease, work);
    if (meanwhile !== undefined) return { kind: "known", result: meanwhile };
    const { results, written } = this.#fenced(lease);
    results.set(nameOf(work), kept);
    written.push(...texts);
    return { kind: "written" };
  }

  #known(lease: Lease, work: TransactedWork): KeptResult | undefined {
    return this.#fenced(lease).results.get(nameOf(work));
  }
}

function nameOf({ run, key }: TransactedWork): string {
  return `${run} ${key}`;
}
