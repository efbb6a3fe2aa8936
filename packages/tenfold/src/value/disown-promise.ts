/** Promises that come where none belongs: nobody waits for them, so their rejection must not end the program. */

/** What contains itself is looked into no deeper. */
const DEPTH_MAX = 20;

/** Disowns each that stands in what was refused, however deep. */
export function disownPromisesIn(refused: unknown, depth = 0): void {
  if (disownPromise(refused) || typeof refused !== "object" || refused === null || depth === DEPTH_MAX) return;
  for (const part of Object.values(refused)) disownPromisesIn(part, depth + 1);
}

/** Whether `answer` is a promise; if so, it is refused by whoever asks, and what becomes of it is nobody's any more. */
export function disownPromise(answer: unknown): boolean {
  // One of its own is data: `{ if: …, then: … }`.
  if (typeof answer !== "object" || answer === null || !("then" in answer) || Object.hasOwn(answer, "then"))
    return false;
  // Only a real promise: to call `then` of one that is lazy, such as a query, would have it begin.
  if (answer instanceof Promise) answer.catch(() => {});
  return typeof answer.then === "function";
}
