/** Runs that are parked with places in queues, to state laws with. */
import type { NewPlace, Place } from "../../src/store/queues.ts";
import type { Lease, Store } from "../../src/store/store.ts";
import { commitOf, idMaker, NOW, startOf } from "./sample.ts";

export const LATER = { kind: "park", wakeAt: NOW + 1000 } as const;

export function placeOf(differs: Partial<NewPlace> = {}): NewPlace {
  return { queue: "score", key: "", rank: NOW, node: "score", cost: 1, weight: 1, isNew: true, ...differs };
}

/** As the store answers it. */
export function shown(run: string, differs: Partial<NewPlace> = {}): Place {
  const { isNew: _isNew, ...place } = placeOf(differs);
  return { ...place, run };
}

/** Starts runs of `a`'s, and parks each with a place that differs so. */
export async function parked(store: Store, a: Lease, differs: readonly Partial<NewPlace>[]): Promise<string[]> {
  const make = idMaker();
  const ids = differs.map(() => make(NOW, a.lane));
  await store.start(
    a.lane,
    ids.map((id) => startOf(id)),
    NOW,
    a,
  );
  const parks = ids.map((id, nth) => commitOf(id, { then: LATER, places: [placeOf(differs[nth])] }));
  await store.commit(a, parks, NOW);
  return ids;
}
