/** What a test sees of its runs: read at once, from the memory that they are kept in. */
import { readLine } from "../core/journal-line.ts";
import { checkRunId, runUnknown } from "../engine/caller-checks.ts";
import type { Outcome } from "../engine/results.ts";
import { viewOf, type RunView } from "../engine/run-view.ts";
import type { WorkflowDefinition } from "../flow/definition.ts";
import type { Graph } from "../flow/graph.ts";
import type { MemoryStore } from "../store/memory.ts";
import { FINISHED } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import { laneOfRun } from "../value/id.ts";
import { openNodes } from "./open-nodes.ts";
import type { ShownRun } from "./run-journal.ts";

/** A run as a test names it. */
export type NamedRun = string | { readonly id: string };

export class SeenRuns {
  readonly #store: MemoryStore;
  readonly #graphs: ReadonlyMap<string, Graph>;

  constructor(store: MemoryStore, workflows: readonly WorkflowDefinition[]) {
    this.#store = store;
    this.#graphs = new Map(workflows.map(({ hash, graph }) => [hash, graph]));
  }

  /** RUN_UNKNOWN if there is no such run. */
  view(run: NamedRun): RunView {
    return viewOf(this.#peek(run).record);
  }

  shown(run: NamedRun): ShownRun {
    const { record, journal } = this.#peek(run);
    const { id, workflow, status, input, startedAt, endedAt } = viewOf(record);
    const graph = this.#graphs.get(record.graph)!;
    return { id, workflow, status, input, startedAt, endedAt, graph, entries: journal.map(readLine) };
  }

  /** Nothing more happens in it by itself: it ended, or is held. */
  isOver(run: NamedRun): boolean {
    const { status } = this.#peek(run).record;
    return FINISHED.has(status) || status === "held";
  }

  /** How the run ended; null: it has not. */
  outcomeOf(run: NamedRun): Outcome | null {
    const { record } = this.#peek(run);
    if (!FINISHED.has(record.status)) return null;
    const { status, output, error } = viewOf(record);
    return { status, output, error };
  }

  /** Says why the run has not ended at `now`; `happened` is what was done about it. */
  unfinished(run: NamedRun, now: number, happened: string): TenfoldError {
    const { id, workflow, status, error } = this.view(run);
    const open = status === "held" ? [`it is held: ${error?.message}`] : openNodes(this.shown(run), now);
    // Some are errors' messages, which end as sentences do.
    const waits = open.length === 0 ? ["it waits for a worker"] : open.map((wait) => wait.replace(/\.$/, ""));
    return new TenfoldError(
      "RUN_UNFINISHED",
      `Run ${id} of ${workflow} has not ended, and ${happened}: ${waits.join("; ")}. Time moves with \`await test.advance("3 days")\` or \`await test.finish(run)\`; what no time brings is for the test to do.`,
      { facts: { run: id, workflow, status, waits } },
    );
  }

  #peek(run: NamedRun): NonNullable<ReturnType<MemoryStore["peek"]>> {
    const id = checkRunId(typeof run === "object" && run !== null ? run.id : run);
    const found = laneOfRun(id) === 0 ? this.#store.peek(0, id) : undefined;
    if (found === undefined) throw runUnknown(id);
    return found;
  }
}
