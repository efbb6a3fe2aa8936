/** What a body is given on a thread: what it says goes to its worker as messages. */
import type { StepContext, StepLog } from "../../flow/definition.ts";
import type { StepFiles } from "../../flow/files.ts";
import { seededRandom, uuidFrom } from "../../value/random.ts";
import type { LogLevel } from "../ports.ts";
import type { FromThread, ThreadContext } from "./messages.ts";
import { cloned } from "./thrown.ts";

/** What is said of a call; whoever sends it says of which. */
type Said = FromThread extends infer Each ? (Each extends FromThread ? Omit<Each, "id"> : never) : never;

export function threadContext(
  known: ThreadContext,
  { signal, files, say }: { readonly signal: AbortSignal; readonly files: StepFiles; say(said: Said): void },
): StepContext {
  const { key, attempt, run, node, now } = known;
  const random = seededRandom(key);
  const at =
    (level: LogLevel): StepLog[LogLevel] =>
    (message, facts) =>
      say({ kind: "logged", level, message: String(message), facts: plain(facts) });
  return {
    ...{ key, attempt, run, node, signal, files, random },
    log: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") },
    progress: (done, total) => say({ kind: "progressed", done: Number(done), total: total && Number(total) }),
    spent: (amount) => say({ kind: "spent", amount: Number(amount) }),
    uuid: () => uuidFrom(random),
    now: () => now,
  };
}

/** Facts as a message carries them: what it cannot carry is told as a text. */
function plain(facts: Readonly<Record<string, unknown>> | undefined): Readonly<Record<string, unknown>> | undefined {
  if (facts === undefined) return undefined;
  return Object.fromEntries(Object.entries(facts).map(([name, fact]) => [name, cloned(fact, () => String(fact))]));
}
