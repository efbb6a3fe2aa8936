/** `step`: a named unit of work, as the function that draws it and as the definition that the engine executes. */
import { describe } from "../value/describe.ts";
import type { Duration } from "../value/duration.ts";
import { isSchema, type Schema } from "../value/schema.ts";
import { checkBatched, type Answered, type BatchContext } from "./batch.ts";
import { currentDrawing } from "./current-drawing.ts";
import type { StepContext, StepDefinition, StepOverrides, StepTransaction } from "./definition.ts";
import { addNode, drawingError, nodeId, type Drawing } from "./drawing.ts";
import { checkExpected } from "./expected-time.ts";
import type { Input, JsonOr, Lifted, Result } from "./lifted.ts";
import { checkName } from "./naming.ts";
import { checkOptionNames, checkOverrides, checkRetryAndTimeout, isAsyncFunction, refused } from "./options.ts";
import { checkPromises, checkTimeout } from "./promises.ts";
import type { BatchDefinition } from "./queue-definition.ts";
import { checkQueue, type BatchedQueueOptions, type QueueOptions } from "./queue.ts";
import { lift } from "./template.ts";
import { testBatchContext, testContext } from "./test-context.ts";
import { checkThreads, type ThreadOptions } from "./threads.ts";
import type { ContextOf, TestedContext } from "./transaction.ts";
import { nodeValue, originOf } from "./value.ts";

const OPTIONS = {
  known: [
    "run",
    "undo",
    "input",
    "output",
    "retry",
    "timeout",
    "once",
    "tx",
    "queue",
    "expires",
    "threads",
    "takes",
    "wait",
  ],
  later: ["pure"],
};

/**
 * A step that takes an `I` and answers an `O`. Called in a `flow`, it draws a node. `Parsed` is what its body is
 * given and `Returned` what its body answers; they differ from `I` and `O` where schemas transform.
 */
export interface Step<I = unknown, O = unknown, Parsed = I, Returned = O> {
  (...input: undefined extends I ? [input?: Input<I>] : [input: Input<I>]): Lifted<O>;
  /** Calls the body, with no retry, timeout or schema; for unit tests. What `ctx` lacks has a plain default. */
  run(
    ...call: undefined extends Parsed ? [input?: Parsed, ctx?: TestedContext] : [input: Parsed, ctx?: TestedContext]
  ): Returned | Promise<Returned>;
  /** The same step for a node called `name`, where its own name is taken or says too little. */
  as(name: string): Step<I, O, Parsed, Returned>;
  /** The same step with another retry or timeout for this use of it. */
  with(overrides: StepOverrides): Step<I, O, Parsed, Returned>;
  readonly definition: StepDefinition;
}

/** A step whose body takes several inputs at once: drawn and used with one, as any other is. */
export interface BatchedStep<I = unknown, O = unknown, Parsed = I, Returned = O> {
  (...input: undefined extends I ? [input?: Input<I>] : [input: Input<I>]): Lifted<O>;
  /** Calls the body, as it is; for unit tests. What `ctx` lacks has a plain default. */
  run(
    inputs: readonly Parsed[],
    ctx?: Partial<BatchContext>,
  ): readonly (Returned | Error)[] | Promise<readonly (Returned | Error)[]>;
  /** The same step for a node called `name`, where its own name is taken or says too little. */
  as(name: string): BatchedStep<I, O, Parsed, Returned>;
  /** The same step with another retry or timeout for this use of it. */
  with(overrides: StepOverrides): BatchedStep<I, O, Parsed, Returned>;
  readonly definition: StepDefinition & { readonly queue: { readonly batch: BatchDefinition } };
}

/** What TypeScript says where the overload that takes a batch failed for another reason. */
type OtherThanBatch = "beside its batch another option does not fit: `run` takes a list of inputs and answers a list";

/** What a step takes beside its body and its schemas; `I` is its input as it is stored. */
export interface StepOptions<
  T extends StepTransaction | undefined,
  I = never,
  Q = { readonly batch?: OtherThanBatch },
