/**
 * Where the open nodes of a run stand in queues, for somebody who decides nothing there: from the run's journal, from the places in
 * the store, and from what the owners of the lines have said. Invariant: of a node of which nobody knows that it waits, nothing
 * is said; numbers are about, since all of it goes on meanwhile.
 */
import { pathOf } from "../../core/path.ts";
import type { Binding } from "../../core/queues/line-facts.ts";
import { RETRYING, visitFrames, type RunState } from "../../core/state.ts";
import type { InLine } from "../../core/why.ts";
import type { WorkflowDefinition } from "../../flow/definition.ts";
import { queueAnswers } from "../../flow/queue-answers.ts";
import type { RunRecord, Store } from "../../store/store.ts";
import { copyJson } from "../../value/json.ts";
import { inputOf } from "../body.ts";
import type { Engine } from "../engine.ts";
import { ofReached } from "../listing.ts";
import { turnIdOf } from "./turn-id.ts";
import { rowOf } from "./queue-row.ts";
import type { LimitTexts } from "../../core/queues/limit-texts.ts";
import type { LineReport, QueueReport } from "./line-report.ts";
import { isPausedBy } from "../../core/queues/line-settings.ts";
import { isQueued, laneOfLine, lineNameOf, PRIORITY_MS, queueOfRuns, type Queued } from "../../core/queues/queue-of.ts";
import { perSecondOf } from "./queue-views.ts";

/** Of so many nodes it is counted who goes before them, and no further than this. */
const COUNTED_NODES = 20;
const COUNTED_MAX = 100_000;

/** An open node whose turn may not have come: in the queue of its step, or that of its workflow's runs. */
interface Open {
  readonly path: string;
  readonly queued: Queued;
  /** As its turn has it. */
  readonly node: string;
  readonly input: ReturnType<typeof inputOf>;
  /** When it could begin if there were no queue (ms since 1970). */
  readonly dueAt: number;
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
  const definition = registry.find(record.workflow);
  if (isDue || definition === undefined) return found;
  const lines = new Map<string, ReturnType<typeof rowOf> | null>();
  let counted = 0;
  for (const open of openNodes(state, definition, now)) {
    const { queued } = open;
    const line = lineNameOf(queued);
    if (!lines.has(line)) {
      const [row] = await store.queues.rows(laneOfLine(line, store.lanes), [line]);
      lines.set(line, row === undefined ? null : rowOf(row));
    }
    const row = lines.get(line)!;
    if (row === null) continue;
    const report = row.isOwned ? row.report : null;
    const said = report?.queues.find(({ queue }) => queue === queued.name);
    if (record.owner !== null && !mayWait(said, turnIdOf(record.id, open.node))) continue;
    const ahead = counted++ < COUNTED_NODES ? await aheadOf(store, record, open, said) : null;
    const pausedOf = row.settings.byName.get(line)?.isPaused === true && isShared(queued) ? "shared" : "queue";
    const paused: Binding = { kind: "paused", of: pausedOf, until: null };
    const isPaused = isPausedBy(row.settings, line, queued.name);
    const binds = isPaused ? paused : bindingOf(said, ahead);
    found.set(open.path, {
      queue: queued.name,
      limit: isShared(queued) ? line : null,
      binds,
      ...(queued.queue.per?.isStrict === true ? { isStrict: true } : {}),
      bound: binds === null ? null : boundOf(binds, report, said),
      ahead,
      startsAt: isPaused || ahead === null ? null : startsAt(ahead, said, binds, now),
      worker: report?.worker ?? null,
    });
  }
  return found;
}

function isShared({ queue }: Queued): boolean {
  return queue.limit !== null;
}

/** Bodies that could be asked for; one without a queue, of a workflow that has one, may wait for its run to be active. */
function openNodes(state: RunState, definition: WorkflowDefinition, now: number): readonly Open[] {
  const open: Open[] = [];
  const runs = queueOfRuns(definition);
  visitFrames(state.root, (frame) => {
    for (const node of frame.scope.nodes) {
      const waits = frame.waits[node.local];
      const isDue = waits === 0 || (waits === RETRYING && frame.retries!.get(node.local)!.at <= now);
      const step = isDue && node.node.kind === "step" ? definition.steps.get(node.node.step) : undefined;
      if (step === undefined) continue;
      const path = pathOf(state.compiled, frame, node);
      if (isQueued(step)) {
        const input = inputOf(state, { frame, node });
        open.push({ path, queued: step, node: path, input, dueAt: frame.readyAt[node.local]! });
      } else if (runs !== null) {
        const input = { ok: true as const, output: state.root.outputs[0]! };
        open.push({ path, queued: runs, node: "", input, dueAt: state.startedAt });
      }
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
  { queued, input, node, dueAt }: Open,
  said: QueueReport | undefined,
): Promise<number | null> {
  const answers = input.ok ? queueAnswers(queued.name, queued.queue, copyJson(input.output)) : null;
  if (answers?.ok !== true) return null;
  const rank = dueAt - answers.priority * PRIORITY_MS;
  const key = store.queues.keyOf(answers.key ?? "");
  const own = { queue: queued.name, key, rank, run, node, cost: answers.cost, weight: answers.weight };
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
