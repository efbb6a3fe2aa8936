/** Laws of one run's journal that need nothing else to be checked. */
import type { CompiledGraph } from "../../core/compile.ts";
import type { Entry } from "../../core/entry.ts";
import { placeAt } from "../../core/path.ts";
import { begin, reduce, type Begun } from "../../core/reduce.ts";
import type { Place } from "../../core/state.ts";
import { startedAtOfRun } from "../../value/id.ts";
import type { Json } from "../../value/json.ts";
import type { RunRecord } from "../../store/store.ts";
import { Violation } from "./violation.ts";

/** A sleep that was so long is not over before it, and a wait not given up. */
export function checkTimes(compiled: CompiledGraph, row: RunRecord, entries: readonly Entry[]): void {
  const state = begin(compiled, begunOf(row), []);
  for (const entry of entries) {
    const place = entry.kind === "done" || entry.kind === "timed-out" ? placeAt(state, entry.node) : undefined;
    const since = place?.frame.readyAt[place.node.local] ?? 0;
    if (place !== undefined && entry.at < since + leastMs(place))
      throw new Violation("a sleep, and the patience of a wait, is over when its time has come", {
        run: row.id,
        entry,
        since,
      });
    reduce(state, entry, []);
  }
}

/** A run is on the graph that it was moved to last; what was refused has moved nothing. */
export function checkGraph({ id: run, graph }: RunRecord, entries: readonly Entry[]): void {
  let on: string | null = null;
  for (const entry of entries) {
    if (entry.kind !== "upgraded") continue;
    const facts = { run, graph, entry };
    if (on !== null && entry.from !== on) throw new Violation("a run is moved from the graph that it is on", facts);
    on = entry.refused === undefined ? entry.to : entry.from;
  }
  if (on !== null && on !== graph) throw new Violation("a run is on the graph that it was moved to last", { run, graph, on }); // prettier-ignore
}

/** How long a node lasts at least, from when it was ready; a body's worker may have another clock. */
function leastMs({ node: { node } }: Place): number {
  if (node.kind === "sleep") return "forMs" in node.until ? node.until.forMs : -Infinity;
  return node.kind === "wait" ? (node.timeoutMs ?? Infinity) : -Infinity;
}

export function begunOf({ id, input }: RunRecord): Begun {
  return { run: id, input: JSON.parse(input) as Json, startedAt: startedAtOfRun(id) };
}
