/**
 * What a deploy of some workflows comes to for a store: what has changed in their graphs, which runs in flight stand where,
 * which of them would be held for want of code, and which could go on with the new graphs.
 * Invariants: nothing is changed; no finished run is read but the newest of a workflow; what was not looked at is told.
 */
import { nodesAhead } from "../core/ahead.ts";
import type { CompiledNode } from "../core/compile.ts";
import { idOfPath } from "../core/path.ts";
import { replay } from "../core/reduce.ts";
import { waitsOf } from "../core/why.ts";
import { diffGraphs, isEmptyDiff, type GraphDiff } from "../flow/graph-diff.ts";
import type { Graph } from "../flow/graph.ts";
import type { RunRecord, RunStatus, StoredGraph } from "../store/store.ts";
import { checkOptions, isWholeFrom, laneIn, optional, type OptionForm } from "./caller-checks.ts";
import { isUnreadable, readBy, readJournal, type Reader } from "./inspect.ts";
import { countRuns, listRuns } from "./listing.ts";
import { RefusedRuns, misfitOf, type Refused } from "./misfits.ts";
import type { Plan, Registry } from "./registry.ts";
import { isCorrupt, readGraph } from "./stored-graph.ts";

export interface PlanOptions {
  /** Only this workflow. */
  readonly workflow?: string;
  /** Runs in flight that are counted by graph, of each workflow; 100,000 where it is not said. */
  readonly runsMax?: number;
  /** Runs of each graph whose journals are read; 1,000 where it is not said. */
  readonly journalsMax?: number;
  /** Is told now and then how many runs were looked at. */
  readonly onProgress?: (looked: number) => void;
}

export interface DeployPlan {
  readonly workflows: readonly WorkflowPlan[];
  /** Runs, of those looked at, that would be held or that nobody would work any more. */
  readonly held: number;
  /** Some runs in flight were not looked at. */
  readonly isPartial: boolean;
}

export interface WorkflowPlan {
  readonly workflow: string;
  /** "gone": the store has runs of it, and today's code has not the workflow. */
  readonly change: "new" | "unchanged" | "changed" | "gone";
  /** What has changed since the newest run's graph; null where that is today's, or not known. */
  readonly diff: GraphDiff | null;
  /** Runs that have not ended, all of them. */
  readonly inFlight: number;
  /** How many of them were counted by graph. */
  readonly counted: number;
  readonly graphs: readonly GraphPlan[];
}

/** Runs in flight on one graph. */
export interface GraphPlan {
  readonly graph: string;
  readonly isToday: boolean;
  readonly runs: number;
  /** How many of them were looked at: what follows is of those. */
  readonly looked: number;
  /** Those that have not begun: they begin with this graph. */
  readonly waiting: number;
  /** Where the others stand; one may stand at several nodes. */
  readonly nodes: readonly { readonly node: string; readonly runs: number }[];
  /** Those that would be held: at the node, whose code is gone, now or when they come to it. */
  readonly held: readonly HeldRuns[];
  /** Those that could go on with today's graph; null: it is today's, or there is none. */
  readonly fit: number | null;
  readonly refused: readonly Refused[];
}

export interface HeldRuns {
  readonly node: string;
  /** "the step enrich", "the undo of the step charge", "the function of a derive", "the workflow invoice". */
  readonly gone: string;
  /** At once, as they stand there; the others only if they get there. */
  readonly now: number;
  readonly later: number;
  /** One of them. */
  readonly run: string;
}

const RUNS_MAX = 100_000;
const JOURNALS_MAX = 1000;
const PROGRESS_EVERY = 100;
const IN_FLIGHT: readonly RunStatus[] = ["held", "running", "waiting"];

const isCount = isWholeFrom(1);
const OPTIONS: Readonly<Record<keyof PlanOptions, OptionForm>> = {
  workflow: optional((value) => typeof value === "string", "Give a workflow's name."),
  runsMax: optional((value) => value === Infinity || isCount(value), "Give a whole number from 1, or Infinity."),
  journalsMax: optional((value) => value === Infinity || isCount(value), "Give a whole number from 1, or Infinity."),
  onProgress: optional((value) => typeof value === "function", "Give a function."),
};

