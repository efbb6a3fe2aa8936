/**
 * Has runs go on with today's graph: those whose journals fit it are told, the others are counted by why they cannot be.
 * Invariants: what a dry run says of a run is what its driver would decide, unless the run goes on meanwhile; whether a run
 * was moved is read from the store, and never thought; runs are read, told and waited for a batch at a time.
 */
import type { Misfit, UpgradedEntry } from "../core/entry.ts";
import { readLine } from "../core/journal-line.ts";
import { FINISHED, type Message, type RunRecord, type RunStatus, type Send } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import {
  checkOptions,
  checkSelection,
  isFlag,
  laneIn,
  optional,
  type OptionForm,
  type RunSearch,
} from "./caller-checks.ts";
import type { Engine } from "./engine.ts";
import { readRun } from "./inspect.ts";
import { listRuns } from "./listing.ts";
import { misfitToday, RefusedRuns, type Refused } from "./misfits.ts";
import { waitFor } from "./ports.ts";
import type { Selection } from "./telling.ts";

export interface UpgradeOptions {
  /** Only says what would be. */
  readonly dryRun?: boolean;
  /** Is told now and then how far it is. */
  readonly onProgress?: (sofar: Upgraded) => void;
}

export interface Upgraded {
  /** Runs that have begun, have not ended, and are on another graph than today's. */
  readonly found: number;
  /** Those whose journals fit today's graph. */
  readonly fit: number;
  /** Those that are on it now. */
  readonly upgraded: number;
  /** Those that cannot be, by workflow, node and reason; they go on as before. */
  readonly refused: readonly Refused[];
  /** Those that were told, and that nobody who works has taken up yet: they are moved when somebody does. */
  readonly pending: number;
  /** Those that ended before they were moved. */
  readonly ended: number;
}

/** Runs that are read, told and waited for at once. */
const BATCH = 100;
/** How long nobody may take up what was told before it is left to whoever works later. */
const PATIENCE_MS = 10_000;
const LOOK_FIRST_MS = 5;
const LOOK_MAX_MS = 500;

const OPTIONS: Readonly<Record<keyof UpgradeOptions, OptionForm>> = {
  dryRun: optional(isFlag, "Give true or false."),
  onProgress: optional((value) => typeof value === "function", "Give a function."),
};

export function checkUpgrade(selection: Selection, options: UpgradeOptions): void {
  checkOptions("`upgrade`", options, OPTIONS, "nothing was changed");
  checkSelection(selection);
}

/** RUN_UNKNOWN, RUN_FINISHED or RUN_WAITING for a run that is named and is not at work. */
export async function upgradeRuns(
  engine: Engine,
  selection: Selection,
  { dryRun = false, onProgress }: UpgradeOptions,
): Promise<Upgraded> {
  const sum = new UpgradeSum();
  for await (const batch of batches(engine, selection)) {
    await upgradeBatch(engine, batch, dryRun, sum);
    onProgress?.(sum.all);
  }
  if (sum.told > 0) engine.look();
  return sum.all;
}

/** What came of the runs so far. */
class UpgradeSum {
  readonly refused = new RefusedRuns();
  found = 0;
  fit = 0;
  upgraded = 0;
  ended = 0;
  pending = 0;
  told = 0;
  /** Workflows and lanes of which nobody took up what was told: the next of them are not waited for. */
  readonly vain = new Set<string>();

  get all(): Upgraded {
    const { found, fit, upgraded, ended, pending } = this;
    return { found, fit, upgraded, refused: this.refused.all, pending, ended };
  }
}

const AT_WORK: readonly RunStatus[] = ["running", "held"];

async function* batches(engine: Engine, selection: Selection): AsyncGenerator<readonly RunRecord[]> {
  if (typeof selection === "string") {
    const record = await readRun(engine, selection);
    if (!AT_WORK.includes(record.status)) throw notAtWork(record);
    engine.registry.definition(record.workflow);
    if (isBehind(engine, record)) yield [record];
    return;
  }
  for (const workflow of workflowsOf(engine, selection)) {
    for (const status of selection.status === undefined ? AT_WORK : [selection.status]) {
      let batch: RunRecord[] = [];
      for await (const record of listRuns(engine.store, { ...selection, workflow, status }, null)) {
        if (!AT_WORK.includes(status) || !isBehind(engine, record)) continue;
        if (batch.push(record) < BATCH) continue;
        yield batch;
        batch = [];
      }
      if (batch.length > 0) yield batch;
    }
  }
}

/** WORKFLOW_UNKNOWN for one of which there is no code here. */
function workflowsOf({ registry }: Engine, { workflow }: RunSearch): readonly string[] {
  return workflow === undefined ? registry.names : [registry.definition(workflow).name];
}

function isBehind({ registry }: Engine, { workflow, graph }: RunRecord): boolean {
  return registry.find(workflow)!.hash !== graph;
}

