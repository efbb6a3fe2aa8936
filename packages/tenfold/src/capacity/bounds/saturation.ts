/**
 * When each limit has nothing left to give: the utilisation law, M = capacity / (arrivals x demand of a run). A bound, not a
 * prediction: before that point waiting grows, and an objective may be missed; beyond it nothing helps.
 */
import { CALLS_DEEP_MAX } from "../../core/constructs/call.ts";
import type { Rate } from "../../value/rate.ts";
import type { Arrivals } from "../model/model.ts";
import type { SimulatedStep, SimulatedWorkflow, World } from "../simulator/world.ts";
import { attemptsOf, meanOf, visitsOf } from "./visits.ts";

/** Something that runs share. */
export interface Resource {
  readonly kind: "concurrency" | "rate" | "slots" | "event loop" | "store";
  /** The step, or the limit that several share, by its name; null: the workers', or the store's. */
  readonly of: string | null;
  /** What there is of it: at once, or for a rate a second. */
  readonly amount: number;
  /** The share of it that is used at the expected volume. */
  readonly used: number;
  /** The multiple of that volume, of this workflow alone, at which all of it is used; Infinity: its runs do not use it. */
  readonly saturatesAt: number;
}

/** What is used in a second, at once or of a rate, by this workflow and by the others. */
interface Use {
  readonly kind: Resource["kind"];
  readonly of: string | null;
  readonly amount: number;
  own: number;
  others: number;
}

/** Of each limit that `name` runs into, the one that is used up first comes first. */
export function saturation(world: World, name: string): readonly Resource[] {
  const uses = resourcesOf(world);
  for (const workflow of world.workflows) {
    charge(uses, world, {
      workflow,
      perSecond: perSecondOf(workflow.arrivals),
      isOwn: workflow.name === name,
      depth: 0,
    });
  }
  const found = [...uses.values()].map(({ kind, of, amount, own, others }): Resource => {
    const saturatesAt = own === 0 ? Infinity : Math.max(0, (amount - others) / own);
    return { kind, of, amount, used: (own + others) / amount, saturatesAt };
  });
  return found.filter(({ saturatesAt }) => saturatesAt < Infinity).sort((a, b) => a.saturatesAt - b.saturatesAt);
}

/** Runs a second that are meant to come; of a closed circle that is found out by simulating it. */
function perSecondOf(arrivals: Arrivals | null): number {
  switch (arrivals?.kind) {
    case "poisson":
    case "even":
      return arrivals.perSecond;
    case "times": {
      const spanMs = (arrivals.at.at(-1) ?? 0) - (arrivals.at[0] ?? 0);
      return spanMs > 0 ? ((arrivals.at.length - 1) * 1000) / spanMs : 0;
    }
    default:
      return 0;
  }
}

function resourcesOf({ lines, workers, store }: World): Map<string, Use> {
  const uses = new Map<string, Use>();
  const add = (kind: Use["kind"], of: string | null, amount: number): void => {
    uses.set(nameOf(kind, of), { kind, of, amount, own: 0, others: 0 });
  };
  for (const { name, limits } of lines) {
    for (const { queue, own } of limits.queues) {
      if (own.concurrency !== null) add("concurrency", queue, own.concurrency);
      if (own.rate !== null) add("rate", queue, perSecond(own.rate));
    }
    const { shared } = limits;
    if (shared !== null && shared.concurrency !== null) add("concurrency", `limit ${name}`, shared.concurrency);
    if (shared !== null && shared.rate !== null) add("rate", `limit ${name}`, perSecond(shared.rate));
  }
  add("slots", null, workers.count * workers.slots);
  add("event loop", null, workers.count);
  // A commit costs the same however much is in it: what is left is what each line costs.
  if (store !== null && store.lineMs > 0) add("store", null, 1000 / store.lineMs);
  return uses;
}

/** Runs of a workflow that come: by themselves, or called by others, which are so many above them. */
interface Coming {
  readonly workflow: SimulatedWorkflow;
  readonly perSecond: number;
  readonly isOwn: boolean;
  readonly depth: number;
}

function charge(uses: Map<string, Use>, world: World, { workflow, perSecond: runs, isOwn, depth }: Coming): void {
  if (runs === 0 || depth > CALLS_DEEP_MAX) return;
  const take = (kind: Use["kind"], of: string | null, amount: number): void => {
    const use = uses.get(nameOf(kind, of));
    if (use === undefined) return;
    if (isOwn) use.own += runs * amount;
    else use.others += runs * amount;
  };
  visitsOf(workflow).forEach((visits, index) => {
    const node = workflow.nodes[index]!;
    if (visits === 0 || node.kind === "other" || node.kind === "asked") return;
    if (node.kind === "call") {
      const child = world.workflows.find(({ name }) => name === node.workflow);
      if (child !== undefined)
        charge(uses, world, { workflow: child, perSecond: runs * visits, isOwn, depth: depth + 1 });
    }
    if (node.kind !== "step") return take("store", null, visits);
    const { step, timeoutMs } = node.use;
    const calls = visits * attemptsOf(node.use);
    const waitsMs = meanOf((u) => Math.min(timeoutMs, step.takes(u)));
    const computesMs = step.computes === null ? 0 : meanOf(step.computes);
    const seconds = (calls * (waitsMs + computesMs)) / 1000;
    take("slots", null, seconds);
    take("event loop", null, (calls * computesMs) / 1000);
    take("store", null, calls);
    for (const name of limitsOf(world, step)) {
      take("concurrency", name, seconds);
      take("rate", name, calls * (step.queue!.costOf === null ? 1 : meanOf(step.queue!.costOf)));
    }
  });
}

/** The names of the limits that a body of the step takes of. */
function limitsOf({ lines }: World, { name, queue }: SimulatedStep): readonly string[] {
  if (queue === null) return [];
  const line = lines[queue.line]!;
  return line.limits.shared === null ? [name] : [name, `limit ${line.name}`];
}

function perSecond({ count, perMs }: Rate): number {
  return (count * 1000) / perMs;
}

function nameOf(kind: Use["kind"], of: string | null): string {
  return `${kind}\n${of ?? ""}`;
}