/** WORKFLOW_UNKNOWN for a name that neither the code nor the store has. */
export async function planDeploy(reader: Reader, options: PlanOptions = {}): Promise<DeployPlan> {
  checkOptions("`plan`", options, OPTIONS, "nothing was looked at");
  const { store, registry } = reader;
  const inFlight = new Map<string, number>();
  for (const { workflow, status, runs } of await countRuns(store, {})) {
    if (IN_FLIGHT.includes(status)) inFlight.set(workflow, (inFlight.get(workflow) ?? 0) + runs);
  }
  const names = [...new Set([...registry.names, ...inFlight.keys()])];
  const wanted = names.filter((name) => options.workflow === undefined || name === options.workflow);
  if (wanted.length === 0 && options.workflow !== undefined) registry.definition(options.workflow);
  const progress = { looked: 0, tell: options.onProgress };
  const workflows: WorkflowPlan[] = [];
  for (const name of wanted)
    workflows.push(await planWorkflow(reader, name, inFlight.get(name) ?? 0, options, progress));
  const held = workflows.reduce((sum, { graphs, change, counted }) => {
    const gone = change === "gone" ? counted : 0;
    return sum + gone + graphs.reduce((runs, graph) => runs + heldIn(graph), 0);
  }, 0);
  const isPartial = workflows.some(({ change, inFlight: all, counted, graphs }) => {
    return counted < all || (change !== "gone" && graphs.some(({ runs, looked }) => looked < runs));
  });
  return { workflows, held, isPartial };
}

function heldIn({ held }: GraphPlan): number {
  return held.reduce((runs, { now, later }) => runs + now + later, 0);
}

interface Progress {
  looked: number;
  readonly tell: ((looked: number) => void) | undefined;
}

async function planWorkflow(
  reader: Reader,
  workflow: string,
  inFlight: number,
  { runsMax = RUNS_MAX, journalsMax = JOURNALS_MAX }: PlanOptions,
  progress: Progress,
): Promise<WorkflowPlan> {
  const { registry } = reader;
  const definition = registry.find(workflow);
  const graphs = new Map<string, GraphCount>();
  let counted = 0;
  if (inFlight > 0) {
    for await (const record of inFlightRuns(reader, workflow, runsMax)) {
      counted++;
      let graph = graphs.get(record.graph);
      if (graph === undefined) graphs.set(record.graph, (graph = new GraphCount(reader, record)));
      await graph.add(record, journalsMax);
      if (definition !== undefined && ++progress.looked % PROGRESS_EVERY === 0) progress.tell?.(progress.looked);
    }
  }
  const newest = definition === undefined ? undefined : await newestGraph(reader, workflow);
  const diff = newest === undefined || definition === undefined || newest.hash === definition.hash || newest.graph === undefined
      ? null : diffGraphs(newest.graph, definition.graph); // prettier-ignore
  const change = definition === undefined ? "gone" : newest === undefined ? "new" : diff === null && newest.hash === definition.hash ? "unchanged" : "changed"; // prettier-ignore
  return {
    workflow,
    change,
    diff: diff === null || isEmptyDiff(diff) ? null : diff,
    inFlight: Math.max(inFlight, counted),
    counted,
    graphs: [...graphs.values()].map((graph) => graph.plan).sort((a, b) => b.runs - a.runs),
  };
}

async function* inFlightRuns({ store }: Reader, workflow: string, runsMax: number): AsyncGenerator<RunRecord> {
  let left = runsMax;
  for (const status of IN_FLIGHT) {
    if (left === 0) return;
    for await (const record of listRuns(store, { workflow, status }, null)) {
      yield record;
      if (--left === 0) return;
    }
  }
}

/** The graph that the newest run of a workflow is on, whether it has ended or not. */
async function newestGraph(
  { store }: Reader,
  workflow: string,
): Promise<{ hash: string; graph: Graph | undefined } | undefined> {
  for await (const { id, graph: hash } of listRuns(store, { workflow }, null, 1)) {
    const stored = await store.graph(laneIn(store, id), hash);
    return { hash, graph: stored && wholeGraph(stored) };
  }
  return undefined;
}

/** What has changed since one that is spoilt is not known. */
function wholeGraph(stored: StoredGraph): Graph | undefined {
  try {
    return readGraph(stored);
  } catch (thrown) {
    if (isCorrupt(thrown)) return undefined;
    throw thrown;
  }
}

/** Runs of one graph, as they are looked at. */
class GraphCount {
  readonly #reader: Reader;
  readonly #hash: string;
  readonly #today: string | undefined;
  readonly #nodes = new Map<string, number>();
  readonly #held = new Map<number, { -readonly [K in keyof HeldRuns]: HeldRuns[K] }>();
  readonly #refused = new RefusedRuns();
  #plan: Plan | undefined;
  /** Why there is no plan. */
  #problem: string;
  #gone: ReadonlyMap<number, string> = new Map();
  #runs = 0;
  #looked = 0;
  #waiting = 0;
  #fit = 0;

