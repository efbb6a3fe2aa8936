/** One use of a step: what its own options and those of the use come to, which is what one call of it may take. */
import type { StepDefinition, WorkflowDefinition } from "../../flow/definition.ts";
import type { StepNode } from "../../flow/graph.ts";
import { durationMs } from "../../value/duration.ts";
import { backoffsMs, retryPolicy, type RetryPolicy } from "../retry.ts";

export interface StepUse {
  readonly step: StepDefinition;
  readonly retry: RetryPolicy;
  /** Of one attempt; null: nobody knows how long it takes. */
  readonly timeoutMs: number | null;
}

export function stepUse({ steps, code }: WorkflowDefinition, node: StepNode): StepUse {
  const step = steps.get(node.step)!;
  const use = code.get(node.id);
  const overrides = use?.kind === "step" ? use.overrides : {};
  const timeout = overrides.timeout ?? step.timeout;
  return {
    step,
    retry: retryPolicy({ ...step.retry, ...overrides.retry }),
    timeoutMs: timeout === undefined ? null : durationMs(timeout),
  };
}

/** How long (ms) a call takes that needs all its attempts, each as long as it may be; null where that has no bound. */
export function longestMs({ retry, timeoutMs }: StepUse): number | null {
  return timeoutMs === null ? null : retry.attemptsMax * timeoutMs + backoffsMs(retry);
}
