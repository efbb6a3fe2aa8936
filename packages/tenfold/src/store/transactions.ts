/**
 * Transactions of the store's own database, given to bodies that write in them: a sub-port of the store, beside its post. What a
 * body wrote commits with its result; which node that is, and what becomes of it, others decide.
 * Invariant of every store: a result is in the same transaction as what its body wrote.
 */
import type { Lease } from "./lease.ts";

/** What a body came to. */
export interface KeptResult {
  readonly attempt: number;
  /** JSON; null: it answered nothing. */
  readonly output: string | null;
  /** Ms since 1970. */
  readonly at: number;
}

export interface TransactedWork {
  readonly run: string;
  /** Names the work in its run: whoever keeps a result under the same name does the same. */
  readonly key: string;
  /** Aborts: the body is not waited for any more, and nothing of it is kept. */
  readonly signal: AbortSignal;
  /**
   * Called with the transaction, in the words of its store, when no result is known; answers what is to be kept, or null, and
   * then everything it wrote is undone. It throws nothing.
   */
  body(transaction: unknown): KeptResult | null | Promise<KeptResult | null>;
}

export type TransactAnswer =
  | { readonly kind: "written" }
  /** There is a result under this name: nothing that the body may have written is kept. */
  | { readonly kind: "known"; readonly result: KeptResult }
  /** The body kept nothing, or was not to be waited for. */
  | { readonly kind: "undone" };

/** In whose words a store gives transactions: a body is written for one of them. */
export type TransactionKind = "memory" | "sqlite" | "postgres";

export interface Transactions {
  readonly kind: TransactionKind;
  /**
   * Calls the body of a work in a transaction, and commits that with what the body keeps. One work, not a batch: each has a
   * transaction of its own, which ends when its body does.
   * LAW: of all who keep a result under one name (lane, run, key), whoever they are, one is answered "written", and what its
   * body wrote is there if and only if that result is; the others are answered "known". Where a result is known beforehand no
   * body is called. A dead lease keeps nothing (LeaseLost). The same work sent again, because no answer came, is answered
   * "known" if it was written. The result is known as long as the run is there.
   */
  transact(lease: Lease, work: TransactedWork): Promise<TransactAnswer>;
}
