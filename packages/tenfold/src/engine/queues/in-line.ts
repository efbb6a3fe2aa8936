/**
 * Where the open nodes of a run stand in queues, for somebody who decides nothing there: from the run's journal, from the places in
 * the store, and from what the owners of the lines have said. Invariant: of a node of which nobody knows that it waits, nothing
 * is said; numbers are about, since all of it goes on meanwhile.
 */
import { pathOf } from "../../core/path.ts";
import type { Binding } from "../../core/queues/line-facts.ts";
import { RETRYING, visitFrames, type Place, type RunState } from "../../core/state.ts";
import type { InLine } from "../../core/why.ts";
import type { WorkflowDefinition } from "../../flow/definition.ts";
import { queueAnswers } from "../../flow/queue-answers.ts";
import type { RunRecord, Store } from "../../store/store.ts";
import { copyJson } from "../../value/json.ts";
import { inputOf } from "../body.ts";
import type { Engine } from "../engine.ts";
import { ofReached } from "../listing.ts";
import { turnIdOf } from "./turn-id.ts";
import { rowOf } from "./known-lines.ts";
import type { LimitTexts } from "./limit-texts.ts";
import type { LineReport, QueueReport } from "./line-report.ts";
import { isPausedBy } from "./line-settings.ts";
import { isQueued, laneOfLine, lineNameOf, PRIORITY_MS, type QueuedStep } from "./queue-of.ts";
import { perSecondOf } from "./queue-views.ts";

/** Of so many nodes it is counted who goes before them, and no further than this. */
const COUNTED_NODES = 20;
const COUNTED_MAX = 100_000;

interface OpenStep {
  readonly path: string;
  readonly place: Place;
  readonly step: QueuedStep;
}

/** By the paths of the nodes. */
export async function inLineOf(
  { store, registry, ports }: Pick<Engine, "store" | "registry" | "ports">,
  record: RunRecord,
  state: RunState,
): Promise<ReadonlyMap<string, InLine>> {
  const now = ports.clock.now();
  const found = new Map<string, InLine>();
  // One that is due was given back, and stands nowhere until somebody takes it.
  const isDue = record.owner === null && record.wakeAt !== null && record.wakeAt <= now;
  const steps = registry.find(record.workflow)?.steps;
  if (isDue || steps === undefined) return found;
  const lines = new Map<string, ReturnType<typeof rowOf> | null>();
  let counted = 0;
  for (const open of openSteps(state, steps, now)) {
    const line = lineNameOf(open.step);
    if (!lines.has(line)) {
      const [row] = await store.queues.rows(laneOfLine(line, store.lanes), [line]);
      lines.set(line, row === undefined ? null : rowOf(row));
    }
    const row = lines.get(line)!;
    if (row === null) continue;
    const report = row.isOwned ? row.report : null;
    const said = report?.queues.find(({ queue }) => queue === open.step.name);
    if (record.owner !== null && !mayWait(said, turnIdOf(record.id, open.path))) continue;
    const ahead = counted++ < COUNTED_NODES ? await aheadOf(store, record, state, open, said) : null;
    const pausedOf = row.settings.byName.get(line)?.isPaused === true && isShared(open.step) ? "shared" : "queue";
    const paused: Binding = { kind: "paused", of: pausedOf, until: null };
    const isPaused = isPausedBy(row.settings, line, open.step.name);
    const binds = isPaused ? paused : bindingOf(said, ahead);
    found.set(open.path, {
      queue: open.step.name,
      limit: isShared(open.step) ? line : null,
      binds,
      bound: binds === null ? null : boundOf(binds, report, said),
      ahead,
      startsAt: isPaused || ahead === null ? null : startsAt(ahead, said, binds, now),
      worker: report?.worker ?? null,
    });
  }
  return found;
}

function isShared({ queue }: QueuedStep): boolean {
  return queue.limit !== null;
}

