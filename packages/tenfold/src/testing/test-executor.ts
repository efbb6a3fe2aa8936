/**
 * Calls bodies in a test: notes each call, puts a stub in a body's place, and has the worker die where the test wants it.
 * Invariant: what a body answered after its worker died is recorded by nobody.
 */
import type { BatchContext } from "../flow/batch.ts";
import type { StepContext, StepDefinition, WorkflowDefinition } from "../flow/definition.ts";
import type { Undoes } from "../engine/ports.ts";
import { durationMs } from "../value/duration.ts";
import { TenfoldError } from "../value/error.ts";
import type { Schema } from "../value/schema.ts";
import type { Bodies, OpenBody } from "./bodies.ts";
import type { CallLog } from "./call-log.ts";
import type { StubBody, StubContext } from "./stub-bodies.ts";
import { isMeant, type CalledNode, type Stubs, type Uses } from "./stubs.ts";
import type { TestWorker } from "./test-worker.ts";

/** Where the worker is to die, once. */
export interface Trap {
  readonly uses: Uses;
  readonly spring: () => void;
}

export class TestExecutor {
  readonly #stubs: Stubs;
  readonly #bodies: Bodies;
  readonly #calls: CallLog;
  readonly #now: () => number;
  #traps: readonly Trap[] = [];
  #refusal: TenfoldError | null = null;

  constructor(stubs: Stubs, bodies: Bodies, calls: CallLog, now: () => number) {
    this.#stubs = stubs;
    this.#bodies = bodies;
    this.#calls = calls;
    this.#now = now;
  }

  /** The first call since the last question for which there was no stub. */
  takeRefusal(): TenfoldError | null {
    const refusal = this.#refusal;
    this.#refusal = null;
    return refusal;
  }

  set(trap: Trap): void {
    this.#traps = [...this.#traps, trap];
  }

  execute(worker: TestWorker, step: StepDefinition, input: unknown, ctx: StepContext, undoes: Undoes | null): unknown {
    if (worker.isDead) return new Promise(() => {});
    const { node, attempt, run } = ctx;
    const called: CalledNode = { workflow: run.workflow, step: step.name, node };
    this.#calls.note(step.name, input, ctx, this.#now(), undoes);
    const body = this.#bodies.begin(
      `${undoes === null ? "" : "the undo of "}${node} (run ${run.id} of ${run.workflow}, attempt ${attempt})`,
    );
    const arrived = (): void => (undoes === null ? this.#spring(worker, called) : undefined);
    try {
      const answer =
        undoes === null
          ? this.#call(worker, step, input, ctx, body)
          : this.#undo(worker, step, { input, undoes }, ctx, body);
      if (isThenable(answer)) return this.#bodies.follow(body, answer, { arrived, isThere: () => !worker.isDead });
      arrived();
      return worker.isDead ? new Promise(() => {}) : answer;
    } catch (thrown) {
      if (thrown instanceof TenfoldError && thrown.code === "STUB_MISSING") this.#refusal ??= thrown;
      arrived();
      if (worker.isDead) return new Promise(() => {});
      throw thrown;
    }
  }

  /** A stub is called for each input by itself; the step's own body for the rest of them together. */
  executeBatch(worker: TestWorker, step: StepDefinition, inputs: readonly unknown[], ctx: BatchContext): unknown {
    if (worker.isDead) return new Promise(() => {});
    const { items, signal } = ctx;
    const stubbed = items.map(({ run: { workflow }, node }) =>
      this.#stubs.isStubbed({ workflow, step: step.name, node }),
    );
    const own = [...items.keys()].filter((nth) => !stubbed[nth]);
    const ofOwn = (): unknown =>
      this.#executeOwn(worker, step, own.map((nth) => inputs[nth]), { items: own.map((nth) => items[nth]!), signal }); // prettier-ignore
    if (own.length === items.length) return ofOwn();
    const ofStubs = items.map(async (item, nth) => {
      if (!stubbed[nth]) return undefined;
      try {
        return await this.execute(worker, step, inputs[nth], item, null);
      } catch (thrown) {
        return Error.isError(thrown) ? thrown : new Error(String(thrown));
      }
    });
    return Promise.all([own.length === 0 ? [] : ofOwn(), ...ofStubs]).then(([answers, ...rest]) => {
      if (!Array.isArray(answers) || answers.length !== own.length) return answers;
      return rest.map((answer, nth) => (stubbed[nth] ? answer : (answers as unknown[])[own.indexOf(nth)]));
    });
  }

