/**
 * The workflows that this engine has code for, and every graph that their runs began with, ready to be driven.
 * Invariant: structure comes from the run's graph, behaviour (bodies, retries, timeouts) from today's code by name.
 */
import { compileGraph, type CompiledGraph } from "../core/compile.ts";
import { newBudget, retryPolicy, type RetryBudget, type RetryPolicy } from "../core/retry.ts";
import type {
  RetryOptions,
  ScriptBody,
  StepDefinition,
  StepOverrides,
  WorkflowDefinition,
} from "../flow/definition.ts";
import type { Graph, GraphNode } from "../flow/graph.ts";
import { durationMs } from "../value/duration.ts";
import { TenfoldError } from "../value/error.ts";
import { nearestName } from "../value/nearest.ts";
import type { Store } from "../store/store.ts";
import { withCallees } from "./callees.ts";
import { isQueued, queueOfRuns, type Queued } from "../core/queues/queue-of.ts";
import { checkLimitNames } from "./limit-names.ts";
import { readGraph } from "./stored-graph.ts";

/** How to drive the runs of one graph. */
export interface Plan {
  readonly definition: WorkflowDefinition;
  /** The graph's. */
  readonly hash: string;
  readonly compiled: CompiledGraph;
  /** By the node's index; undefined for nodes without a body, and for code that is gone. */
  readonly steps: readonly (StepPlan | undefined)[];
  readonly derives: readonly (((...inputs: never[]) => unknown) | undefined)[];
  readonly scripts: readonly (ScriptBody | undefined)[];
  /** The queue of the workflow's runs; null: it has none. */
  readonly runs: Queued | null;
}

export interface StepPlan {
  readonly step: StepDefinition;
  readonly retry: RetryPolicy;
  readonly unless: RetryOptions["unless"];
  readonly timeoutMs: number | null;
  readonly budget: RetryBudget | null;
  /** Its body is called at most once. */
  readonly once: boolean;
  /** Its writes commit with its result. */
  readonly transacts: boolean;
}

export class Registry {
  readonly names: readonly string[];
  readonly #definitions = new Map<string, WorkflowDefinition>();
  readonly #steps = new Map<string, StepDefinition>();
  readonly #queuesOfRuns = new Map<string, Queued>();
  readonly #plans = new Map<string, Plan>();
  readonly #budgets = new Map<string, RetryBudget>();

  /** Of these workflows, and of those that they call. */
  constructor(given: readonly WorkflowDefinition[]) {
    const definitions = withCallees(given);
    for (const definition of definitions) {
      const known = this.#definitions.get(definition.name);
      if (known !== undefined && known !== definition) throw nameTaken(definition.name);
      this.#definitions.set(definition.name, definition);
      const runs = queueOfRuns(definition);
      if (runs !== null) this.#queuesOfRuns.set(definition.name, runs);
      for (const [name, step] of definition.steps) this.#steps.set(`${definition.name} ${name}`, step);
    }
    checkLimitNames(definitions);
    this.names = [...this.#definitions.keys()];
    for (const definition of definitions) this.#plan(definition, definition.graph, definition.hash);
  }

  get definitions(): Iterable<WorkflowDefinition> {
    return this.#definitions.values();
  }

  /** The steps that have queues, and workflows whose runs do. */
  get queued(): readonly Queued[] {
    return [...this.#steps.values().filter(isQueued), ...this.#queuesOfRuns.values()];
  }

  /** Whether a run of these workflows may call a step of this name: one that it has, or any from a script; or be limited by it. */
  mayCall(name: string): boolean {
    if (this.names.some((workflow) => name === `runs of ${workflow}`)) return true;
    for (const { steps, graph } of this.#definitions.values()) {
      if (steps.has(name) || graph.nodes.some(({ kind }) => kind === "script")) return true;
    }
    return false;
  }

  /** The workflow with this name; WORKFLOW_UNKNOWN, with the nearest name, if there is none. */
  definition(name: string): WorkflowDefinition {
    const found = this.#definitions.get(name);
    if (found !== undefined) return found;
    const nearest = nearestName(name, this.names);
    const way = nearest === undefined ? `Known: ${this.names.join(", ") || "none"}.` : `Did you mean "${nearest}"?`;
    throw new TenfoldError("WORKFLOW_UNKNOWN", `There is no workflow "${name}" here; nothing was started. ${way}`, {
      facts: { workflow: name, nearest },
    });
  }

  /** How to drive runs of this graph; `undefined` if the plan has to be fetched first. */
  known(hash: string): Plan | undefined {
    return this.#plans.get(hash);
  }

  /** What workflow of that name there is code for, if there is. */
  find(name: string): WorkflowDefinition | undefined {
    return this.#definitions.get(name);
  }

  /** Reads an older graph from the store; `undefined` if the store does not have it, STORE_CORRUPT if it is spoilt there. */
  async fetch(store: Store, lane: number, workflow: string, hash: string): Promise<Plan | undefined> {
    const stored = await store.graph(lane, hash);
    const definition = this.#definitions.get(workflow);
    if (stored === undefined || definition === undefined || stored.workflow !== workflow) return undefined;
    return this.#plan(definition, readGraph(stored), hash);
  }

  #plan(definition: WorkflowDefinition, graph: Graph, hash: string): Plan {
    const plan: Plan = {
      definition,
      runs: this.#queuesOfRuns.get(definition.name) ?? null,
      hash,
      compiled: compileGraph(graph),
      steps: graph.nodes.map((node) => this.#stepPlan(definition, node)),
      derives: graph.nodes.map(({ id }) => {
        const code = definition.code.get(id);
        return code?.kind === "derive" ? code.compute : undefined;
      }),
      scripts: graph.nodes.map(({ id }) => {
        const code = definition.code.get(id);
        return code?.kind === "script" ? code.run : undefined;
      }),
    };
    this.#plans.set(hash, plan);
    return plan;
  }

  #stepPlan(definition: WorkflowDefinition, node: GraphNode): StepPlan | undefined {
    if (node.kind !== "step") return undefined;
    const step = this.#steps.get(`${definition.name} ${node.step}`);
    if (step === undefined) return undefined;
    const code = definition.code.get(node.id);
    return this.planOf(step, code?.kind === "step" ? code.overrides : {});
  }

  /** How to execute a use of a step. */
  planOf(step: StepDefinition, overrides: StepOverrides): StepPlan {
    const retry = { ...step.retry, ...overrides.retry };
    const timeout = overrides.timeout ?? step.timeout;
    return {
      step,
      retry: retryPolicy(retry),
      unless: retry.unless,
      timeoutMs: timeout === undefined ? null : durationMs(timeout),
      budget: retry.budget === undefined ? null : this.#budget(step.name, Number.parseFloat(retry.budget) / 100),
      once: step.once === true,
      transacts: step.tx !== undefined,
    };
  }

  #budget(step: string, share: number): RetryBudget {
    const known = this.#budgets.get(step);
    if (known !== undefined && known.share === share) return known;
    const made = newBudget(share);
    this.#budgets.set(step, made);
    return made;
  }
}

function nameTaken(name: string): TenfoldError {
  return new TenfoldError(
    "WORKFLOW_NAME_TAKEN",
    `Two workflows are named "${name}"; nothing was opened. Rename one of them: runs are found by their workflow's name.`,
    { facts: { workflow: name } },
  );
}
