/** What is simulated, made ready once: graphs without values, and of each node what its attempts take and which line they stand in. */
import type { CompiledGraph, CompiledNode } from "../../core/compile.ts";
import { stepUse } from "../../core/load/step-use.ts";
import type { LineLimits } from "../../core/queues/line-state.ts";
import { isQueued, limitsOf, lineNameOf, PRIORITY_MS, type QueuedStep } from "../../core/queues/queue-of.ts";
import { retryPolicy, type RetryPolicy } from "../../core/retry.ts";
import type { StepDefinition, WorkflowDefinition } from "../../flow/definition.ts";
import { scopesOf, type MatchNode } from "../../flow/graph.ts";
import { invariant } from "../../value/error.ts";
import type { Json } from "../../value/json.ts";
import { quantileOf, type Distribution, type Quantile } from "../model/distribution.ts";
import type { Arrivals, Model, WorkersModel, StoreModel } from "../model/model.ts";
import { compileUnvalued, type Asked } from "../model/unvalued-graph.ts";

export interface World {
  readonly workflows: readonly SimulatedWorkflow[];
  readonly steps: readonly SimulatedStep[];
  readonly lines: readonly SimulatedLimits[];
  readonly workers: WorkersModel;
  readonly store: StoreModel | null;
}

export interface SimulatedWorkflow {
  /** Its number in the world. */
  readonly number: number;
  readonly name: string;
  readonly compiled: CompiledGraph;
  readonly arrivals: Arrivals | null;
  readonly keyOf: Quantile | null;
  /** By the node's index. */
  readonly nodes: readonly SimulatedNode[];
}

/** What only a value would decide. */
export type SimulatedNode =
  | { readonly kind: "step"; readonly use: SimulatedUse }
  | { readonly kind: "match"; readonly arms: readonly (string | null)[]; readonly armOf: Quantile }
  | { readonly kind: "asked"; readonly asked: Asked; readonly amountOf: Quantile; readonly lists: (Json | undefined)[] }
  | { readonly kind: "waits"; readonly msOf: Quantile }
  | { readonly kind: "call"; readonly workflow: string }
  | { readonly kind: "other" };

/** One use of a step. */
export interface SimulatedUse {
  readonly step: SimulatedStep;
  readonly retry: RetryPolicy;
  /** Infinity: none. */
  readonly timeoutMs: number;
}

export interface SimulatedStep {
  /** Its number in the world. */
  readonly number: number;
  readonly name: string;
  readonly takes: Quantile;
  readonly computes: Quantile | null;
  readonly fails: number;
  readonly queue: SimulatedQueue | null;
  readonly budget: number | null;
}

export interface SimulatedQueue {
  /** The number of its line in the world. */
  readonly line: number;
  readonly hasKeys: boolean;
  readonly isStrict: boolean;
  readonly isBatched: boolean;
  readonly costOf: Quantile | null;
  /** By how much earlier than it did it counts as having come (ms). */
  readonly earlierOf: Quantile | null;
}

export interface SimulatedLimits {
  readonly name: string;
  readonly limits: LineLimits;
}

const AT_ONCE: Distribution = { kind: "fixed", value: 0 };
const ONE: Distribution = { kind: "fixed", value: 1 };

/** `model` says something of each step and workflow; what it does not say of a node takes no time, or happens once. */
export function worldOf(definitions: readonly WorkflowDefinition[], model: Model): World {
  const queued = definitions.flatMap((definition) => [...definition.steps.values()].filter(isQueued));
  const byLine = [...Map.groupBy(queued, lineNameOf)];
  // A step that several workflows use is there several times.
  const lines = byLine.map(([name, steps]) => ({ name, limits: limitsOf(name, new Map(steps.map((step) => [step.name, step])).values()) })); // prettier-ignore
  const lineOf = (step: QueuedStep): number => lines.findIndex(({ name }) => name === lineNameOf(step));
  const known = new Map<string, SimulatedStep>();
  const stepOf = (step: StepDefinition): SimulatedStep => {
    let found = known.get(step.name);
    if (found === undefined) known.set(step.name, (found = simulatedStep(known.size, step, model, lineOf)));
    return found;
  };
  const workflows = definitions.map((definition, number) => simulatedWorkflow(number, definition, model, stepOf));
  return { workflows, steps: [...known.values()], lines, workers: model.workers, store: model.store };
}

