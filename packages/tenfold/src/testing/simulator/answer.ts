/** What simulated steps answer: a function of the step and its input, so that it is known without running it. */
import { hash32 } from "../../value/hash.ts";
import { canonicalJson, type Json } from "../../value/json.ts";

/** What every step answers: something to branch on, to spread over, and to pass on. */
export interface Answer {
  readonly n: number;
  readonly tag: "a" | "b" | "c";
  readonly flag: boolean;
  readonly list: readonly number[];
  readonly maybe: number | null;
}

export const TAGS = ["a", "b", "c"] as const;

/** What the step `name` answers to `input`: known to the engine's bodies and to the interpreter alike. */
export function answerOf(name: string, input: Json | undefined): Answer {
  const hash = hash32(`${name} ${canonicalJson(withoutErrors(input))}`);
  return {
    n: hash % 100,
    tag: TAGS[(hash >>> 8) % 3]!,
    flag: ((hash >>> 12) & 1) === 1,
    list: Array.from({ length: (hash >>> 16) % 4 }, (_, index) => (hash >>> (4 * index)) % 16),
    maybe: ((hash >>> 24) & 1) === 1 ? (hash >>> 4) % 50 : null,
  };
}

/** `value` without what collected errors say: which of two failing nodes was first is a matter of time. */
export function withoutErrors(value: Json | undefined): Json | undefined {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => withoutErrors(item)!);
  const entries = Object.entries(value as Record<string, Json>);
  if ((value as Record<string, Json>)["ok"] === false) return { ok: false };
  return Object.fromEntries(entries.map(([key, item]) => [key, withoutErrors(item)!]));
}