> extends StepOverrides {
  /**
   * At most once: its start is journaled before its body is called, and an attempt that may have happened (its worker died, it
   * timed out, it threw anything but a `NotDone`) is never repeated before a person has said that it did not happen.
   */
  readonly once?: boolean;
  /**
   * Exactly once: what its body writes with `ctx.tx`, to the store's own database, commits with its result. With "sqlite" the
   * body is a plain function.
   */
  readonly tx?: T;
  /** A durable line before it, with limits that hold over all workers: `{ concurrency: 5, rate: "100/s" }`. */
  readonly queue?: QueueOptions<I> & Q;
  /** The longest that an attempt waits in the queue for its turn: then it fails for good. As long as it has to by default. */
  readonly expires?: Duration;
  /**
   * Its body is called on a thread of its own, so that one that computes for long keeps nothing else waiting: `import.meta.url`. The
   * thread imports that file, and finds the step among what it exports.
   */
  readonly threads?: ThreadOptions;
  /**
   * How long an attempt is expected to take before anything of it was measured, for `tenfold test`: what half of them take at most, and
   * what 95 % do, "300ms p95 800ms"; or what each takes, "300ms".
   */
  readonly takes?: string;
  /** The objective that `tenfold test` holds its waiting in its queue to: "p95 < 1s". */
  readonly wait?: string;
}

/** What a step takes whose body is given several inputs at once. */
interface BatchedOptions<I> extends StepOptions<undefined, I, unknown> {
  readonly queue: BatchedQueueOptions<I>;
  readonly once?: false;
  readonly threads?: never;
}

type InputNotJson = { readonly input: "what this step is given is not JSON; give an `input` schema that decodes it" };
type OutputNotJson = { readonly run: "what this body answers is not JSON; give an `output` schema that encodes it" };
type EncodedNotJson = { readonly output: "what this schema makes is not JSON; let it transform to JSON" };

/** What TypeScript says of the schema where the overload that takes one failed for another reason. */
type OtherOption =
  "beside its schema another option does not fit: `run`, `input`, `retry`, `timeout`, `queue`, `threads` or `undo`";

/**
 * Defines a step. Its input is JSON, as is its output; a schema for either checks, and may transform, it. With `queue: { batch }`
 * its body is given a list of inputs, each as its schema has parsed it, and answers a list as long: a result for each, or an
 * Error, with which that one fails alone.
 */
