/** What the `queue` of a step comes to: whose dispatcher decides, within which limits, and where one attempt stands. */
import type { Limit, LineLimits, QueueLimits } from "./line-state.ts";
import type { StepDefinition, WorkflowDefinition } from "../../flow/definition.ts";
import type { BacklogDefinition, QueueDefinition } from "../../flow/queue-definition.ts";
import { hash32 } from "../../value/hash.ts";
import { rateOf } from "../../value/rate.ts";
import { NOTHING_SET, type LineSettings, type QueueSettings } from "./line-settings.ts";

/** By how much earlier a class of priority above counts as having come (ms). */
export const PRIORITY_MS = 60_000;

/** A step with a queue, or the runs of a workflow that has one. */
export interface Queued {
  readonly name: string;
  readonly queue: QueueDefinition;
}

const RUNS_OF = "runs of ";

export type QueuedStep = StepDefinition & Queued;

/** What the queue of a workflow's runs is called; no step has such a name. */
export function runsOf(workflow: string): string {
  return `${RUNS_OF}${workflow}`;
}

/** The queue of a workflow's runs. */
export function queueOfRuns({ name, queue }: WorkflowDefinition): Queued | null {
  return queue === undefined ? null : { name: runsOf(name), queue };
}

/** What the owner of a step's line keeps to; of a workflow's runs whoever starts them does. */
export function backlogInLine(queued: Queued | undefined): BacklogDefinition | null {
  const backlog = queued?.queue.backlog ?? null;
  return backlog === null || queued!.name.startsWith(RUNS_OF) ? null : backlog;
}

/** Whoever starts runs of the workflow goes by how many wait in this queue of theirs. */
export function isHeldTo({ name, queue }: Queued): boolean {
  return name.startsWith(RUNS_OF) && queue.backlog !== null;
}

export function isQueued(step: StepDefinition): step is QueuedStep {
  return step.queue !== undefined;
}

/** The name under which it has one dispatcher, with all that share its limit. */
export function lineNameOf({ name, queue }: Queued): string {
  return queue.limit?.name ?? name;
}

/** Where the line is owned, and has its row. */
export function laneOfLine(line: string, lanes: number): number {
  return hash32(`queue\n${line}`) % lanes;
}

/** The limits of steps that share a dispatcher: as the code says, but for what is set. */
export function limitsOf(line: string, steps: Iterable<Queued>, settings: LineSettings = NOTHING_SET): LineLimits {
  const all = [...steps];
  const limit = all.findLast(({ queue }) => queue.limit !== null)?.queue.limit ?? null;
  // A step that is called as its limit is has no settings of its own.
  const setOf = (name: string): QueueSettings =>
    limit !== null && name === line ? {} : (settings.byName.get(name) ?? {});
  return {
    shared: limit && limitSet(limit, settings.byName.get(line) ?? {}),
    queues: all.map(({ name, queue: { per, batch, ...own } }): QueueLimits => {
      const set = setOf(name);
      const ofKeys = per && limitSet(per, set.per ?? {});
      // A strict order holds whatever is set.
      return {
        queue: name,
        own: limitSet(own, set),
        per: ofKeys && (per.isStrict ? { ...ofKeys, concurrency: 1 } : ofKeys),
        batch,
      };
    }),
  };
}

function limitSet({ concurrency, rate }: Limit, set: Pick<QueueSettings, "concurrency" | "rate">): Limit {
  return {
    concurrency: set.concurrency === undefined ? concurrency : set.concurrency,
    rate: set.rate === undefined ? rate : set.rate === null ? null : rateOf(set.rate),
  };
}