async function upgradeBatch(
  engine: Engine,
  batch: readonly RunRecord[],
  dryRun: boolean,
  sum: UpgradeSum,
): Promise<void> {
  const fitting: RunRecord[] = [];
  for (const record of batch) {
    sum.found++;
    const misfit = await misfitToday(engine, record);
    if (misfit === null) fitting.push(record);
    else sum.refused.add(record, misfit);
  }
  sum.fit += fitting.length;
  if (dryRun) return;
  for (const [lane, records] of Map.groupBy(fitting, ({ id }) => laneIn(engine.store, id))) {
    const told = await tell(engine, lane, records, sum);
    await follow(engine, lane, told, sum);
  }
}

interface Told {
  readonly record: RunRecord;
  /** The message's key. */
  readonly key: string;
  readonly to: string;
}

async function tell(
  engine: Engine,
  lane: number,
  records: readonly RunRecord[],
  sum: UpgradeSum,
): Promise<readonly Told[]> {
  const { store, registry, newId, ports } = engine;
  const names = new Set(records.map(({ workflow }) => workflow));
  const graphs = [...names].map((name) => {
    const { hash, graph } = registry.definition(name);
    return { hash, workflow: name, graph: JSON.stringify(graph) };
  });
  await store.putGraphs(lane, graphs);
  const told = records.map((record): Told => ({
    record,
    key: newId(lane),
    to: registry.definition(record.workflow).hash,
  }));
  const sends = told.map(({ record, key, to }): Send => {
    const message: Message = { key, body: { kind: "upgrade", graph: to }, at: ports.clock.now() };
    return { run: record.id, message, reopens: false };
  });
  const answers = await store.send(lane, sends, ports.clock.now());
  engine.look();
  const sent = told.filter((_, index) => answers[index]!.kind === "sent");
  sum.told += sent.length;
  sum.ended += told.length - sent.length;
  return sent;
}

/** Waits until each has been moved or refused; not for ever, as nobody may work here now. */
async function follow(engine: Engine, lane: number, told: readonly Told[], sum: UpgradeSum): Promise<void> {
  const { clock } = engine.ports;
  const whose = `${lane} ${told[0]?.record.workflow}`;
  const patience = clock.now() + (sum.vain.has(whose) ? 0 : PATIENCE_MS);
  let left = told;
  for (let pauseMs = LOOK_FIRST_MS; left.length > 0; pauseMs = Math.min(pauseMs * 2, LOOK_MAX_MS)) {
    const before = left.length;
    left = await stillOpen(engine, lane, left, sum);
    if (left.length === 0) return;
    if (left.length === before && clock.now() >= patience) break;
    await waitFor(clock, pauseMs);
  }
  if (left.length === told.length) sum.vain.add(whose);
  sum.pending += left.length;
}

async function stillOpen(
  engine: Engine,
  lane: number,
  told: readonly Told[],
  sum: UpgradeSum,
): Promise<readonly Told[]> {
  const { store } = engine;
  const records = await store.read(
    lane,
    told.map(({ record }) => record.id),
  );
  const left: Told[] = [];
  for (const [index, one] of told.entries()) {
    const record = records[index];
    if (record?.graph === one.to) sum.upgraded++;
    else if (record === undefined || FINISHED.has(record.status)) sum.ended++;
    else {
      const outcome = await outcomeOf(engine, lane, one);
      if (outcome === "open") left.push(one);
      else if (outcome === "moved") sum.upgraded++;
      else sum.refused.add(record, outcome);
    }
  }
  return left;
}

/** What its driver has made of it, as the journal says; somebody else may have moved the run on since. */
async function outcomeOf({ store }: Engine, lane: number, { record, key }: Told): Promise<Misfit | "moved" | "open"> {
  const lines = await store.journal(lane, record.id);
  const moves = lines
    .filter(({ kind, unread }) => kind === "upgraded" && unread === undefined)
    .map((line) => readLine(line) as UpgradedEntry);
  const own = moves.find(({ message }) => message === key);
  if (own === undefined) return "open";
  if (own.refused !== undefined) return own.refused;
  const last = moves.findLast(({ refused }) => refused === undefined)!;
  if (last === own) return "moved";
  return { entry: null, node: "", reason: `it was moved, and then to graph ${last.to} by somebody else` };
}

function notAtWork({ id: run, status }: RunRecord): TenfoldError {
  if (status === "waiting") {
    return new TenfoldError(
      "RUN_WAITING",
      `Run ${run} has not begun, and was not moved to another graph: it begins with the one that it was started with. Move it once it runs.`,
      { facts: { run } },
    );
  }
  const way = status === "completed" ? "It needs no other graph." : "Retry it first; then move it.";
  return new TenfoldError("RUN_FINISHED", `Run ${run} is ${status} and was not moved to another graph. ${way}`, {
    facts: { run, status },
  });
}
