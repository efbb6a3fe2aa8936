/**
 * Calls the bodies of steps that have `threads` on threads, and every other one right here.
 * Invariants: a thread calls one body at a time; one that ends fails the call it was at, and another takes its place; a call
 * that was told to stop is over soon, whatever its body does: then its thread is ended; what is idle keeps no process alive.
 * How many there are at once is for whoever calls to bound.
 */
import { isMainThread, Worker, workerData } from "node:worker_threads";
import type { StepContext, StepDefinition } from "../../flow/definition.ts";
import { TenfoldError } from "../../value/error.ts";
import { textsOf } from "../body.ts";
import type { Executor, Undoes } from "../ports.ts";
import { inlineExecutor } from "../system.ts";
import type { FileOutcome, FromThread, ThreadCall, ToThread } from "./messages.ts";
import { answerFiles } from "./thread-files.ts";
import { carried, restored } from "./thrown.ts";

const PROGRAM = new URL("./step-thread.ts", import.meta.url);
const MARK = "a thread of tenfold's steps";

/** How long a body may go on after it was told to stop (ms). */
const GRACE_MS = 1000;

/** Whether this is one of the threads that call bodies. */
export function isStepThread(): boolean {
  return !isMainThread && (workerData as { readonly is?: unknown } | null)?.is === MARK;
}

/** A body that runs on a thread. */
interface Called {
  readonly id: number;
  readonly ctx: StepContext;
  readonly answered: (output: unknown) => void;
  readonly threw: (thrown: unknown) => void;
  /** It is told of no end any more. */
  readonly forget: () => void;
}

type Asked = Extract<FromThread, { kind: "files" }>;

interface Thread {
  readonly worker: Worker;
  called: Called | null;
  /** Why it ends; null: nobody here knows. */
  reason: string | null;
}

export class StepThreads implements Executor {
  readonly #threads = new Set<Thread>();
  readonly #idle: Thread[] = [];
  readonly #graceMs: number;
  #calls = 0;

  constructor(graceMs = GRACE_MS) {
    this.#graceMs = graceMs;
  }

  execute(step: StepDefinition, input: unknown, ctx: StepContext, undoes: Undoes | null): unknown {
    const { name, threads } = step;
    if (threads === undefined) return inlineExecutor.execute(step, input, ctx, undoes);
    const { key, attempt, run, node } = ctx;
    const context = { key, attempt, run, node, now: ctx.now() };
    return this.#call({ step: name, threads, input, undoes, context }, ctx);
  }

  /** Ends all threads, whatever runs on them. */
  async close(): Promise<void> {
    for (const thread of this.#threads) thread.reason ??= "tenfold was closed";
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  #call(call: ThreadCall, ctx: StepContext): Promise<unknown> {
    const id = ++this.#calls;
    const order: ToThread = { kind: "call", id, call };
    const thread = this.#idle.pop() ?? this.#begin();
    const { worker } = thread;
    try {
      worker.postMessage(order);
    } catch (thrown) {
      this.#idle.push(thread);
      throw notCarried(call, thrown);
    }
    worker.ref();
    return new Promise((answered, threw) => {
      const { signal } = ctx;
      let timer: NodeJS.Timeout | undefined;
      const abort = (): void => {
        worker.postMessage({ kind: "abort", id, reason: carried(signal.reason) } satisfies ToThread);
        timer = setTimeout(
          () => this.#end(thread, `it did not stop within ${this.#graceMs} ms after it was told to`),
          this.#graceMs,
        );
      };
      const forget = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", abort);
      };
      thread.called = { id, ctx, answered, threw, forget };
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort, { once: true });
    });
  }

  #begin(): Thread {
    const worker = new Worker(PROGRAM, { workerData: { is: MARK }, name: "tenfold step" });
    const thread: Thread = { worker, called: null, reason: null };
    this.#threads.add(thread);
    worker.unref();
    worker.on("message", (message: FromThread) => this.#told(thread, message));
    // What nobody caught there: the thread is over, and nothing else is.
    worker.on("error", (thrown: unknown) => (thread.reason ??= textsOf(thrown).message));
    worker.on("exit", (code) => this.#ended(thread, code));
    return thread;
  }

  #end(thread: Thread, reason: string): void {
    thread.reason ??= reason;
    void thread.worker.terminate();
  }

  #told(thread: Thread, message: FromThread): void {
    const { called } = thread;
    // What a body says that has settled already is heard by nobody.
    if (called?.id !== message.id) return;
    const { ctx } = called;
    switch (message.kind) {
      case "logged":
        return ctx.log[message.level](message.message, message.facts);
      case "progressed":
        return ctx.progress(message.done, message.total);
      case "spent":
        return ctx.spent(message.amount);
      case "files":
        return void this.#askFiles(thread, called, message);
      case "answered":
        this.#free(thread, called);
        return called.answered(message.output);
      case "threw":
        this.#free(thread, called);
        return called.threw(restored(message.thrown));
    }
  }

  async #askFiles({ worker }: Thread, { id, ctx }: Called, { nth, ask }: Asked): Promise<void> {
    const outcome: FileOutcome = await Promise.try(() => answerFiles(ctx.files, ask)).then(
      (value) => ({ ok: true, value }),
      (thrown: unknown) => ({ ok: false, thrown: carried(thrown) }),
    );
    worker.postMessage({ kind: "files", id, nth, outcome } satisfies ToThread);
  }

  #free(thread: Thread, called: Called): void {
    called.forget();
    thread.called = null;
    thread.worker.unref();
    if (thread.reason === null) this.#idle.push(thread);
  }

  #ended(thread: Thread, code: number): void {
    this.#threads.delete(thread);
    const at = this.#idle.indexOf(thread);
    if (at !== -1) this.#idle.splice(at, 1);
    const { called } = thread;
    if (called === null) return;
    called.forget();
    thread.called = null;
    const reason = thread.reason ?? `it exited with code ${code}`;
    called.threw(
      new TenfoldError(
        "THREAD_ENDED",
        `The thread that called ${called.ctx.node} has ended before its body did: ${reason}. What it answered is not known; this worker and all else that it does go on, and the next attempt has another thread.`,
        { facts: { node: called.ctx.node, code } },
      ),
    );
  }
}

function notCarried({ step, context }: ThreadCall, thrown: unknown): TenfoldError {
  return new TenfoldError(
    "NOT_JSON",
    `The input of ${context.node} cannot be given to a thread: ${textsOf(thrown).message}. The step "${step}" was not called. Let its \`input\` schema answer plain data, or leave \`threads\` out.`,
    { facts: { node: context.node } },
  );
}
