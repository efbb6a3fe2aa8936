/**
 * Lets keys go on that wait for an attempt that does not come: its run ended elsewhere, or goes on without it. Invariant: a key is let go
 * only when that is known: from the run, if it is driven here, or from its end.
 */
import { FINISHED, type Store } from "../../store/store.ts";
import type { Waiting } from "../../core/queues/line-state.ts";
import type { Place } from "../../store/queues.ts";
import { laneOfRun } from "../../value/id.ts";
import type { CallingLane } from "./calling-lane.ts";
import { placeOfTurn } from "./turn-id.ts";

export interface Holder {
  /** For whom keys wait. */
  readonly awaited: IteratorObject<Waiting>;
  doesNotCome(waiting: Waiting): void;
  /** Has the run called up, if nobody drives it. */
  urge(place: Place): void;
}

/** `callsUp`: what cannot be known of runs that nobody drives is found out by loading them here. */
export async function letGo(
  store: Store,
  lane: CallingLane,
  holders: Iterable<Holder>,
  callsUp: boolean,
): Promise<void> {
  const elsewhere: { readonly holder: Holder; readonly waiting: Waiting; readonly place: Place }[] = [];
  for (const holder of holders) {
    for (const waiting of [...holder.awaited]) {
      const place = placeOfTurn(waiting);
      if (laneOfRun(place.run) !== lane.lane) continue;
      const comes = lane.mayCome(place.run, place.node);
      if (comes === null) elsewhere.push({ holder, waiting, place });
      else if (!comes) holder.doesNotCome(waiting);
    }
  }
  if (elsewhere.length === 0) return;
  const runs = [...new Set(elsewhere.map(({ place }) => place.run))];
  const records = new Map((await store.read(lane.lane, runs)).map((record, nth) => [runs[nth]!, record]));
  for (const { holder, waiting, place } of elsewhere) {
    const record = records.get(place.run);
    if (record === undefined || FINISHED.has(record.status)) holder.doesNotCome(waiting);
    else if (callsUp && record.owner === null) holder.urge(place);
  }
}
