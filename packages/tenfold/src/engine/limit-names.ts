/** A limit, and a queue, is found by its name, on all workers: workflows that are opened together have one of a name, in one pool. */
import { isDeepStrictEqual } from "node:util";
import type { WorkflowDefinition } from "../flow/definition.ts";
import type { LimitDefinition } from "../flow/queue-definition.ts";
import { TenfoldError } from "../value/error.ts";
import { isQueued, limitsOf, type QueuedStep } from "../core/queues/queue-of.ts";

/** Who has it. */
interface Holder {
  readonly step: QueuedStep;
  readonly workflow: string;
}

/** LIMIT_NAME_TAKEN for the first two that differ. */
export function checkLimitNames(definitions: Iterable<WorkflowDefinition>): void {
  const limits = new Map<string, Holder & { readonly limit: LimitDefinition }>();
  const queues = new Map<string, Holder>();
  for (const { name: workflow, steps } of definitions) {
    for (const step of [...steps.values()].filter(isQueued)) {
      const { limit } = step.queue;
      const known = queues.get(step.name);
      if (known !== undefined && !isSame(known.step, step)) throw queuesDiffer(step.name, known.workflow, workflow);
      queues.set(step.name, { step, workflow });
      if (limit === null) continue;
      const other = limits.get(limit.name);
      if (other !== undefined && other.limit !== limit) throw limitsDiffer(limit.name, other, { step, workflow });
      if (other !== undefined && other.step.queue.pool !== step.queue.pool) {
        throw poolsDiffer(limit.name, other, { step, workflow });
      }
      limits.set(limit.name, { limit, step, workflow });
    }
  }
  for (const [name, { limit }] of limits) {
    const step = queues.get(name)?.step;
    if (step !== undefined && step.queue.limit !== limit) throw bothCalled(name);
  }
}

/** One step may be made anew for each of several workflows. */
function isSame(one: QueuedStep, other: QueuedStep): boolean {
  if (one === other) return true;
  const [limits, others] = [limitsOf(one.name, [one]), limitsOf(other.name, [other])];
  return isDeepStrictEqual(limits, others) && one.queue.limit === other.queue.limit;
}

function limitsDiffer(limit: string, one: Holder, other: Holder): TenfoldError {
  const message = `Two different limits are called "${limit}": that of the step "${one.step.name}" in workflow "${one.workflow}", and that of "${other.step.name}" in "${other.workflow}"; nothing was opened. Make it once, in a constant that both steps name, or call one of them something else.`;
  const facts = { limit, steps: [one.step.name, other.step.name], workflows: [one.workflow, other.workflow] };
  return new TenfoldError("LIMIT_NAME_TAKEN", message, { facts });
}

/** One worker decides for all who share a limit, and calls their bodies. */
function poolsDiffer(limit: string, one: Holder, other: Holder): TenfoldError {
  const message = `The steps "${one.step.name}" in workflow "${one.workflow}" and "${other.step.name}" in "${other.workflow}" share the limit "${limit}", and are not of one pool; nothing was opened. Give both the same \`pool\`, or each a limit of its own.`;
  return new TenfoldError("QUEUE_INVALID", message, { facts: { limit, steps: [one.step.name, other.step.name] } });
}

function queuesDiffer(step: string, one: string, other: string): TenfoldError {
  const message = `Two different steps with queues are called "${step}", in the workflows "${one}" and "${other}", and their limits differ; nothing was opened. A queue is found by its step's name, on all workers: use the same step in both, or call one of them something else.`;
  return new TenfoldError("LIMIT_NAME_TAKEN", message, { facts: { step, workflows: [one, other] } });
}

function bothCalled(name: string): TenfoldError {
  const message = `A step with a queue and a limit that it does not share are both called "${name}"; nothing was opened. A line is found by its name: call one of them something else.`;
  return new TenfoldError("LIMIT_NAME_TAKEN", message, { facts: { limit: name, step: name } });
}
