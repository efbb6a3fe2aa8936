/** The names of turns, and what they say of them. */
import type { Waiting } from "../../core/queues/line-state.ts";
import type { Place } from "../../store/queues.ts";

/** Names the attempt that a place is for. */
export function turnIdOf(run: string, node: string): string {
  return `${run} ${node}`;
}

export function runOfTurn(id: string): string {
  return id.slice(0, id.indexOf(" "));
}

/** Where its run would be parked for it. */
export function placeOfTurn({ queue, key, rank, id, cost, weight }: Waiting): Place {
  return { queue, key, rank, run: runOfTurn(id), node: id.slice(id.indexOf(" ") + 1), cost, weight };
}