  constructor(reader: Reader, { graph, workflow }: RunRecord) {
    this.#reader = reader;
    this.#hash = graph;
    this.#today = reader.registry.find(workflow)?.hash;
    this.#problem = `its graph ${graph} is not in the store`;
  }

  async add(record: RunRecord, journalsMax: number): Promise<void> {
    this.#runs++;
    if (this.#today === undefined || this.#looked >= journalsMax) return;
    try {
      if (this.#looked++ === 0) await this.#prepare(record);
      if (this.#plan === undefined) this.#refused.add(record, unreadable(this.#problem));
      else await this.#look(record, this.#plan);
    } catch (thrown) {
      if (!isUnreadable(thrown)) throw thrown;
      // Of a graph that is spoilt, all runs are.
      if (this.#plan === undefined) this.#problem = thrown.message;
      this.#refused.add(record, unreadable(thrown.message));
    }
  }

  async #prepare({ id, workflow, graph }: RunRecord): Promise<void> {
    const { registry, store } = this.#reader;
    this.#plan = registry.known(graph) ?? (await registry.fetch(store, laneIn(store, id), workflow, graph));
    if (this.#plan !== undefined) this.#gone = goneCode(registry, this.#plan);
  }

  async #look(record: RunRecord, { compiled }: Plan): Promise<void> {
    const read = await readJournal(this.#reader, record);
    const state = readBy(record.id, () => replay(read.compiled, read.begun, read.entries));
    const isWaiting = record.status === "waiting";
    const open = new Set(isWaiting ? [] : waitsOf(state).map(({ node }) => idOfPath(node)));
    for (const node of open) this.#nodes.set(node, (this.#nodes.get(node) ?? 0) + 1);
    if (isWaiting) this.#waiting++;
    const ahead = this.#gone.size === 0 ? [] : [...nodesAhead(state)].filter((index) => this.#gone.has(index));
    // A run is counted once: where it stands, or where it comes to first.
    const isOpen = (index: number): boolean => isOpenIn(open, compiled.nodes[index]!);
    const first = ahead.find(isOpen) ?? ahead[0];
    if (first !== undefined) this.#hold(record, compiled.nodes[first]!.node.id, first, isOpen(first));
    if (this.#today === this.#hash || isWaiting) return;
    const misfit = misfitOf(this.#reader, record.workflow, read);
    if (misfit === null) this.#fit++;
    else this.#refused.add(record, misfit);
  }

  #hold({ id: run }: RunRecord, node: string, index: number, isNow: boolean): void {
    const known = this.#held.get(index) ?? { node, gone: this.#gone.get(index)!, now: 0, later: 0, run };
    if (isNow) known.now++;
    else known.later++;
    this.#held.set(index, known);
  }

  get plan(): GraphPlan {
    const isToday = this.#today === this.#hash;
    return {
      graph: this.#hash,
      isToday,
      runs: this.#runs,
      looked: this.#looked,
      waiting: this.#waiting,
      nodes: [...this.#nodes].map(([node, runs]) => ({ node, runs })).sort((a, b) => b.runs - a.runs),
      held: [...this.#held.values()],
      fit: isToday || this.#today === undefined ? null : this.#fit,
      refused: this.#refused.all,
    };
  }
}

/** A script is called as soon as its run is loaded, whatever of its calls is open. */
function isOpenIn(open: ReadonlySet<string>, { node: { kind, id } }: CompiledNode): boolean {
  return open.has(id) || (kind === "script" && [...open].some((call) => call.startsWith(`${id}/`)));
}

function unreadable(reason: string) {
  return { entry: null, node: "", reason };
}

/** The code that nodes of a graph need and today's has not, by the nodes' indexes. */
function goneCode(registry: Registry, { compiled, steps, derives, scripts }: Plan): ReadonlyMap<number, string> {
  const gone = new Map<number, string>();
  for (const [index, node] of compiled.graph.nodes.entries()) {
    if (node.kind === "step") {
      const code = steps[index]?.step;
      if (code === undefined) gone.set(index, `the step ${node.step}`);
      else if (node.undo === true && code.undo === undefined) gone.set(index, `the undo of the step ${node.step}`);
    }
    if (node.kind === "derive" && derives[index] === undefined) gone.set(index, "the function of a derive");
    if (node.kind === "script" && scripts[index] === undefined) gone.set(index, "the function of a script");
    if (node.kind === "call" && !registry.names.includes(node.workflow))
      gone.set(index, `the workflow ${node.workflow}`);
  }
  return gone;
}
