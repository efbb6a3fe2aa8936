/** The limits that the steps of some workflows stand behind: the queue of each, and what several share. */
import type { StepDefinition, WorkflowDefinition } from "../../flow/definition.ts";
import type { LimitDefinition, QueueDefinition } from "../../flow/queue-definition.ts";
import type { Rate } from "../../value/rate.ts";

export interface LimitedSteps {
  /** Null: the queue of the one step; else the name of what they share. */
  readonly limit: string | null;
  readonly concurrency: number | null;
  readonly rate: Rate | null;
  readonly steps: ReadonlySet<StepDefinition>;
  /** Where the first of them stands. */
  readonly workflow: string;
  readonly node: string;
}

/** Each limit once, in the order of the workflows; those that limit only what each key does are none. */
export function limitedSteps(definitions: readonly WorkflowDefinition[]): readonly LimitedSteps[] {
  const queues = new Map<StepDefinition, LimitedSteps>();
  const shared = new Map<string, LimitedSteps & { readonly steps: Set<StepDefinition> }>();
  for (const { name: workflow, graph, steps } of definitions) {
    for (const node of graph.nodes) {
      const step = node.kind === "step" ? steps.get(node.step) : undefined;
      if (step?.queue === undefined) continue;
      const { limit } = step.queue;
      const place = { workflow, node: node.id };
      if (!queues.has(step)) queues.set(step, { limit: null, ...limits(step.queue), steps: new Set([step]), ...place });
      if (limit === null) continue;
      const known = shared.get(limit.name);
      known?.steps.add(step);
      if (known !== undefined) continue;
      shared.set(limit.name, { limit: limit.name, ...limits(limit), steps: new Set([step]), ...place });
    }
  }
  return [...queues.values(), ...shared.values()].filter(
    ({ concurrency, rate }) => concurrency !== null || rate !== null,
  );
}

function limits({ concurrency, rate }: QueueDefinition | LimitDefinition) {
  return { concurrency, rate };
}
