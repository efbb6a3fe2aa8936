/**
 * Which body a call of a step gets in a test: a node's stub before the step's, the step's before its own.
 * Invariant: a stub, and whatever else is asked for by step and node, is of one that a workflow of the test uses.
 */
import { checkOptions, isText, optional } from "../engine/caller-checks.ts";
import type { StepDefinition, WorkflowDefinition } from "../flow/definition.ts";
import { describe } from "../value/describe.ts";
import { TenfoldError } from "../value/error.ts";
import { wayToName } from "../value/nearest.ts";
import type { StubBody, StubUndo } from "./stub-bodies.ts";

/** Where a step is used. */
export interface NodeChoice {
  /** A node's id ("enrich-billing", "each-orders/price", of a script's calls "agent/search"), or the path of one ("each-orders[3]/price"). */
  readonly node?: string;
}

const NODE_CHOICE = { node: optional(isText, "Give a node's id, or a path.") };

/** A step as a test names it: the step itself, or its name where the test cannot get hold of it. */
export type NamedStep = string | { readonly definition: StepDefinition };

/** The calls that are meant: of this step, in these workflows, at this node. */
export interface Uses {
  readonly step: string;
  readonly workflows: ReadonlySet<string>;
  readonly node: string | null;
}

export interface CalledNode {
  readonly workflow: string;
  readonly step: string;
  readonly node: string;
}

export class Stubs {
  readonly #workflows: readonly WorkflowDefinition[];
  readonly #isStrict: boolean;
  /** The newest first. */
  #stubs: { readonly uses: Uses; readonly body: StubBody<unknown, unknown> }[] = [];
  #undos: { readonly uses: Uses; readonly body: StubUndo<unknown, unknown> }[] = [];

  constructor(workflows: readonly WorkflowDefinition[], isStrict: boolean) {
    this.#workflows = workflows;
    this.#isStrict = isStrict;
  }

  set(uses: Uses, body: unknown): void {
    if (typeof body !== "function") {
      throw refused(
        `the stub of "${uses.step}" is ${describe(body)}`,
        "Give a function of the step's input: `async (lead) => ({ … })`.",
      );
    }
    this.#stubs = [{ uses, body: body as StubBody<unknown, unknown> }, ...this.#stubs];
  }

  setUndo(uses: Uses, body: unknown): void {
    if (typeof body !== "function") {
      throw refused(
        `the stub of the undo of "${uses.step}" is ${describe(body)}`,
        "Give a function of the step's input and output: `async (lead, answer) => { … }`.",
      );
    }
    this.#undos = [{ uses, body: body as StubUndo<unknown, unknown> }, ...this.#undos];
  }

  /** The stub of this call; undefined: the step's own body. STUB_MISSING where the test is strict. */
  bodyFor(called: CalledNode): StubBody<unknown, unknown> | undefined {
    const found = nearest(this.#stubs, called);
    if (found === undefined && this.#isStrict) throw missing(called);
    return found?.body;
  }

  /** Whether this call does not get the step's own body. */
  isStubbed(called: CalledNode): boolean {
    return this.#isStrict || nearest(this.#stubs, called) !== undefined;
  }

  undoFor(called: CalledNode): StubUndo<unknown, unknown> | undefined {
    return nearest(this.#undos, called)?.body;
  }

  /** The uses of a step that the workflows have; STUB_INVALID if they have none. */
  usesOf(step: NamedStep, where: NodeChoice = {}): Uses {
    checkOptions("The choice of a node", where, NODE_CHOICE, "nothing was stubbed or looked for");
    const { node } = where;
    const name = this.#nameOf(step);
    // What a script calls is known once it does.
    const isUsed = ({ steps, graph }: WorkflowDefinition): boolean =>
      steps.has(name) ? typeof step === "string" || steps.get(name) === step.definition : hasScript(graph);
    const workflows = this.#workflows.filter(isUsed);
    if (workflows.length === 0) throw this.#unused(name);
    if (node === undefined) return { step: name, workflows: names(workflows), node: null };
    const nodesOf = ({ graph }: WorkflowDefinition): readonly string[] =>
      graph.nodes.flatMap((one) => (one.kind === "step" && one.step === name ? [one.id] : []));
    const isCall = ({ graph }: WorkflowDefinition): boolean =>
      graph.nodes.some(({ kind, id }) => kind === "script" && idOf(node).startsWith(`${id}/`));
    const having = workflows.filter((workflow) => nodesOf(workflow).includes(idOf(node)) || isCall(workflow));
    if (having.length > 0) return { step: name, workflows: names(having), node };
    throw refused(
      `no node ${describe(node)} uses the step "${name}"`,
      wayToName(String(node), workflows.flatMap(nodesOf), "It is used by"),
    );
  }

  #nameOf(step: NamedStep): string {
    if (typeof step === "string") return step;
    const name: unknown = (step as { readonly definition?: StepDefinition } | null | undefined)?.definition?.name;
    if (typeof name === "string") return name;
    throw refused(`${describe(step)} is no step`, "Give what `step(…)` answered, or its name.");
  }

  #unused(name: string): TenfoldError {
    const known = [...new Set(this.#workflows.flatMap(({ steps }) => [...steps.keys()]))];
    if (known.includes(name)) {
      return refused(
        `the workflows use another step that is called "${name}" too`,
        "Give the step that they use, or its name as a text.",
      );
    }
    return refused(
      `no workflow of this test uses the step "${name}"`,
      known.length === 0 ? "They have no steps." : wayToName(name, known, "They use"),
    );
  }
}

/** The newest that is meant for the node's path; else for its id; else for its step. */
function nearest<T extends { readonly uses: Uses }>(stubs: readonly T[], called: CalledNode): T | undefined {
  const meant = stubs.filter(({ uses }) => isMeant(uses, called));
  const stub = meant.find(({ uses }) => uses.node === called.node) ?? meant.find(({ uses }) => uses.node !== null);
  return stub ?? meant[0];
}

function hasScript({ nodes }: WorkflowDefinition["graph"]): boolean {
  return nodes.some(({ kind }) => kind === "script");
}

/** Whether the call is one of these uses. */
export function isMeant({ step, workflows, node }: Uses, called: CalledNode): boolean {
  if (step !== called.step || !workflows.has(called.workflow)) return false;
  return node === null || node === called.node || node === idOf(called.node);
}

/** The id of the node that a path is of. */
function idOf(path: string): string {
  return path.replaceAll(/\[\d+\](?=\/|$)/g, "");
}

function names(workflows: readonly WorkflowDefinition[]): ReadonlySet<string> {
  return new Set(workflows.map(({ name }) => name));
}

function refused(happened: string, wayOut: string): TenfoldError {
  return new TenfoldError("STUB_INVALID", `Nothing was stubbed or looked for: ${happened}. ${wayOut}`);
}

function missing({ step, node, workflow }: CalledNode): TenfoldError {
  return new TenfoldError(
    "STUB_MISSING",
    `The step "${step}" has no stub, and this test is strict; its body was not called for ${node} of ${workflow}. Give it one with \`test.stub\`: \`${step}.run\` is its own body.`,
    { facts: { step, node, workflow } },
  );
}
