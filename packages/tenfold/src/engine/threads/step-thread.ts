/** The thread that calls bodies for a worker, one at a time, until it is ended: each where the module of its step defines it. */
import { parentPort } from "node:worker_threads";
import { findStep } from "./find-step.ts";
import type { FileOutcome, FromThread, ThreadCall, ToThread } from "./messages.ts";
import { threadContext } from "./thread-context.ts";
import { threadFiles, type FileAsk } from "./thread-files.ts";
import { carried, restored } from "./thrown.ts";
import { textsOf } from "../body.ts";
import { TenfoldError } from "../../value/error.ts";

const port = parentPort!;
serve();

/** A call that is under way. */
interface Current {
  readonly id: number;
  readonly abort: AbortController;
  /** What it has asked of its worker, in order. */
  readonly asked: ((outcome: FileOutcome) => void)[];
}

function serve(): void {
  let current: Current | null = null;
  port.on("message", (told: ToThread) => {
    if (told.kind === "call") {
      current = { id: told.id, abort: new AbortController(), asked: [] };
      void call(current, told.call);
    } else if (current?.id !== told.id) return;
    else if (told.kind === "abort") current.abort.abort(restored(told.reason));
    else current.asked[told.nth]!(told.outcome);
  });
}

async function call(current: Current, asked: ThreadCall): Promise<void> {
  tell(await outcomeOf(current, asked), asked);
}

async function outcomeOf(current: Current, asked: ThreadCall): Promise<FromThread> {
  const { step, threads, input, undoes, context } = asked;
  const { id, abort } = current;
  try {
    const definition = await findStep(step, threads);
    const { signal } = abort;
    const files = threadFiles(signal, (ask) => askWorker(current, ask));
    const ctx = threadContext(context, { signal, files, say: (said) => port.postMessage({ ...said, id }) });
    const output = await (undoes === null
      ? definition.run(input as never, ctx)
      : definition.undo?.(input as never, undoes.output as never, ctx));
    // What an undo answers is nothing that anybody uses.
    return { kind: "answered", id, output: undoes === null ? output : undefined };
  } catch (thrown) {
    return { kind: "threw", id, thrown: carried(thrown) };
  }
}

function askWorker({ id, asked }: Current, ask: FileAsk): Promise<unknown> {
  return new Promise((resolve, reject) => {
    port.postMessage({ kind: "files", id, nth: asked.length, ask } satisfies FromThread);
    asked.push((outcome) => (outcome.ok ? resolve(outcome.value) : reject(restored(outcome.thrown) as Error)));
  });
}

function tell(message: FromThread, { context }: ThreadCall): void {
  try {
    port.postMessage(message);
  } catch (thrown) {
    const said = `${context.node} answered what is not JSON: ${textsOf(thrown).message} The output was not kept.`;
    port.postMessage({ kind: "threw", id: message.id, thrown: carried(new TenfoldError("NOT_JSON", said)) });
  }
}
