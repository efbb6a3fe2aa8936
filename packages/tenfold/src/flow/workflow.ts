/** `workflow`: calls a `flow` once with symbolic values, and freezes what it drew as the definition. */
import { contentHash } from "../value/hash.ts";
import { canonicalJson, type Json } from "../value/json.ts";
import { isSchema, type Schema } from "../value/schema.ts";
import type { Duration } from "../value/duration.ts";
import { checkDebounce, type DebounceOptions } from "./debounce.ts";
import { checkTriggers } from "./check-triggers.ts";
import { callDrawing } from "./callback.ts";
import { whileDrawing } from "./current-drawing.ts";
import type { Attributes, Expect, Workflow, WorkflowDefinition } from "./definition.ts";
import { startDrawing, type Drawing } from "./drawing.ts";
import { checkExpect } from "./expect.ts";
import type { Graph } from "./graph.ts";
import type { Input, JsonOr, Lifted, Plain, Symbolic } from "./lifted.ts";
import { checkName } from "./naming.ts";
import { checkOptionNames, isAsyncFunction, refused } from "./options.ts";
import { lift } from "./template.ts";
import type { Trigger } from "./trigger.ts";
import { findUnused } from "./unused.ts";
import { nodeValue } from "./value.ts";
import { checkWorkflowQueue, type WorkflowQueueOptions } from "./workflow-queue.ts";

const OPTIONS = {
  known: ["flow", "input", "key", "debounce", "attributes", "expect", "triggers", "queue"],
  later: ["deadline", "concurrency", "keyRetention"],
};

/**
 * What a workflow takes beside its `flow`; `key` and `attributes` see the parsed input, triggers start it with what is
 * given to a `start`.
 */
export interface WorkflowOptions<I, Given = I> {
  /** The same key twice is one run. */
  key?(input: I): string;
  /**
   * Starts of one key that come within `wait` of each other are one run, with the last input: `"10s"`, or `{ wait: "10s", max: "5m" }`. It begins
   * `wait` after the last of them, at the latest `max` after the first; once it has begun, the next start is the next run.
   */
  readonly debounce?: Duration | DebounceOptions;
  /**
   * What its runs are found by: up to 50 names of 100 characters, each with a text of up to 512, a number, true or
   * false; one that is null or undefined is left out. A start with others is refused (ATTRIBUTES_INVALID).
   */
  attributes?(input: I): Attributes;
  /** The objective that the 10x test holds it to. */
  readonly expect?: Expect;
  /** How many of its runs are active at once, and how fast they begin: `{ concurrency: 100, per: { key: (lead) => lead.customer, concurrency: 5 } }`. */
  readonly queue?: WorkflowQueueOptions<I>;
  /** What starts runs by itself: `schedule("0 9 * * 1-5", { timeZone: "Europe/London" })`, `on<Lead>("lead.created")`. */
  readonly triggers?: readonly Trigger<NoInfer<Given>>[];
}

type SchemaNotJson = {
  readonly input: "what this schema makes is not JSON, and it has to be stored; let it transform to JSON";
};
type InputNotJson = {
  readonly flow: "what this workflow is given is not JSON; give an `input` schema that transforms it to JSON";
};

/** What TypeScript says of the schema where the overload that takes one failed for another reason. */
type OtherOption = "beside its schema another option does not fit: `triggers`, `key`, `attributes` or `flow`";

