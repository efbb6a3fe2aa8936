/**
 * How claimed runs come into a driver's hands: driven at once, or written back, because their turn comes later or
 * because they cannot be loaded.
 * Invariant: a run that cannot be loaded stops none of those that were claimed with it.
 */
import type { RunError } from "../core/entry.ts";
import { decodedClaim } from "../store/codec/decoded.ts";
import type { ClaimedRun, CommitAnswer, RunCommit, Store, Then } from "../store/store.ts";
import type { EngineEvents } from "./events.ts";
import { graphGone, heldUnloaded, undecoded, withoutGraph } from "./held.ts";
import type { LiveRun } from "./live-run.ts";
import { unloaded } from "./parking.ts";
import type { Clock } from "./ports.ts";
import type { Plan, Registry } from "./registry.ts";
import { isCorrupt } from "./stored-graph.ts";
import { SUSPECT_PAUSE_MS, type Suspects } from "./suspects.ts";
import { isUpgrade } from "./upgrade-message.ts";
import { fetchTargets } from "./upgrading.ts";

/** The driver, as far as it takes runs up. */
export interface Adopter {
  readonly lane: number;
  readonly clock: Clock;
  readonly store: Store;
  readonly registry: Registry;
  readonly events: EngineEvents;
  readonly suspects: Suspects;
  readonly runs: ReadonlyMap<string, LiveRun>;
  /** A key of a queue waits for the run: nobody else of it goes before. */
  isAwaited(run: string): boolean;
  /** Nothing more is to be done. */
  isClosed(): boolean;
  /** Why the run cannot be loaded; null: it is driven. */
  drive(claimed: ClaimedRun, plan: Plan): RunError | null;
  /** There are runs in this worker's name that are not driven. */
  isIncomplete(): void;
  commit(batch: readonly RunCommit[]): Promise<readonly CommitAnswer[]>;
}

export async function adopt(adopter: Adopter, claimed: readonly ClaimedRun[]): Promise<void> {
  const { lane, registry, store, runs, suspects } = adopter;
  const postponed: [ClaimedRun, Plan][] = [];
  const unloadable: [ClaimedRun, RunError][] = [];
  for (const kept of claimed) {
    const run = decodedClaim(null, kept);
    const known = runs.get(run.id);
    if (known !== undefined) {
      known.isClaimedAgain = true;
      continue;
    }
    const plan = await planOf(adopter, run);
    if (run.mail.messages.some(isUpgrade))
      await fetchTargets({ registry, store }, lane, run.workflow, run.mail.messages);
    if (adopter.isClosed()) return;
    const unread = run.unread ?? run.mail.unread;
    if (unread !== undefined) unloadable.push([run, undecoded(unread)]);
    else if ("code" in plan) unloadable.push([run, plan]);
    else if (suspects.mustWait(run) && !adopter.isAwaited(run.id)) postponed.push([run, plan]);
    else {
      const reason = adopter.drive(run, plan);
      if (reason !== null) unloadable.push([run, reason]);
    }
  }
  if (unloadable.length > 0) await hold(adopter, unloadable);
  if (postponed.length > 0 && !adopter.isClosed()) await postpone(adopter, postponed);
}

/** How to drive a run, or why that cannot be found out. */
async function planOf({ lane, registry, store }: Adopter, run: ClaimedRun): Promise<Plan | RunError> {
  const { graph, workflow } = run;
  try {
    const plan = registry.known(graph) ?? (await registry.fetch(store, lane, workflow, graph));
    return plan ?? withoutGraph(graphGone(run));
  } catch (thrown) {
    if (isCorrupt(thrown)) return withoutGraph(thrown.message);
    throw thrown;
  }
}

/** Those that got mail meanwhile stay this worker's, and are looked for in its name again. */
async function hold(adopter: Adopter, unloadable: readonly (readonly [ClaimedRun, RunError])[]): Promise<void> {
  const now = adopter.clock.now();
  const commits = unloadable.map(([claimed, reason]) => heldUnloaded(claimed, reason, now));
  const answers = await adopter.commit(commits);
  if (adopter.isClosed()) return;
  if (answers.includes("mail")) adopter.isIncomplete();
  for (const [index, [{ id, workflow }]] of unloadable.entries()) {
    const { then } = commits[index]!;
    if (answers[index] === "written" && then.kind === "end") adopter.events.ended(id, workflow, then);
  }
}

/** Parks runs for a moment that a worker would take up at once otherwise. */
async function postpone(adopter: Adopter, postponed: readonly (readonly [ClaimedRun, Plan])[]): Promise<void> {
  const then: Then = { kind: "park", wakeAt: adopter.clock.now() + SUSPECT_PAUSE_MS };
  const answers = await adopter.commit(postponed.map(([claimed]) => unloaded(claimed, then)));
  if (adopter.isClosed()) return;
  // Mail came meanwhile: it stays this worker's, and has to be driven to read it.
  for (const [index, answer] of answers.entries()) {
    if (answer === "mail" && adopter.drive(...postponed[index]!) !== null) adopter.isIncomplete();
  }
}
