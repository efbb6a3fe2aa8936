/** The context of a script's function: each of its calls goes through the one `ask`. */
import type { ScriptContext } from "../flow/script-context.ts";
import type { StepLog } from "../flow/definition.ts";
import { seededRandom, uuidFrom } from "../value/random.ts";
import type { ScriptNode } from "../flow/graph.ts";
import type { ContextRun } from "./context.ts";
import type { Log, LogLevel } from "./ports.ts";
import { callAsked, sleepAsked, sleepUntilAsked, waitAsked, type Asking } from "./script-calls.ts";

/** The script that a context belongs to. */
export interface ContextScript {
  readonly path: string;
  readonly node: ScriptNode;
  readonly run: { readonly id: string; readonly context: ContextRun };
  /** When the last answer came that it was told (ms since 1970), or it began. */
  readonly now: number;
  /** It only comes to where it was. */
  readonly isReplaying: boolean;
  /** The function makes a call. */
  ask(make: () => Asking): Promise<unknown>;
}

/** Functions on their own, so that a function may take its context apart. */
export function scriptContext(script: ContextScript, log: Log): ScriptContext {
  const { path, node, run } = script;
  const random = seededRandom(`${run.id}/${path}`);
  const context = {
    call: (target: unknown, input?: unknown) => script.ask(() => callAsked(path, target, input)),
    sleep: (duration: unknown) => script.ask(() => sleepAsked(path, duration)),
    sleepUntil: (moment: unknown) => script.ask(() => sleepUntilAsked(path, moment)),
    waitFor: (signal: unknown, options?: Parameters<typeof waitAsked>[2]) =>
      script.ask(() => waitAsked(path, signal, options, node)),
    all: allOf,
    now: () => script.now,
    random,
    uuid: () => uuidFrom(random),
    log: logOf(script, log),
    run: run.context,
    node: path,
  };
  return Object.freeze(context) as ScriptContext;
}

async function allOf(promises: readonly unknown[]): Promise<unknown> {
  const settled = await Promise.allSettled(promises);
  const failed = settled.find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
  return settled.map((each) => (each.status === "fulfilled" ? each.value : undefined));
}

function logOf(script: ContextScript, log: Log): StepLog {
  const write =
    (level: LogLevel): StepLog["info"] =>
    (message, facts) => {
      if (script.isReplaying) return;
      const { id, context } = script.run;
      log.write(level, message, { workflow: context.workflow, run: id, node: script.path, ...facts });
    };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}