/** Defines a workflow. Its input's type comes from `input`, from `flow`'s annotated parameter, or as `workflow<Lead>`. */
export function workflow<Parsed, R, I = Parsed>(
  name: string,
  options: WorkflowOptions<Parsed, I> & {
    readonly input: Schema<Parsed, I>;
    flow(input: Lifted<Parsed>): R;
  } & JsonOr<SchemaNotJson, Parsed>,
): Workflow<I, Plain<R>>;
export function workflow<V extends Symbolic<unknown>, R>(
  name: string,
  options: WorkflowOptions<Plain<V>> & {
    readonly input?: OtherOption | undefined;
    flow(input: V): R;
  } & JsonOr<InputNotJson, Plain<V>>,
): Workflow<Plain<V>, Plain<R>>;
export function workflow<I, O = unknown>(
  name: string,
  options: WorkflowOptions<I> & {
    readonly input?: OtherOption | undefined;
    flow(input: Lifted<I>): Input<O>;
  } & JsonOr<InputNotJson, I>,
): Workflow<I, O>;
export function workflow(
  name: string,
  options: WorkflowOptions<never, unknown> & {
    readonly input?: Schema | OtherOption | undefined;
    readonly flow?: (input: never) => unknown;
  },
): unknown {
  checkName("WORKFLOW_INVALID", "a workflow", name);
  const owner = `workflow "${name}"`;
  checkOptionNames(owner, options, OPTIONS, "WORKFLOW_INVALID");
  const { input, expect, triggers } = options;
  for (const option of ["flow", "key", "attributes"] as const) {
    if (typeof options[option] !== "function" && (option === "flow" || options[option] !== undefined)) {
      throw refused(
        "WORKFLOW_INVALID",
        owner,
        `its \`${option}\` is no function`,
        `Give one: \`${option}(input) { … }\`.`,
      );
    }
    if (option !== "flow" && isAsyncFunction(options[option])) {
      throw refused(
        "WORKFLOW_INVALID",
        owner,
        `its \`${option}\` is async, and what it answers is needed at once`,
        "Compute it from the input alone; what has to be fetched is the work of a step, or of whoever starts the run.",
      );
    }
  }
  if (input !== undefined && !isSchema(input)) {
    throw refused("WORKFLOW_INVALID", owner, "its `input` is no schema", "Give a Standard Schema (zod, valibot …).");
  }
  const started = triggers === undefined ? {} : { triggers: checkTriggers(owner, triggers) };
  const queued = options.queue === undefined ? {} : { queue: checkWorkflowQueue(owner, options.queue) };
  const { debounce } = options;
  const debounced =
    debounce === undefined ? {} : { debounce: checkDebounce(owner, debounce, { ...options, ...started }) };
  const objective = expect === undefined ? {} : { expect: checkExpect(name, expect) };
  const drawing = draw(name, (given) => options.flow!(given as never));
  const graph = graphOf(drawing);
  return Object.freeze<WorkflowDefinition>({
    name,
    graph,
    hash: contentHash(canonicalJson(graph as unknown as Json)),
    steps: drawing.steps,
    code: drawing.code,
    signals: drawing.signals,
    warnings: freeze(findUnused(drawing)),
    source: Function.prototype.toString.call(options.flow),
    ...(input === undefined ? {} : { input }),
    // As methods of the options, so that they may use `this`.
    ...(options.key === undefined ? {} : { key: (given: never) => options.key!(given) }),
    ...(options.attributes === undefined ? {} : { attributes: (given: never) => options.attributes!(given) }),
    ...objective,
    ...started,
    ...debounced,
    ...queued,
  });
}

function draw(name: string, flow: (input: unknown) => unknown): Drawing {
  const drawing = startDrawing(name);
  whileDrawing(drawing, () => {
    const written = callDrawing(drawing, "WORKFLOW_INVALID", "flow", () => flow(nodeValue(drawing, 0)));
    drawing.scopes[0]!.output = lift(drawing, "flow", "result", written).template;
  });
  return drawing;
}

function graphOf({ workflow: name, nodes, scopes }: Drawing): Graph {
  return freeze({
    format: 1,
    workflow: name,
    nodes,
    scopes: scopes.map(({ owner, name, nodes, output }) => ({ owner, name, nodes, output })),
  });
}

function freeze<T>(data: T): T {
  if (typeof data === "object" && data !== null && !Object.isFrozen(data)) {
    Object.freeze(data);
    for (const part of Object.values(data)) freeze(part);
  }
  return data;
}
