/** Lists and counts over all lanes of a store: merged by id, paged by key, never by offset. */
import type { RunRecord, RunStatus, Store } from "../store/store.ts";
import { checkCountFilter, checkFilter, storeFilter, type RunSearch } from "./caller-checks.ts";
import { isUnreached } from "./passing.ts";

const PAGE = 200;
/** Runs that are read at once while nothing is known of their size, and the characters that a page is to have at most. */
const PAGE_FIRST = 64;
const CHARACTERS_AIM = 8 * 1024 * 1024;

/** Whether a lane is known to be out of reach, of a store that is kept in several places. */
export function isMissing(store: Store, lane: number): boolean {
  return store.missing?.some(({ lanes }) => lanes.includes(lane)) ?? false;
}

/** Chooses lanes for runs that may be in any: in turn, past those that are known to be out of reach. */
export function laneChooser(store: Store): () => number {
  let next = 0;
  return () => {
    for (let tried = 0; tried < store.lanes && isMissing(store, next % store.lanes); tried++) next++;
    return next++ % store.lanes;
  };
}

/**
 * What a lane answers; nothing, if it is out of reach and others are not: `store.missing` tells which are, and whoever
 * shows the answer has to say so.
 */
export async function ofReached<T>(
  store: Store,
  lane: number,
  ask: () => Promise<readonly T[]>,
): Promise<readonly T[]> {
  try {
    return await ask();
  } catch (thrown) {
    const missing = store.missing?.reduce((sum, { lanes }) => sum + lanes.length, 0) ?? 0;
    if (isUnreached(thrown) && isMissing(store, lane) && missing < store.lanes) return [];
    throw thrown;
  }
}

/** Runs of one lane, newest first, page by page, the first of `first` runs; none, if it is out of reach and others are not. */
export async function* runsOfLane(
  store: Store,
  lane: number,
  filter: RunSearch,
  before: string | null,
  limit: number,
  first = limit,
): AsyncGenerator<readonly RunRecord[], undefined> {
  const found = storeFilter(filter);
  let rows = first;
  for (let last = before; ;) {
    const [from, asked] = [last, rows];
    const page: readonly RunRecord[] = await ofReached(store, lane, () => {
      return store.list(lane, found, { before: from, limit: asked });
    });
    if (page.length > 0) yield page;
    if (page.length < asked) return;
    last = page.at(-1)!.id;
    rows = Math.min(limit, rowsThatFit(page));
  }
}

/** How many runs of the size of these are to be read at once. */
function rowsThatFit(page: readonly RunRecord[]): number {
  let characters = page.length;
  for (const { input, output, error } of page)
    characters += input.length + (output?.length ?? 0) + (error?.length ?? 0);
  return Math.max(1, Math.floor((CHARACTERS_AIM * page.length) / characters));
}

/** Runs of every lane that is reached, newest first. LAW: one that was there from the start is answered once. */
export async function* listRuns(
  store: Store,
  filter: RunSearch,
  before: string | null,
  pageSize = PAGE,
): AsyncGenerator<RunRecord> {
  checkFilter(filter);
  const limit = Math.min(pageSize, PAGE);
  const lanes = await Promise.all(
    Array.from({ length: store.lanes }, async (_, lane) => {
      const pages = runsOfLane(store, lane, filter, before, limit, Math.min(limit, PAGE_FIRST));
      return { pages, page: (await pages.next()).value ?? [], next: 0 };
    }),
  );
  for (;;) {
    let newest: (typeof lanes)[number] | undefined;
    for (const lane of lanes) {
      const record = lane.page[lane.next];
      if (record !== undefined && (newest === undefined || record.id > newest.page[newest.next]!.id)) newest = lane;
    }
    if (newest === undefined) return;
    yield newest.page[newest.next++]!;
    if (newest.next < newest.page.length) continue;
    newest.page = (await newest.pages.next()).value ?? [];
    newest.next = 0;
  }
}

export interface RunCount {
  readonly workflow: string;
  readonly status: RunStatus;
  readonly runs: number;
}

/** Counts of runs by workflow and status, in the order in which they were first met. */
export class RunCounts {
  readonly #counts = new Map<string, { readonly workflow: string; readonly status: RunStatus; runs: number }>();

  add({ workflow, status }: Omit<RunCount, "runs">, runs = 1): void {
    const name = `${workflow} ${status}`;
    const count = this.#counts.get(name);
    if (count === undefined) this.#counts.set(name, { workflow, status, runs });
    else count.runs += runs;
  }

  get all(): RunCount[] {
    return [...this.#counts.values()].map((count) => ({ ...count }));
  }
}

/** How many runs of each workflow are in each status, in the lanes that are reached. */
export async function countRuns(
  store: Store,
  filter: Pick<RunSearch, "workflow" | "from" | "until">,
): Promise<readonly RunCount[]> {
  checkCountFilter(filter);
  const { workflow, from, until } = filter;
  const counts = new RunCounts();
  for (let lane = 0; lane < store.lanes; lane++) {
    const tallies = await ofReached(store, lane, () => store.tallies(lane, from ?? null, until ?? null));
    for (const tally of tallies) {
      if (tally.runs === 0 || (workflow !== undefined && tally.workflow !== workflow)) continue;
      counts.add(tally, tally.runs);
    }
  }
  return counts.all.sort((a, b) => (`${a.workflow} ${a.status}` < `${b.workflow} ${b.status}` ? -1 : 1));
}
