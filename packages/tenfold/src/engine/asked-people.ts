/** What runs ask of people, found by what the runs are indexed by, and read from their journals. */
import type { RunState } from "../core/state.ts";
import { FINISHED, type RunRecord } from "../store/store.ts";
import type { Engine } from "./engine.ts";
import { FACT_VALUE } from "./facts.ts";
import { isUnreadable, stateOf } from "./inspect.ts";
import { listRuns } from "./listing.ts";

export interface Asking<T> {
  /** Names of facts, of which such a run has one. */
  readonly facts: readonly string[];
  readonly where: { readonly workflow?: string };
  /** What the run asks of people now. */
  readonly openIn: (state: RunState) => readonly T[];
  /** What is not listed of a run that cannot be read here, as a sentence. */
  readonly unlisted: (run: string) => string;
}

/** What is open in each run that asks, the newest runs first. */
export async function* openInRuns<T>(
  engine: Engine,
  { facts, where, openIn, unlisted }: Asking<T>,
): AsyncGenerator<readonly [RunRecord, readonly T[]]> {
  for await (const record of newestOf(engine, facts, where)) {
    if (FINISHED.has(record.status)) continue;
    let open: readonly T[];
    try {
      open = openIn(await stateOf(engine, record));
    } catch (thrown) {
      if (!isUnreadable(thrown)) throw thrown;
      engine.ports.log.write("warn", `${unlisted(record.id)} ${thrown.message}`, { run: record.id });
      continue;
    }
    yield [record, open];
  }
}

/** Runs that have one of these facts, each once, the newest first. */
async function* newestOf(
  { store }: Engine,
  facts: readonly string[],
  where: { readonly workflow?: string },
): AsyncGenerator<RunRecord> {
  const lists = facts.map((name) => listRuns(store, { ...where, attribute: { name, value: FACT_VALUE } }, null));
  const heads = await Promise.all(lists.map((list) => list.next()));
  for (;;) {
    const next = heads.reduce<RunRecord | null>((newest, head) => {
      return head.done === true || (newest !== null && newest.id >= head.value.id) ? newest : head.value;
    }, null);
    if (next === null) return;
    yield next;
    for (const [nth, head] of heads.entries()) {
      if (head.done !== true && head.value.id === next.id) heads[nth] = await lists[nth]!.next();
    }
  }
}
