/**
 * What is logged, as JSON on one line: it may be anything, not only JSON.
 * Invariant: it never throws, since what cannot be written in a log must fail nobody's work.
 */

/** Errors as their messages, what is in itself as "[circular]", numbers that JSON has not as texts. */
export function logText(value: unknown): string {
  try {
    return JSON.stringify(value, logged()) ?? String(value);
  } catch (thrown) {
    return JSON.stringify(`[not written: ${thrown instanceof Error ? thrown.message : String(thrown)}]`);
  }
}

/** A fact beside others on a line for people: texts as they are. */
export function factText(fact: unknown): string {
  if (fact instanceof Error) return fact.message;
  return typeof fact === "string" ? fact : logText(fact);
}

function logged(): (this: unknown, name: string, value: unknown) => unknown {
  /** The objects around the one that is written. */
  const around: unknown[] = [];
  return function (_name, value) {
    if (typeof value === "bigint") return String(value);
    if (value instanceof Error) return value.message;
    if (typeof value !== "object" || value === null) return value;
    while (around.length > 0 && around.at(-1) !== this) around.pop();
    if (around.includes(value)) return "[circular]";
    around.push(value);
    return value;
  };
}
