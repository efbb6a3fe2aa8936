/**
 * One call of a body for the attempts of a batch, each of which is settled, retried and recorded for itself.
 * Invariants: the body is called once, when each of them has its input or is out of it; the slot is held until all of them have
 * settled; one that was stopped before the body is called is no part of it, and nothing that comes later is heard by it.
 */
import type { BatchContext } from "../flow/batch.ts";
import { disownPromisesIn } from "../value/disown-promise.ts";
import { answered, failure, isThenable, type Settled } from "./body.ts";
import type { AttemptContext } from "./context.ts";
import type { Executor } from "./ports.ts";
import type { StepPlan } from "./registry.ts";
import type { LaneSlots } from "./slots.ts";

/** An attempt that has its input. */
export interface BatchItem {
  readonly plan: StepPlan;
  readonly input: unknown;
  readonly context: AttemptContext;
  readonly executor: Executor;
  isStopped(): boolean;
  settle(result: Settled): void;
}

export class BatchCall {
  readonly #slots: LaneSlots;
  /** Attempts that have neither their input nor left. */
  #missing: number;
  /** Attempts that have not settled. */
  #open: number;
  readonly #joined: BatchItem[] = [];
  /** Those that the body was called for; null: it was not called yet. */
  #called: readonly BatchItem[] | null = null;
  readonly #controller = new AbortController();

  /** Of so many attempts, which have a slot together. */
  constructor(size: number, slots: LaneSlots) {
    this.#missing = size;
    this.#open = size;
    this.#slots = slots;
  }

  joins(item: BatchItem): void {
    this.#joined.push(item);
    this.#known();
  }

  /** An attempt has settled, or does not come: then it has not joined. */
  leaves(hasJoined: boolean): void {
    this.#open--;
    if (!hasJoined) this.#known();
    if (this.#open === 0) this.#slots.release();
  }

  /** One of its attempts was told to stop. */
  stopped(reason: unknown): void {
    if (this.#called?.every((item) => item.isStopped()) === true) this.#controller.abort(reason);
  }

  #known(): void {
    if (--this.#missing === 0) this.#call();
  }

  #call(): void {
    const items = this.#joined.filter((item) => !item.isStopped());
    this.#called = items;
    for (const item of this.#joined) if (item.isStopped()) item.settle({ ok: true, output: undefined });
    if (items.length === 0) return;
    const [{ plan, executor }] = items as [BatchItem];
    const context: BatchContext = { items: items.map((item) => item.context), signal: this.#controller.signal };
    const inputs = items.map(({ input }) => input);
    for (const item of items) item.context.isCalled = true;
    try {
      const answer =
        executor.executeBatch === undefined
          ? plan.step.run(inputs as never, context as never)
          : executor.executeBatch(plan.step, inputs, context);
      if (!isThenable(answer)) return this.#answered(items, answer);
      answer.then(
        (known) => this.#answered(items, known),
        (thrown) => failed(items, thrown),
      );
    } catch (thrown) {
      failed(items, thrown);
    }
  }

  #answered(items: readonly BatchItem[], answer: unknown): void {
    const answers = listOf(answer);
    if (answers?.length !== items.length) return mismatched(items, answers);
    items.forEach(({ plan, context, settle }, nth) => {
      const one = answers[nth];
      if (Error.isError(one)) settle(failure(one, context));
      else answered(plan, one, context, settle, null);
    });
  }
}

/** All of them fail with what was thrown, each by its own retries. */
function failed(items: readonly BatchItem[], thrown: unknown): void {
  for (const { context, settle } of items) settle(failure(thrown, context));
}

/** What a body has answered, if it is a list; one that throws when it is looked at is none. */
function listOf(answer: unknown): readonly unknown[] | null {
  try {
    if (Array.isArray(answer)) return [...(answer as readonly unknown[])];
    disownPromisesIn(answer);
  } catch {
    // It is refused as what is no list.
  }
  return null;
}

/** Whose result is whose cannot be told: nothing of it is kept, and the same body would do the same again. */
function mismatched(items: readonly BatchItem[], answers: readonly unknown[] | null): void {
  const came = answers === null ? "what is no list" : `a list of ${answers.length}`;
  for (const { plan, context, settle } of items) {
    const { node, attempt } = context;
    const message = `${node} was called in a batch of ${items.length}, and the body of "${plan.step.name}" answered ${came}; nothing of that was kept. Answer a list as long as the inputs, in their order: for each a result, or an Error with which that one fails.`;
    settle({
      ok: false,
      error: { code: "BATCH_MISMATCHED", message, node, attempt },
      isFinal: true,
      thrown: undefined,
    });
  }
}
