/**
 * Two stores as one: every verb goes to a model and to the store that is tried, which must answer alike; whoever watches
 * the model then sees the other one too.
 * Invariant: the verbs come one after the other, so that both have the same order of them.
 */
import { isDeepStrictEqual } from "node:util";
import { LeaseLost, type Store } from "../../store/store.ts";
import type { MemoryTransaction } from "../../store/memory-transactions.ts";
import type { TransactAnswer, TransactedWork } from "../../store/transactions.ts";
import { TenfoldError } from "../../value/error.ts";
import { canonicalJson, type Json } from "../../value/json.ts";
import { storeByVerb, type Verb } from "../store-by-verb.ts";
import { Violation } from "./violation.ts";

/** Verbs whose answers have no order of their own. */
const UNORDERED: ReadonlySet<string> = new Set(["renew", "mail", "owned", "tallies", "received"]);

/** Of which stores may do more or less at once. */
const UNCOMPARED: ReadonlySet<string> = new Set(["sweepFiles"]);

type Settled = { readonly value: unknown } | { readonly thrown: unknown };

export class TwinStore {
  readonly store: Store;
  readonly #note: (violation: Violation) => void;
  #underWay: Promise<unknown> | null = null;

  /** `note` is told where they differ; callers go on with the model's answers. */
  constructor(model: Store, tried: Store, note: (violation: Violation) => void) {
    this.#note = note;
    const both = (verb: string, of: (store: Store) => Verb): Verb => this.#both(verb, of(model), of(tried));
    const twins = storeByVerb(model, (verb, of) => (verb === "transact" ? transactOn(both(verb, of)) : both(verb, of)));
    // A key that stands so in the one that is tried does in a model too.
    this.store = { ...twins, queues: { ...twins.queues, keyOf: (key) => tried.queues.keyOf(key) } };
  }

  /** The verbs that are under way in real time; null: none is. */
  get underWay(): Promise<unknown> | null {
    return this.#underWay;
  }

  #both(verb: string, model: Verb, tried: Verb): Verb {
    return async (...args) => {
      const before = this.#underWay ?? Promise.resolve();
      const both = before.then(() => Promise.all([settled(model(...args)), settled(tried(...args))]));
      this.#underWay = both;
      const [expected, found] = await both;
      if (this.#underWay === both) this.#underWay = null;
      const difference = differenceOf(comparable(verb, expected), comparable(verb, found));
      if (difference !== null) {
        this.#note(new Violation("a store answers what the model does", { verb, ...difference, args }));
      }
      if ("thrown" in expected) throw expected.thrown;
      return expected.value;
    };
  }
}

/**
 * A body is called once, between two verbs, while time passes: after one that finds no result, and before one that keeps
 * what it answered, with what it wrote where that is a model's.
 */
function transactOn(both: Verb): Verb {
  return async (lease, given) => {
    const work = given as TransactedWork;
    const found = (await both(lease, { ...work, body: () => null })) as TransactAnswer;
    if (found.kind !== "undone" || work.signal.aborted) return found;
    const texts: string[] = [];
    const kept = await work.body({ write: (text: string) => void texts.push(text), read: () => [] });
    if (kept === null) return found;
    const body: TransactedWork["body"] = (transaction) => {
      if (isModels(transaction)) for (const text of texts) transaction.write(text);
      return kept;
    };
    return both(lease, { ...work, body });
  };
}

function isModels(transaction: unknown): transaction is MemoryTransaction {
  return typeof (transaction as Partial<MemoryTransaction>).write === "function";
}

function settled(answer: Promise<unknown>): Promise<Settled> {
  return answer.then(
    (value) => ({ value }),
    (thrown: unknown) => ({ thrown }),
  );
}

function comparable(verb: string, answer: Settled): Json {
  if ("thrown" in answer) return thrownAs(answer.thrown);
  if (UNCOMPARED.has(verb)) return null;
  const value = JSON.parse(JSON.stringify(answer.value ?? null, bytesAsText)) as Json;
  return UNORDERED.has(verb) ? (value as Json[]).map(canonicalJson).sort() : value;
}

/** That a codec has encoded them is no difference. */
function bytesAsText(name: string, value: unknown): unknown {
  if (name === "isEncoded") return undefined;
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}

function thrownAs(thrown: unknown): string {
  if (thrown instanceof LeaseLost) return "LeaseLost";
  return thrown instanceof TenfoldError ? thrown.code : String(thrown);
}

interface Difference {
  readonly at: string;
  readonly expected: Json | undefined;
  readonly found: Json | undefined;
}

/** The first place in which two values differ. */
function differenceOf(expected: Json | undefined, found: Json | undefined, at = ""): Difference | null {
  if (isDeepStrictEqual(expected, found)) return null;
  if (!isObject(expected) || !isObject(found)) return { at, expected, found };
  for (const name of new Set([...Object.keys(expected), ...Object.keys(found)])) {
    const difference = differenceOf(expected[name], found[name], `${at}/${name}`);
    if (difference !== null) return difference;
  }
  return { at, expected, found };
}

function isObject(value: Json | undefined): value is Readonly<Record<string, Json>> {
  return typeof value === "object" && value !== null;
}