  #executeOwn(worker: TestWorker, step: StepDefinition, inputs: readonly unknown[], ctx: BatchContext): unknown {
    const { items } = ctx;
    items.forEach((item, nth) => this.#calls.note(step.name, inputs[nth], item, this.#now(), null));
    const arrived = (): void => {
      for (const { run, node } of items) this.#spring(worker, { workflow: run.workflow, step: step.name, node });
    };
    const body = this.#bodies.begin(`${items[0]!.node} (a batch of ${items.length})`);
    try {
      const answer = step.run(inputs as never, ctx as never);
      if (isThenable(answer)) return this.#bodies.follow(body, answer, { arrived, isThere: () => !worker.isDead });
      arrived();
      return worker.isDead ? new Promise(() => {}) : answer;
    } catch (thrown) {
      arrived();
      if (worker.isDead) return new Promise(() => {});
      throw thrown;
    }
  }

  #call(worker: TestWorker, step: StepDefinition, input: unknown, ctx: StepContext, body: OpenBody): unknown {
    const stub = this.#stubs.bodyFor({ workflow: ctx.run.workflow, step: step.name, node: ctx.node });
    if (stub === undefined && step.tx !== undefined) throw noTransaction(step.name, ctx.node);
    if (stub === undefined) return step.run(input as never, ctx);
    return (stub as StubBody<unknown, unknown>)(input, this.#contextFor(worker, ctx, body));
  }

  /** What a stub did, the step's own undo does not undo. */
  #undo(
    worker: TestWorker,
    step: StepDefinition,
    { input, undoes }: { readonly input: unknown; readonly undoes: Undoes },
    ctx: StepContext,
    body: OpenBody,
  ): unknown {
    const called = { workflow: ctx.run.workflow, step: step.name, node: ctx.node };
    const undo = this.#stubs.undoFor(called);
    if (undo !== undefined) return undo(input, undoes.output, this.#contextFor(worker, ctx, body));
    if (this.#stubs.bodyFor(called) !== undefined) return undefined;
    return step.undo?.(input as never, undoes.output as never, ctx);
  }

  /** With properties of its own, so that `{ ...ctx }` has all of them. */
  #contextFor(worker: TestWorker, ctx: StepContext, body: OpenBody): StubContext {
    const { key, attempt, signal, log, run, node, progress, spent, random, uuid, now } = ctx;
    const wait: StubContext["wait"] = (duration) =>
      this.#bodies.rest(body, worker.wait(durationMs(duration, "`wait` of a stub"), signal));
    const context = { key, attempt, signal, log, run, node, progress, spent, random, uuid, now, wait };
    return Object.defineProperty(context, "files", { get: () => ctx.files, enumerable: true }) as StubContext;
  }

  #spring(worker: TestWorker, called: CalledNode): void {
    const trap = worker.isDead ? undefined : this.#traps.find(({ uses }) => isMeant(uses, called));
    if (trap === undefined) return;
    this.#traps = this.#traps.filter((other) => other !== trap);
    trap.spring();
  }
}

function noTransaction(step: string, node: string): TenfoldError {
  return new TenfoldError(
    "STUB_MISSING",
    `The step "${step}" writes in a transaction of its store, and a test's store is in memory; its body was not called for ${node}. Give it a stub with \`test.stub\`, and try its own body on a store: \`open({ store: "a-file.db", … })\`.`,
    { facts: { step, node } },
  );
}

/** The workflow with schemas of steps that time waits for, where they take real time; the rest is the same. */
export function withFollowedSchemas(workflow: WorkflowDefinition, bodies: Bodies): WorkflowDefinition {
  const steps = [...workflow.steps].map(([name, step]) => [name, stepWithFollowedSchemas(step, bodies)] as const);
  return { ...workflow, steps: new Map(steps) };
}

export function stepWithFollowedSchemas(step: StepDefinition, bodies: Bodies): StepDefinition {
  const follow = (schema: Schema): Schema => {
    const standard = schema["~standard"];
    const validate = (value: unknown): ReturnType<typeof standard.validate> => {
      const result = standard.validate(value);
      if (!isThenable(result)) return result;
      const follower = { arrived: () => {}, isThere: () => true };
      return bodies.follow(bodies.begin(`a schema of ${step.name}`), result, follower);
    };
    return { "~standard": { ...standard, validate } };
  };
  const { input, output } = step;
  const followed = {
    ...(input === undefined ? {} : { input: follow(input) }),
    ...(output === undefined ? {} : { output: follow(output) }),
  };
  return { ...step, ...followed };
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}
