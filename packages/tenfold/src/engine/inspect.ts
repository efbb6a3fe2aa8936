/** A run as its journal says it stands now, whoever drives it. */
import { compileGraph, type CompiledGraph } from "../core/compile.ts";
import { readLine, type JournalLine } from "../core/journal-line.ts";
import type { Entry } from "../core/entry.ts";
import { replay, type Begun } from "../core/reduce.ts";
import type { RunState } from "../core/state.ts";
import { decodedLines, decodedRecord } from "../store/codec/decoded.ts";
import type { RunRecord } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import { startedAtOfRun } from "../value/id.ts";
import type { Json } from "../value/json.ts";
import { laneIn, runUnknown } from "./caller-checks.ts";
import type { Engine } from "./engine.ts";
import { graphGone } from "./held.ts";
import { readGraph } from "./stored-graph.ts";

/** What it takes to look at runs. */
export type Reader = Pick<Engine, "store" | "registry">;

/** RUN_UNKNOWN if there is none. */
export async function readRun({ store }: Pick<Engine, "store">, run: string): Promise<RunRecord> {
  const [record] = await store.read(laneIn(store, run), [run]);
  if (record === undefined) throw runUnknown(run);
  return record;
}

/** The graph that a run began with, whatever is defined now; STORE_CORRUPT where its store has not got it whole. */
export async function compiledOf({ registry, store }: Reader, record: RunRecord): Promise<CompiledGraph> {
  const known = registry.known(record.graph);
  if (known !== undefined) return known.compiled;
  const stored = await store.graph(laneIn(store, record.id), record.graph);
  if (stored === undefined) throw new TenfoldError("STORE_CORRUPT", graphGone(record), { facts: { run: record.id } });
  return compileGraph(readGraph(stored));
}

/** The hash of the graph that a run was on when its journal, read after its record, was as long as this. */
function graphAfter(record: RunRecord, lines: readonly JournalLine[]): string {
  const moves = readBy(record.id, () => lines.filter(({ kind }) => kind === "upgraded").map(readLine));
  const last = moves.findLast((entry) => entry.kind === "upgraded" && entry.refused === undefined);
  return last?.kind === "upgraded" ? last.to : record.graph;
}

/** What a run's state is made of. */
export interface ReadRun {
  readonly begun: Begun;
  readonly entries: readonly Entry[];
  readonly compiled: CompiledGraph;
}

/** What keeps one run from being read, and says nothing of the others. */
const UNREADABLE: ReadonlySet<string> = new Set([
  "CODEC_KEY_MISSING",
  "CODEC_DAMAGED",
  "JOURNAL_UNREADABLE",
  "STORE_CORRUPT",
]);

export function isUnreadable(thrown: unknown): thrown is TenfoldError {
  return thrown instanceof TenfoldError && UNREADABLE.has(thrown.code);
}

/** What a run's journal comes to as `read` says; JOURNAL_UNREADABLE where it goes against the rules. */
export function readBy<T>(run: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    const message = `The journal of run ${run} cannot be replayed: ${reason} Nothing was done with it. It is of a newer version, damaged, or a bug of tenfold: please report it. Look at the run with a version that replays it, or cancel it.`;
    throw new TenfoldError("JOURNAL_UNREADABLE", message, { facts: { run }, cause: thrown });
  }
}

/**
 * Rejects with CODEC_KEY_MISSING or CODEC_DAMAGED where what is kept of it cannot be decoded, with STORE_CORRUPT where its
 * graph is gone or spoilt, and with JOURNAL_UNREADABLE where its lines are none.
 */
export async function readJournal(engine: Reader, kept: RunRecord): Promise<ReadRun> {
  const record = decodedRecord(null, kept);
  const { id: run, input } = record;
  const lines = decodedLines(null, run, await engine.store.journal(laneIn(engine.store, run), run));
  const unread =
    record.unread?.find(({ what }) => what === "input")?.error ?? lines.find((line) => line.unread)?.unread;
  if (unread !== undefined) throw unread;
  const compiled = await compiledOf(engine, { ...record, graph: graphAfter(record, lines) });
  const begun = { run, input: JSON.parse(input) as Json, startedAt: startedAtOfRun(run) };
  return { begun, entries: readBy(run, () => lines.map(readLine)), compiled };
}

/** Rejects as `readJournal` does. */
export async function stateOf(engine: Reader, record: RunRecord): Promise<RunState> {
  const { compiled, begun, entries } = await readJournal(engine, record);
  return readBy(record.id, () => replay(compiled, begun, entries));
}
