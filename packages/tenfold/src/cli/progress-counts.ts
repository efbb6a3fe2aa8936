/** How far the runs of a workflow are: what attempts and endings add up to, by step, and who waits in line for it now. */
import type { AttemptEvent } from "../engine/events.ts";
import type { QueueView } from "../engine/queues/queue-views.ts";
import type { Graph } from "../flow/graph.ts";

export interface ProgressCounts {
  readonly workflow: string;
  readonly startedAt: number;
  /** Runs that there are in all; null while nobody knows. */
  total: number | null;
  /** Runs of them that had ended before. */
  before: number;
  /** Runs that ended since then, by how. */
  completed: number;
  failed: number;
  cancelled: number;
  held: number;
  /**
   * "waiting": all that is left is to wait for somebody, or for a time. "stopping": nothing new is begun any more, and what
   * was is being finished; "stopped": that is over as well.
   */
  phase: "working" | "waiting" | "stopping" | "stopped";
  readonly steps: Map<string, StepCounts>;
}

export interface StepCounts {
  readonly step: string;
  /** How often every run that completes has done it; null where that depends on the run (an arm, an each). */
  readonly perRun: number | null;
  done: number;
  /** Attempts that failed or timed out. */
  failedAttempts: number;
  /** Of late: attempts done in each of the last seconds. */
  readonly recent: { readonly second: number; done: number }[];
  /** Attempts that wait in the step's queue now, and those that it lets run; null: it has none, or nobody is in it. */
  queue: Pick<QueueView, "waiting" | "running"> | null;
}

const NOTHING_DONE: Pick<StepCounts, "done" | "failedAttempts" | "queue"> = { done: 0, failedAttempts: 0, queue: null };

/** Seconds that a rate is taken over. */
const RATE_SECONDS = 5;

export function newCounts(graph: Graph, total: number | null, now: number): ProgressCounts {
  const steps = new Map<string, StepCounts>();
  for (const node of graph.nodes) {
    if (node.kind !== "step") continue;
    const known = steps.get(node.step);
    const perRun = node.scope !== 0 || known?.perRun === null ? null : (known?.perRun ?? 0) + 1;
    steps.set(node.step, { ...NOTHING_DONE, step: node.step, perRun, recent: [] });
  }
  return {
    workflow: graph.workflow,
    startedAt: now,
    total,
    before: 0,
    completed: 0,
    failed: 0,
    cancelled: 0,
    held: 0,
    phase: "working",
    steps,
  };
}

export function countAttempt(counts: ProgressCounts, { step, outcome, endedAt }: AttemptEvent): void {
  const known = counts.steps.get(step);
  // A run of an older graph may still have a step that today's has not.
  const one = known ?? { ...NOTHING_DONE, step, perRun: null, recent: [] };
  if (known === undefined) counts.steps.set(step, one);
  if (outcome !== "done") {
    one.failedAttempts++;
    return;
  }
  one.done++;
  const second = Math.floor(endedAt / 1000);
  const last = one.recent.at(-1);
  if (last !== undefined && last.second >= second) last.done++;
  else one.recent.push({ second, done: 1 });
  while (one.recent[0]!.second <= second - RATE_SECONDS) one.recent.shift();
}

export function countEnding(counts: ProgressCounts, status: string): void {
  if (status === "completed" || status === "failed" || status === "cancelled" || status === "held") counts[status]++;
}

/** The queues as they are now: one that is not among them is empty. */
export function countQueues(counts: ProgressCounts, views: readonly QueueView[]): void {
  for (const step of counts.steps.values()) {
    const view = views.find(({ kind, queue }) => kind === "queue" && queue === step.step);
    step.queue = view === undefined || view.waiting + view.running === 0 ? null : view;
  }
}

/** Runs that ended, before and since. */
export function endedRuns({ before, completed, failed, cancelled }: ProgressCounts): number {
  return before + completed + failed + cancelled;
}

/** How often the step was done; a run that went on from an earlier start has done it then. */
export function doneOf(counts: ProgressCounts, step: StepCounts): number {
  const { done, perRun } = step;
  if (perRun === null) return done;
  // Runs that others started may be worked here as well; they are none of these.
  return Math.min(Math.max(done, perRun * counts.completed), expectedOf(counts, step) ?? Infinity);
}

/** How often the step will be done in all, where that is known. */
export function expectedOf({ total, before }: ProgressCounts, { perRun }: StepCounts): number | null {
  return total === null || perRun === null ? null : perRun * Math.max(0, total - before);
}

/** Times a second, over the last few seconds. */
export function rateOf({ recent }: StepCounts, startedAt: number, now: number): number {
  const since = now - RATE_SECONDS * 1000;
  const done = recent.reduce((sum, one) => (one.second * 1000 >= since - 1000 ? sum + one.done : sum), 0);
  return (done * 1000) / Math.min(RATE_SECONDS * 1000, Math.max(1000, now - startedAt));
}

/** How long the rest takes if it goes on as it went so far (ms); null where there is too little to say, or no rest. */
export function restMs(counts: ProgressCounts, now: number): number | null {
  const { total, before, startedAt, phase } = counts;
  const elapsedMs = now - startedAt;
  if (phase !== "working" || total === null || endedRuns(counts) >= total || elapsedMs < 1000) return null;
  // Runs side by side all end at about the same time: so steps that were done count as well as runs that ended.
  let done = endedRuns(counts) - before;
  let expected = total - before;
  for (const step of counts.steps.values()) {
    const steps = expectedOf(counts, step);
    if (steps === null) continue;
    done += Math.min(doneOf(counts, step), steps);
    expected += steps;
  }
  const share = done / expected;
  return share < 0.02 || share >= 1 ? null : (elapsedMs * (1 - share)) / share;
}