export function step<I, O, Returned, In = I>(
  name: string,
  options: BatchedOptions<NoInfer<In>> & {
    readonly input?: Schema<I, In>;
    readonly output: Schema<O, Returned>;
    run(inputs: I[], ctx: BatchContext): readonly (Returned | Error)[] | Promise<readonly (Returned | Error)[]>;
    undo?(input: NoInfer<I>, output: NoInfer<O> | undefined, ctx: StepContext): unknown;
  } & JsonOr<InputNotJson, In> &
    JsonOr<EncodedNotJson, O>,
): BatchedStep<In, Result<O>, I, Returned>;
export function step<I, Returned, In = I>(
  name: string,
  options: BatchedOptions<NoInfer<In>> & {
    readonly input?: Schema<I, In>;
    readonly output?: OtherOption | undefined;
    run(inputs: I[], ctx: BatchContext): readonly Returned[] | Promise<readonly Returned[]>;
    undo?(input: NoInfer<I>, output: NoInfer<Answered<Returned>> | undefined, ctx: StepContext): unknown;
  } & JsonOr<InputNotJson, In> &
    JsonOr<OutputNotJson, Answered<Returned>>,
): BatchedStep<In, Result<Answered<Returned>>, I, Answered<Returned>>;
export function step<I, O, Returned, In = I, T extends StepTransaction | undefined = undefined>(
  name: string,
  options: StepOptions<T, NoInfer<In>> & {
    readonly input?: Schema<I, In>;
    readonly output: Schema<O, Returned>;
    run(input: I, ctx: ContextOf<T>): Returned | Promise<Returned>;
    undo?(input: NoInfer<I>, output: NoInfer<O> | undefined, ctx: StepContext): unknown;
  } & JsonOr<InputNotJson, In> &
    JsonOr<EncodedNotJson, O>,
): Step<In, Result<O>, I, Returned>;
export function step<I, Returned, In = I, T extends StepTransaction | undefined = undefined>(
  name: string,
  options: StepOptions<T, NoInfer<In>> & {
    readonly input?: Schema<I, In>;
    readonly output?: OtherOption | undefined;
    run(input: I, ctx: ContextOf<T>): Returned | Promise<Returned>;
    undo?(input: NoInfer<I>, output: NoInfer<Returned> | undefined, ctx: StepContext): unknown;
  } & JsonOr<InputNotJson, In> &
    JsonOr<OutputNotJson, Returned>,
): Step<In, Result<Returned>, I, Returned>;
export function step(
  name: string,
  options: StepOptions<StepTransaction | undefined, never, unknown> & {
    readonly input?: Schema | undefined;
    readonly output?: Schema | OtherOption | undefined;
    run?(input: never, ctx: StepContext & BatchContext): unknown;
    undo?(input: never, output: never, ctx: StepContext): unknown;
  },
): unknown {
  checkName("STEP_INVALID", "a step", name);
  const owner = `step "${name}"`;
  checkUndo(owner, options);
  checkOptionNames(owner, options, OPTIONS, "STEP_INVALID");
  const { run, input } = options;
  const output = options.output as Schema | undefined;
  if (typeof run !== "function") {
    throw refused("STEP_INVALID", owner, "it has no body", "Give it one: `async run(input, ctx) { … }`.");
  }
  for (const [key, schema] of Object.entries({ input, output })) {
    if (schema !== undefined && !isSchema(schema)) {
      throw refused("STEP_INVALID", owner, `its \`${key}\` is no schema`, "Give a Standard Schema (zod, valibot …).");
    }
  }
  const definition: StepDefinition = Object.freeze({
    name,
    // As a method of the options, so that a body may use `this`.
    run: (given: never, ctx: StepContext) => options.run!(given, ctx as StepContext & BatchContext),
    ...(options.undo === undefined
      ? {}
      : { undo: (given: never, answered: never, ctx: StepContext) => options.undo!(given, answered, ctx) }),
    isAsync: isAsyncFunction(run),
    ...checkPromises(owner, options, isAsyncFunction(run)),
    ...(input === undefined ? {} : { input }),
    ...(output === undefined ? {} : { output }),
    ...checkRetryAndTimeout(owner, options),
    ...checkExpected(owner, options, options.queue !== undefined),
    ...(options.threads === undefined ? {} : { threads: checkThreads(owner, options.threads, options.tx) }),
    ...(options.queue === undefined ? {} : { queue: checkQueue(owner, options.queue, options.expires) }),
  });
  if (options.expires !== undefined && options.queue === undefined) {
    const way = "Give it a `queue`, `{}` if nothing limits it; or say with `timeout` how long its body may take.";
    throw refused("QUEUE_INVALID", owner, "its `expires` is of waiting in a queue, and it has none", way);
  }
  if (definition.queue?.batch) checkBatched(owner, options);
  return useOf(definition, {});
}

/** Before the names are checked: what contradicts itself is told as that. */
function checkUndo(owner: string, options: { readonly undo?: unknown; readonly pure?: unknown }): void {
  if (typeof options !== "object" || options === null || options.undo === undefined) return;
  const { undo, pure } = options;
  if (typeof undo !== "function") {
    const way = "Give a function: `async undo(input, output, ctx) { … }`.";
    throw refused("STEP_INVALID", owner, `its \`undo\` is ${describe(undo)}`, way);
  }
  if (pure !== undefined && pure !== false) {
    const way = "Leave `undo` out, or `pure` if it changes something.";
    throw refused("STEP_INVALID", owner, "it is `pure`, so there is nothing that its `undo` could take back", way);
  }
}

