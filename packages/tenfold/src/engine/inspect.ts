/** A run as its journal says it stands now, whoever drives it. */
import { compileGraph, type CompiledGraph } from "../core/compile.ts";
import { readLine } from "../core/journal-line.ts";
import { replay } from "../core/reduce.ts";
import type { RunState } from "../core/state.ts";
import { checkGraph } from "../flow/check-graph.ts";
import { decodedLines, decodedRecord } from "../store/codec/decoded.ts";
import type { RunRecord } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import { startedAtOfRun } from "../value/id.ts";
import type { Json } from "../value/json.ts";
import { laneIn, runUnknown } from "./caller-checks.ts";
import type { Engine } from "./engine.ts";
import { graphGone } from "./held.ts";

/** RUN_UNKNOWN if there is none. */
export async function readRun({ store }: Engine, run: string): Promise<RunRecord> {
  const [record] = await store.read(laneIn(store, run), [run]);
  if (record === undefined) throw runUnknown(run);
  return record;
}

/** The graph that a run began with, whatever is defined now. */
export async function compiledOf({ registry, store }: Engine, record: RunRecord): Promise<CompiledGraph> {
  const known = registry.known(record.graph);
  if (known !== undefined) return known.compiled;
  const stored = await store.graph(laneIn(store, record.id), record.graph);
  if (stored === undefined) throw new TenfoldError("STORE_CORRUPT", graphGone(record), { facts: { run: record.id } });
  return compileGraph(checkGraph(JSON.parse(stored.graph)));
}

/** Rejects with CODEC_KEY_MISSING or CODEC_DAMAGED where what is kept of it cannot be decoded. */
export async function stateOf(engine: Engine, kept: RunRecord): Promise<RunState> {
  const record = decodedRecord(null, kept);
  const { id: run, input } = record;
  const compiled = await compiledOf(engine, record);
  const lines = decodedLines(null, run, await engine.store.journal(laneIn(engine.store, run), run));
  const unread =
    record.unread?.find(({ what }) => what === "input")?.error ?? lines.find((line) => line.unread)?.unread;
  if (unread !== undefined) throw unread;
  const begun = { run, input: JSON.parse(input) as Json, startedAt: startedAtOfRun(run) };
  return replay(compiled, begun, lines.map(readLine));
}
