/**
 * The lines that there are, as far as this process can tell: by the code that is open here, by what the store has, and by what their
 * owners say. Invariant: each queue is in one line; what the code says of that comes before what anybody else has said.
 */
import type { ListedQueue } from "../../store/queues.ts";
import type { Engine } from "../engine.ts";
import { ofReached } from "../listing.ts";
import { NOTHING_SET } from "../../core/queues/line-settings.ts";
import { lineNameOf, type Queued } from "../../core/queues/queue-of.ts";
import { rowOf, type LineRow } from "./queue-row.ts";

export interface KnownLine extends LineRow {
  readonly name: string;
  /** Its queues share a limit, which has the line's name. */
  readonly isShared: boolean;
  readonly queues: ReadonlyMap<string, KnownQueue>;
}

export interface KnownQueue {
  /** Null: its code is not open here. */
  readonly step: Queued | null;
  /** Places of it in the store, and the least rank of them. */
  readonly places: number;
  readonly oldest: number | null;
}

/** All lines, by their names; those in a part of the store that is not reached are as the code says. */
export async function knownLines({ store, registry }: Pick<Engine, "store" | "registry">): Promise<KnownLine[]> {
  const lanes = Array.from({ length: store.lanes }, (_, lane) => lane);
  const listed = await Promise.all(lanes.map((lane) => ofReached(store, lane, () => store.queues.list(lane))));
  return linesOf(registry.queued, listed.flat());
}

function linesOf(steps: readonly Queued[], listed: readonly ListedQueue[]): KnownLine[] {
  const rows = new Map<string, LineRow>();
  for (const each of listed) {
    if (each.owner !== null || each.settings !== null || each.stats !== null) rows.set(each.queue, rowOf(each));
  }
  const places = placesOf(listed);
  const steady = new Map(steps.map((step) => [step.name, step]));
  const lineOf = new Map(steps.map((step) => [step.name, lineNameOf(step)]));
  const learn = (queue: string, line: string): void => void (lineOf.has(queue) || lineOf.set(queue, line));
  const byOwned = [...rows].sort(([, one], [, other]) => Number(other.isOwned) - Number(one.isOwned));
  for (const [line, { report }] of byOwned) for (const { queue } of report?.queues ?? []) learn(queue, line);
  const isLine = new Set(lineOf.values());
  for (const queue of [...places.keys(), ...rows.keys()]) if (!isLine.has(queue)) learn(queue, queue);
  return [...Map.groupBy(lineOf.keys(), (queue) => lineOf.get(queue)!)]
    .map(([name, queues]): KnownLine => {
      const row = rows.get(name) ?? NO_ROW;
      const inCode = queues.flatMap((queue) => steady.get(queue) ?? []);
      const isShared =
        inCode.length > 0 ? inCode.some(({ queue }) => queue.limit !== null) : (row.report?.shared ?? null) !== null;
      const known = queues.sort().map((queue) => {
        return [queue, { step: steady.get(queue) ?? null, ...(places.get(queue) ?? NO_PLACES) }] as const;
      });
      return { name, isShared, ...row, queues: new Map(known) };
    })
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

const NO_ROW: LineRow = { isOwned: false, settings: NOTHING_SET, report: null };
const NO_PLACES = { places: 0, oldest: null };

/** Of all lanes together. */
function placesOf(listed: readonly ListedQueue[]): Map<string, { places: number; oldest: number | null }> {
  const all = new Map<string, { places: number; oldest: number | null }>();
  for (const { queue, waiting, oldest } of listed) {
    if (waiting === 0) continue;
    const known = all.get(queue);
    const least = Math.min(oldest ?? Infinity, known?.oldest ?? Infinity);
    all.set(queue, { places: waiting + (known?.places ?? 0), oldest: least });
  }
  return all;
}
