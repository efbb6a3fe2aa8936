/** The queues of a small store in which verbs meet, and the places in them. */
import type { NewPlace } from "../../src/store/queues.ts";
import type { Lease, RunCommit, Store } from "../../src/store/store.ts";
import { NOW } from "./sample.ts";

export type Placed = "queued" | "queuedToo" | "begun" | "plain";

export const LATER = { kind: "park", wakeAt: NOW + 1000 } as const;
const AT_ONCE = { kind: "park", wakeAt: NOW - 9 } as const;

function placed(queue: string, rank: number, differs: Partial<NewPlace> = {}): NewPlace {
  return { queue, key: "k", rank, node: "n", cost: 1, weight: 1, isNew: true, ...differs };
}

/** Of two runs that are parked, and of one that was, and is its owner's again. */
const AT_FIRST: readonly (readonly [Placed, NewPlace])[] = [
  ["queued", placed("score", 1)],
  ["queued", placed("send", 5, { key: "" })],
  ["queuedToo", placed("score", 2)],
  ["begun", placed("score", 3, { key: "l", isNew: false })],
];

/** The last one may come to stand. */
export const PLACES: readonly (readonly [Placed, NewPlace])[] = [
  ...AT_FIRST,
  ["plain", placed("score", 4, { key: "" })],
];

/** Some queues are a's, one is b's; `commit` makes one of a run's name. */
export async function setUpQueues(
  [first, a]: readonly [Store, Lease],
  [second, b]: readonly [Store, Lease],
  commit: (name: Placed, differs: Partial<RunCommit>) => RunCommit,
): Promise<void> {
  await first.queues.own(a, ["score", "sent"]);
  await second.queues.own(b, ["send"]);
  await first.queues.keepBuckets(a, "score", [{ scope: "", tat: 1.5, at: NOW }], []);
  const parks = [...Map.groupBy(AT_FIRST, ([name]) => name)].map(([name, of]) => {
    const places = of.map(([, place]) => place);
    return commit(name, name === "begun" ? { from: 1, then: AT_ONCE, places } : { then: LATER, places });
  });
  await first.commit(a, parks, NOW);
  await first.claim(a, ["flow-begun"], NOW, 1, 1e9);
}
