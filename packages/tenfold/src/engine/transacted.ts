/**
 * Calls a body whose writes commit with its result.
 * Invariants: a result that is known is used, and no body called; what the journal will say is what was committed, whatever is
 * lost on the way, because whoever got no answer asks again; nothing is kept of a body that was stopped, or was late.
 */
import { LeaseLost } from "../store/store.ts";
import type { KeptResult, TransactAnswer, TransactedWork, TransactionKind } from "../store/transactions.ts";
import { TenfoldError } from "../value/error.ts";
import type { Json } from "../value/json.ts";
import { execute, failure, type Settled } from "./body.ts";
import { isPassing } from "./passing.ts";
import type { AttemptContext } from "./context.ts";
import { waitFor, type Clock, type Executor } from "./ports.ts";
import type { StepPlan } from "./registry.ts";

const RETRY_FIRST_MS = 20;
const RETRY_MAX_MS = 2000;

/** So often a body is called whose transaction the database ends for the sake of others, before that is its failure. */
const ENDINGS_MAX = 5;

const NOT_NOW = "its transaction could not be had, or did not commit; it is begun again until it does";

/** The attempt that a body is called for, and what it is called with. */
export interface Transacted {
  readonly run: string;
  readonly number: number;
  readonly step: StepPlan;
  readonly input: unknown;
  readonly context: AttemptContext;
  readonly executor: Executor;
  readonly clock: Clock;
  isStopped(): boolean;
  /** Calls what begins the body, at once or when it may. */
  begin(body: () => void): void;
  /** In whose words the store gives transactions. */
  readonly kind: TransactionKind;
  transact(work: TransactedWork): Promise<TransactAnswer>;
  /** The body is about to be called. */
  called(): void;
  /** What becomes of the body's result: it may be too late, or too large, and is a failure then. It is not late from then on. */
  judged(result: Settled): Settled;
  /** The lease is gone: whoever has it now goes on. */
  leaseLost(): void;
}

/** Resolves with what became of it, once its body has settled. */
export async function callInTransaction(call: Transacted): Promise<Settled> {
  if (call.kind !== "memory" && call.kind !== call.step.step.tx) return refused(otherStore(call), call);
  // Nobody else writes to that store while one of its transactions waits, and its body has to answer at once.
  const waitsBefore = call.kind === "sqlite";
  let endings = 0;
  for (let delayMs = RETRY_FIRST_MS; ; delayMs = Math.min(delayMs * 2, RETRY_MAX_MS)) {
    let settled: Settled | null = null;
    const note = (result: Settled): KeptResult | null => {
      settled = call.judged(result);
      return settled.ok && !call.isStopped() ? keptOf(call, settled.output) : null;
    };
    const work: TransactedWork = {
      run: call.run,
      key: call.context.key,
      signal: call.context.signal,
      body: (transaction) => (waitsBefore ? callBody : callWhenItMay)(call, transaction, note),
    };
    try {
      if (waitsBefore) await new Promise<void>((resolve) => call.begin(resolve));
      if (call.isStopped()) return stopped(call);
      const answer = await call.transact(work);
      if (answer.kind === "known") return { ok: true, output: readOutput(answer.result) };
      return settled ?? stopped(call);
    } catch (thrown) {
      if (thrown instanceof LeaseLost) call.leaseLost();
      if (call.isStopped() || thrown instanceof LeaseLost) return stopped(call);
      // Whether it was written is not known: the next transaction begins by looking.
      if (!isPassing(thrown)) return refused(thrown, call);
      const known = settled as Settled | null;
      if (isBusy(thrown) && known?.ok === false && ++endings === ENDINGS_MAX) return known;
      if (delayMs === RETRY_FIRST_MS) call.context.log.warn(NOT_NOW, { reason: (thrown as Error).message });
      await waitFor(call.clock, delayMs);
      if (call.isStopped()) return stopped(call);
    }
  }
}

function callWhenItMay(
  call: Transacted,
  transaction: unknown,
  note: (result: Settled) => KeptResult | null,
): ReturnType<typeof callBody> {
  let answer: ReturnType<typeof callBody> | undefined;
  let resolve: ((answer: ReturnType<typeof callBody>) => void) | null = null;
  call.begin(() => {
    answer = call.isStopped() ? null : callBody(call, transaction, note);
    resolve?.(answer);
  });
  return answer === undefined ? new Promise((resolved) => (resolve = resolved)) : answer;
}

function isBusy(thrown: unknown): boolean {
  return thrown instanceof TenfoldError && thrown.code === "STORE_BUSY";
}

function callBody(
  call: Transacted,
  transaction: unknown,
  note: (result: Settled) => KeptResult | null,
): KeptResult | null | Promise<KeptResult | null> {
  const { step, input, context, executor } = call;
  call.called();
  context.writesIn(transaction);
  let kept: { readonly result: KeptResult | null } | null = null;
  let resolve: ((result: KeptResult | null) => void) | null = null;
  const settle = (result: Settled): void => {
    const noted = note(result);
    if (resolve === null) kept = { result: noted };
    else resolve(noted);
  };
  execute(step, input, context, executor, settle, null);
  const atOnce = kept as { readonly result: KeptResult | null } | null;
  if (atOnce !== null) return atOnce.result;
  return new Promise((answer) => (resolve = answer));
}

function keptOf({ number, clock }: Transacted, output: Json | undefined): KeptResult {
  return { attempt: number, output: output === undefined ? null : JSON.stringify(output), at: clock.now() };
}

function readOutput({ output }: KeptResult): Json | undefined {
  return output === null ? undefined : (JSON.parse(output) as Json);
}

/** A step of a script's, which `open` cannot know. */
function otherStore({ step: { step }, kind, context }: Transacted): TenfoldError {
  const message = `${context.node} has \`tx: "${step.tx}"\`, and its store gives transactions of ${kind}; its body was not called. Open the other store, or write the body for this one.`;
  return new TenfoldError("OPTION_UNSUPPORTED", message, { facts: { tx: step.tx, store: kind } });
}

/** Nobody uses it. */
function stopped({ context }: Transacted): Settled {
  return failure(new Error("The body was stopped."), context);
}

/** A transaction that cannot be had, or that did not end well, fails the attempt; what the body has to mend is final. */
function refused(thrown: unknown, { context }: Transacted): Settled {
  const failed = failure(thrown, context);
  const isFinal =
    thrown instanceof TenfoldError && ["TX_ASYNC", "TX_ENDED", "OPTION_UNSUPPORTED"].includes(thrown.code);
  return failed.ok ? failed : { ...failed, isFinal };
}
