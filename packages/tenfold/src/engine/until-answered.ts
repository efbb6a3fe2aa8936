/** Verbs of a store that are sent until they are answered: what got no answer may be durable. */
import type { TenfoldError } from "../value/error.ts";
import { isUnreached } from "./passing.ts";
import { waitFor, type Clock } from "./ports.ts";

const RESEND_FOR_MS = 30_000;

/** Sends the same again, after growing pauses, until an answer comes; `send` is told whether it was sent before. */
export async function untilAnswered<T>(clock: Clock, send: (isRepeated: boolean) => Promise<T>): Promise<T> {
  const until = clock.elapsed() + RESEND_FOR_MS;
  for (let delayMs = 10, isRepeated = false; ; delayMs = Math.min(delayMs * 2, 1000), isRepeated = true) {
    try {
      return await send(isRepeated);
    } catch (thrown) {
      if (!isUnreached(thrown) || clock.elapsed() >= until) throw thrown;
      // What is known to be out of reach was not asked: nothing of it is anywhere.
      if (!isRepeated && (thrown as TenfoldError).facts["sent"] === false) throw thrown;
    }
    await waitFor(clock, delayMs);
  }
}