function simulatedWorkflow(
  number: number,
  definition: WorkflowDefinition,
  model: Model,
  stepOf: (step: StepDefinition) => SimulatedStep,
): SimulatedWorkflow {
  const { name, graph } = definition;
  const known = model.workflows[name];
  invariant(known !== undefined, `the model says something of workflow ${name}`);
  const { compiled, asked } = compileUnvalued(graph);
  const distributionOf = (id: string, of: "items" | "rounds" | "waits", otherwise: Distribution): Quantile =>
    quantileOf(known[of]?.[id] ?? otherwise);
  const nodeOf = ({ index, node }: CompiledNode): SimulatedNode => {
    const question = asked.get(index);
    if (question !== undefined) {
      const { id } = graph.nodes[question.of]!;
      const of = ({ items: "items", last: "rounds", moment: "waits" } as const)[question.kind];
      return {
        kind: "asked",
        asked: question,
        amountOf: distributionOf(id, of, of === "waits" ? AT_ONCE : ONE),
        lists: [],
      };
    }
    switch (node.kind) {
      case "step": {
        const original = graph.nodes[index]!;
        invariant(original.kind === "step" || original.kind === "script", "a step stands where it stood");
        if (original.kind === "script") return { kind: "waits", msOf: distributionOf(node.id, "waits", AT_ONCE) };
        const { step, retry, timeoutMs } = stepUse(definition, original);
        return { kind: "step", use: { step: stepOf(step), retry, timeoutMs: timeoutMs ?? Infinity } };
      }
      case "match":
        return { kind: "match", ...armsOf(compiled, node, known.arms?.[node.id] ?? {}) };
      case "wait":
      case "approval":
        return { kind: "waits", msOf: distributionOf(node.id, "waits", AT_ONCE) };
      case "call":
        return { kind: "call", workflow: node.workflow };
      default:
        return { kind: "other" };
    }
  };
  const keyOf = known.keys === undefined ? null : sharesOf(Array.from({ length: known.keys.count }, (_, n) => (n + 1) ** -known.keys!.skew)); // prettier-ignore
  return { number, name, compiled, arrivals: known.arrivals, keyOf, nodes: compiled.nodes.map(nodeOf) };
}

/** Which arm a match takes, by the shares of their names; what is left is shared by those that are not named. */
function armsOf(compiled: CompiledGraph, node: MatchNode, shares: Readonly<Record<string, number>>) {
  const arms: (string | null)[] = scopesOf(node).map((scope) => compiled.scopes[scope]!.name);
  if (node.form === "when" && node.otherwise === null) arms.push(null);
  const named = arms.map((arm) => shares[arm ?? ""]);
  const left = Math.max(0, 1 - named.reduce<number>((sum, share) => sum + (share ?? 0), 0));
  const unnamed = named.filter((share) => share === undefined).length;
  return { arms, armOf: sharesOf(named.map((share) => share ?? left / unnamed)) };
}

/** Answers the number of one of them, as often as its share of all says. */
function sharesOf(shares: readonly number[]): Quantile {
  const total = shares.reduce((sum, share) => sum + share, 0);
  if (shares.length === 1) return () => 0;
  if (shares.every((share) => share === shares[0])) return (u) => Math.floor(u * shares.length);
  let reached = 0;
  const upTo = Float64Array.from(shares, (share) => (reached += share / total));
  return (u) => {
    let [low, high] = [0, upTo.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (u < upTo[middle]!) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

function simulatedStep(
  number: number,
  step: StepDefinition,
  model: Model,
  lineOf: (step: QueuedStep) => number,
): SimulatedStep {
  const known = model.steps[step.name];
  invariant(known !== undefined, `the model says something of step ${step.name}`);
  const { budget } = retryPolicy(step.retry ?? {});
  return {
    number,
    name: step.name,
    takes: quantileOf(known.takes),
    computes: known.computes === undefined ? null : quantileOf(known.computes),
    fails: known.fails ?? 0,
    budget,
    queue: !isQueued(step)
      ? null
      : {
          line: lineOf(step),
          hasKeys: step.queue.per !== null,
          isStrict: step.queue.per?.isStrict === true,
          isBatched: step.queue.batch !== null,
          costOf: step.queue.cost === null ? null : quantileOf(known.costs ?? ONE),
          earlierOf: earlierOf(step.queue.priority, known.priorities),
        },
  };
}

function earlierOf(
  priority: QueuedStep["queue"]["priority"],
  classes: readonly (readonly [number, number])[] = [[0, 1]],
): Quantile | null {
  if (typeof priority === "number") return priority === 0 ? null : () => priority * PRIORITY_MS;
  const classOf = sharesOf(classes.map(([, share]) => share));
  return (u) => classes[classOf(u)]![0] * PRIORITY_MS;
}