function openSteps(state: RunState, steps: WorkflowDefinition["steps"], now: number): readonly OpenStep[] {
  const open: OpenStep[] = [];
  visitFrames(state.root, (frame) => {
    for (const node of frame.scope.nodes) {
      const waits = frame.waits[node.local];
      const isDue = waits === 0 || (waits === RETRYING && frame.retries!.get(node.local)!.at <= now);
      const step = isDue && node.node.kind === "step" ? steps.get(node.node.step) : undefined;
      if (step === undefined || !isQueued(step)) continue;
      open.push({ path: pathOf(state.compiled, frame, node), place: { frame, node }, step });
    }
  });
  return open;
}

/** Of a run in somebody's memory: whether its body may wait for its turn still; the owner of the line has said who runs. */
function mayWait(said: QueueReport | undefined, id: string): boolean {
  return said !== undefined && said.waiting > 0 && said.begun !== null && !said.begun.includes(id);
}

/** About how many of its key go before it, in the store and in memory; null: its code does not say where it stands. */
async function aheadOf(
  store: Store,
  { id: run, owner }: RunRecord,
  state: RunState,
  { place, step, path: node }: OpenStep,
  said: QueueReport | undefined,
): Promise<number | null> {
  const input = inputOf(state, place);
  const answers = input.ok ? queueAnswers(step.name, step.queue, copyJson(input.output)) : null;
  if (answers?.ok !== true) return null;
  const rank = place.frame.readyAt[place.node.local]! - answers.priority * PRIORITY_MS;
  const key = store.queues.keyOf(answers.key ?? "");
  const own = { queue: step.name, key, rank, run, node, cost: answers.cost, weight: answers.weight };
  const lanes = Array.from({ length: store.lanes }, (_, lane) => lane);
  const counts = await Promise.all(
    lanes.map((lane) => ofReached(store, lane, async () => [await store.queues.ahead(lane, own, COUNTED_MAX)])),
  );
  const stored = counts.flat().reduce((sum, count) => sum + count, 0);
  return stored + (answers.key === null && said !== undefined ? aheadInMemory(said, rank, owner === null) : 0);
}

/** Between the first and the last in memory others are taken to stand at equal distances. */
function aheadInMemory({ waiting, first, last }: QueueReport, rank: number, isParked: boolean): number {
  if (first === null || last === null || rank < first) return 0;
  if (rank > last || (isParked && rank === last)) return waiting;
  if (first === last) return 0;
  return Math.round(((rank - first) / (last - first)) * (waiting - 1));
}

/** A queue that nothing holds up has turns for others: those of the same key wait for what holds for each key. */
function bindingOf(said: QueueReport | undefined, ahead: number | null): Binding | null {
  if (said === undefined) return null;
  if (said.binds !== null || said.per === null || ahead === 0) return said.binds;
  if (said.per.concurrency !== null) return { kind: "concurrency", of: "key", until: null };
  return said.per.rate === null ? null : { kind: "rate", of: "key", until: null };
}

function boundOf(binds: Binding, report: LineReport | null, said: QueueReport | undefined): string | null {
  const limits: Readonly<Record<Binding["of"], LimitTexts | null | undefined>> = {
    shared: report?.shared,
    queue: said?.own,
    key: said?.per,
  };
  const { concurrency = null, rate = null } = limits[binds.of] ?? {};
  if (binds.kind === "rate") return rate;
  return binds.kind === "concurrency" && concurrency !== null ? `${concurrency} at once` : null;
}

/** Between keys turns are shared: with keys only the rate of its own is known. */
function startsAt(ahead: number, said: QueueReport | undefined, binds: Binding | null, now: number): number | null {
  if (said === undefined) return null;
  const { per, own, perSecond } = said;
  const permitted = per === null ? own.rate : per.rate;
  const speed = per === null && perSecond > 0 ? perSecond : permitted === null ? 0 : perSecondOf(permitted);
  if (speed === 0) return null;
  return Math.max(now + Math.round((ahead * 1000) / speed), binds?.until ?? 0);
}