/** What one use of a step has that the step has not. */
interface Use {
  readonly name?: string;
  readonly overrides?: StepOverrides;
}

/** A step, with what `as` and `with` made of it. */
interface UsedStep {
  readonly definition: StepDefinition;
  readonly use: Use;
}

const USED = Symbol("used");

/** The step that `given` is a use of; undefined: it is none. */
export function usedStep(given: unknown): UsedStep | undefined {
  return typeof given === "function" && originOf(given) === undefined
    ? (given as { readonly [USED]?: UsedStep })[USED]
    : undefined;
}

function useOf(definition: StepDefinition, use: Use): unknown {
  const draw = (input?: unknown): unknown => drawStep(definition, use, input);
  return Object.freeze(
    Object.assign(draw, {
      definition,
      [USED]: { definition, use },
      run: (input: never, ctx: TestedContext & Partial<BatchContext> = {}) => {
        const { name, queue } = definition;
        const plain = queue?.batch ? testBatchContext(name, input) : testContext(name, ctx);
        return definition.run(input, { ...plain, ...ctx } as StepContext);
      },
      as: (name: string) =>
        useOf(definition, { ...use, name: checkName("STEP_INVALID", `a use of the step "${definition.name}"`, name) }),
      with: (overrides: StepOverrides) => {
        const owner = `use of the step "${definition.name}"`;
        const checked = checkOverrides(owner, overrides);
        checkTimeout(owner, checked.timeout, definition.tx);
        return useOf(definition, { ...use, overrides: { ...use.overrides, ...checked } });
      },
    }),
  );
}

function drawStep(definition: StepDefinition, use: Use, input: unknown): unknown {
  const wayOut = `To call the body itself, as in a unit test, write \`await ${definition.name}.run(input)\`; in a script, \`await ctx.call(${definition.name}, input)\`.`;
  const drawing = currentDrawing(`The step "${definition.name}"`, wayOut);
  registerStep(drawing, use.name ?? definition.name, definition);
  const id = nodeId(drawing, use.name ?? definition.name);
  const { template } = lift(drawing, id, "input", input);
  const { scope, after } = drawing;
  const undo = definition.undo === undefined ? {} : ({ undo: true } as const);
  const drawn = { kind: "step", id, scope, after, step: definition.name, input: template, ...undo } as const;
  const node = addNode(drawing, drawn);
  if (use.overrides !== undefined) drawing.code.set(id, { kind: "step", overrides: use.overrides });
  return nodeValue(drawing, node);
}

function registerStep(drawing: Drawing, id: string, definition: StepDefinition): void {
  const known = drawing.steps.get(definition.name);
  if (known !== undefined && known !== definition) {
    throw drawingError("STEP_NAME_TAKEN", drawing, id, {
      happened: `two different steps are called "${definition.name}"`,
      wayOut: `Steps are found by name: rename one of them where it is defined, \`step("${definition.name}-other", …)\`. (\`.as\` names a node, not a step.)`,
      facts: { step: definition.name },
    });
  }
  if (known === undefined) knowLimit(drawing, id, definition);
  drawing.steps.set(definition.name, definition);
}

/** A limit is found by its name: the one that two steps share is one. */
function knowLimit(drawing: Drawing, id: string, { name, queue }: StepDefinition): void {
  const limit = queue?.limit ?? null;
  if (limit === null) return;
  const isOther = ({ queue }: StepDefinition): boolean => queue?.limit?.name === limit.name && queue.limit !== limit;
  const other = [...drawing.steps.values()].find(isOther);
  if (other === undefined) return;
  throw drawingError("LIMIT_NAME_TAKEN", drawing, id, {
    happened: `the steps "${other.name}" and "${name}" have two different limits that are both called "${limit.name}"`,
    wayOut: "Make it once, in a constant that both steps name, or call one of them something else.",
    facts: { limit: limit.name, steps: [other.name, name] },
  });
}
