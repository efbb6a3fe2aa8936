/** Lists and counts over all lanes of a store: merged by id, paged by key, never by offset. */
import type { RunFilter, RunRecord, RunStatus, Store } from "../store/store.ts";
import { checkCountFilter, checkFilter } from "./caller-checks.ts";

const PAGE = 200;
/** Runs of every lane, newest first. LAW: one that was there from the start is answered once. */
export async function* listRuns(
  store: Store,
  filter: RunFilter,
  before: string | null,
  pageSize = PAGE,
): AsyncGenerator<RunRecord> {
  checkFilter(filter);
  const limit = Math.min(pageSize, PAGE);
  const lanes = await Promise.all(
    Array.from({ length: store.lanes }, async (_, lane) => ({
      lane,
      page: await store.list(lane, filter, { before, limit }),
      next: 0,
    })),
  );
  for (;;) {
    let newest: (typeof lanes)[number] | undefined;
    for (const lane of lanes) {
      const record = lane.page[lane.next];
      if (record !== undefined && (newest === undefined || record.id > newest.page[newest.next]!.id)) newest = lane;
    }
    if (newest === undefined) return;
    const record = newest.page[newest.next++]!;
    yield record;
    if (newest.next === newest.page.length && newest.page.length === limit) {
      newest.page = await store.list(newest.lane, filter, { before: record.id, limit });
      newest.next = 0;
    }
  }
}

/** How many runs of each workflow are in each status. */
export async function countRuns(
  store: Store,
  filter: Pick<RunFilter, "workflow" | "from" | "until">,
): Promise<readonly { workflow: string; status: RunStatus; runs: number }[]> {
  checkCountFilter(filter);
  const { workflow, from, until } = filter;
  const sums = new Map<string, { workflow: string; status: RunStatus; runs: number }>();
  for (let lane = 0; lane < store.lanes; lane++) {
    for (const tally of await store.tallies(lane, from ?? null, until ?? null)) {
      if (tally.runs === 0 || (workflow !== undefined && tally.workflow !== workflow)) continue;
      const name = `${tally.workflow} ${tally.status}`;
      const sum = sums.get(name) ?? { workflow: tally.workflow, status: tally.status, runs: 0 };
      sum.runs += tally.runs;
      sums.set(name, sum);
    }
  }
  return [...sums.values()].sort((a, b) => (`${a.workflow} ${a.status}` < `${b.workflow} ${b.status}` ? -1 : 1));
}
