/** Why runs cannot go on with today's graphs of their workflows, and how many of them for each reason. */
import type { Misfit } from "../core/entry.ts";
import { idOfPath } from "../core/path.ts";
import { replayOn } from "../core/replay-on.ts";
import type { RunRecord } from "../store/store.ts";
import { laneIn } from "./caller-checks.ts";
import { isUnreadable, readBy, readJournal, type Reader, type ReadRun } from "./inspect.ts";

export interface Refused {
  readonly workflow: string;
  /** The id of the node, its items taken together; "" for what is of no node. */
  readonly node: string;
  readonly reason: string;
  readonly runs: number;
  /** One of them. */
  readonly run: string;
}

/** Runs that were refused, by workflow, node and reason. */
export class RefusedRuns {
  readonly #refused = new Map<string, { -readonly [K in keyof Refused]: Refused[K] }>();

  add({ id: run, workflow }: RunRecord, { node: path, reason }: Misfit): void {
    const node = idOfPath(path);
    // Some reasons name their run.
    const name = `${workflow} ${node} ${reason.replaceAll(run, "")}`;
    const known = this.#refused.get(name);
    if (known === undefined) this.#refused.set(name, { workflow, node, reason, runs: 1, run });
    else known.runs++;
  }

  /** Those of most runs first. */
  get all(): readonly Refused[] {
    return [...this.#refused.values()].sort((a, b) => b.runs - a.runs).map((one) => ({ ...one }));
  }
}

/** Why a run cannot go on with today's graph of its workflow; null: it can, as far as its journal tells. */
export async function misfitToday(reader: Reader, record: RunRecord): Promise<Misfit | null> {
  const { registry, store } = reader;
  const { id, workflow, graph } = record;
  try {
    // Read once, it is known for the other runs on it.
    if (registry.known(graph) === undefined) await registry.fetch(store, laneIn(store, id), workflow, graph);
    return misfitOf(reader, workflow, await readJournal(reader, record));
  } catch (thrown) {
    if (!isUnreadable(thrown)) throw thrown;
    return { entry: null, node: "", reason: thrown.message };
  }
}

/** The same of one that was read; JOURNAL_UNREADABLE where it goes against the rules. */
export function misfitOf({ registry }: Reader, workflow: string, { begun, entries, compiled }: ReadRun): Misfit | null {
  const to = registry.known(registry.definition(workflow).hash)!.compiled;
  const result = readBy(begun.run, () => replayOn({ from: compiled, to }, begun, entries));
  return result.kind === "fits" ? null : result.misfit;
}
