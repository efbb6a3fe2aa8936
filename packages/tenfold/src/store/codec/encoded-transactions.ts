/** The transactions of an encoded store: results are encoded; what bodies write is their own. */
import { TenfoldError } from "../../value/error.ts";
import type { Lease } from "../store.ts";
import type { KeptResult, TransactAnswer, TransactedWork, TransactionKind, Transactions } from "../transactions.ts";
import type { Codec, TextPlace } from "./codec.ts";
import { decodeText, encodeText } from "./encoded-text.ts";

export class EncodedTransactions implements Transactions {
  readonly #transactions: Transactions;
  readonly #codec: Codec;

  constructor(transactions: Transactions, codec: Codec) {
    this.#transactions = transactions;
    this.#codec = codec;
  }

  get kind(): TransactionKind {
    return this.#transactions.kind;
  }

  /** Rejects with CODEC_KEY_MISSING or CODEC_DAMAGED where a result that is known cannot be decoded. */
  async transact(lease: Lease, work: TransactedWork): Promise<TransactAnswer> {
    const place: TextPlace = { run: work.run, what: "result", which: work.key };
    let broken: { readonly thrown: unknown } | null = null;
    const encoded = (kept: KeptResult | null): KeptResult | null => {
      if (kept === null || kept.output === null) return kept;
      try {
        return { ...kept, output: encodeText(this.#codec, kept.output, place) };
      } catch (thrown) {
        broken = { thrown };
        return null;
      }
    };
    const answer = await this.#transactions.transact(lease, {
      ...work,
      body: (transaction) => {
        const kept = work.body(transaction);
        return kept instanceof Promise ? kept.then(encoded) : encoded(kept);
      },
    });
    if (broken !== null) throw (broken as { readonly thrown: unknown }).thrown;
    if (answer.kind !== "known" || answer.result.output === null) return answer;
    const output = decodeText(this.#codec, answer.result.output, place);
    if (output instanceof TenfoldError) throw output;
    return { kind: "known", result: { ...answer.result, output } };
  }
}
