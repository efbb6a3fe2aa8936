/** The verbs of queues that meet with others in a small store. */
import type { Place } from "../../src/store/queues.ts";
import type { Lease, RunCommit, Store } from "../../src/store/store.ts";
import { LATER, PLACES } from "./interleaved-places.ts";
import type { Name, World } from "./interleaved-world.ts";
import { NOW } from "./sample.ts";

type Does = (store: Store, world: World, now: number) => Promise<unknown>;

const of = (world: World, nth: number): Place => {
  const [name, { isNew: _isNew, ...place }] = PLACES[nth]!;
  return { ...place, run: world.id(name) };
};

/** `verb` makes one of its name, of the owner in whose name it is sent, what it does, and the runs that it keeps from others. */
export function queueVerbs<V>(
  verb: (name: string, by: string | null, does: Does, touches?: readonly Name[]) => V,
): readonly V[] {
  const own = (name: string, by: string, queues: readonly string[]): V =>
    verb(`own ${name}`, by, (store, world) => store.queues.own(world.lease(by), queues));
  const call = (name: string, by: string, nths: readonly number[], touches: readonly Name[] = []): V =>
    verb(
      `call ${name}`,
      by,
      (store, world) => {
        const places = nths.map((nth) => of(world, nth));
        const due = { ...of(world, 0), run: world.id("due") };
        const workflows = ["queued", "queuedToo", "begun", "plain", "due"].map((each) => `flow-${each}`);
        return store.queues.call(world.lease(by), workflows, touches.length > 0 ? [...places, due] : places);
      },
      touches,
    );
  const arrivals = (by: string, limit: number): V =>
    verb(`arrivals ${limit}`, by, (store, world) => store.queues.arrivals(world.lease(by), "score", limit));
  const commit = (name: string, commits: (world: World) => readonly RunCommit[]): V =>
    verb(`commit ${name}`, "a", (store, world, now) => store.commit(world.lease("a"), commits(world), now));
  return [
    commit("park in a queue", (world) => [parkInQueue(world)]),
    commit("park where a place is", (world) => [parkInQueue(world), parkWherePlaced(world)]),
    own("new ones", "a", ["new", "newer"]),
    own("new ones, in another order", "b", ["newer", "new"]),
    own("what another has", "b", ["sent", "score", "used"]),
    own("what another has", "dead", ["sent"]),
    verb("own no more", "a", (store, world) => store.queues.release(world.lease("a"), ["sent", "score"])),
    verb("own, and keep buckets", "a", (store, world) =>
      store.queues.keepBuckets(
        world.lease("a"),
        "score",
        [
          { scope: "k", tat: 0.5, at: NOW },
          { scope: "", tat: 2.5, at: NOW },
        ],
        ["l"],
      ),
    ),
    verb("own, and say something", "a", (store, world) => store.queues.setStats(world.lease("a"), "score", "{}")),
    verb("own with settings", null, (store, { lane }) => store.queues.setSettings(lane, "new", "{}")),
    call("two", "a", [0, 2]),
    call("two, in another order", "b", [2, 1, 0]),
    call("one that is due, and some that are owned", "b", [4, 3], ["due"]),
    call("some", "dead", [0, 1]),
    arrivals("a", 1),
    arrivals("b", 9),
    verb("reached of queues", null, (store, { lane }) => store.queues.list(lane)),
    verb("reached of places", null, (store, { lane }) => store.queues.firsts(lane, "score", null, 9)),
    verb("reached behind a place", null, (store, world) => store.queues.behind(world.lane, "score", of(world, 0), 9)),
  ];
}

function parkInQueue(world: World): RunCommit {
  return world.commit("plain", { then: LATER, places: [PLACES[4]![1]] });
}

/** Its place is there, and is not new. */
function parkWherePlaced(world: World): RunCommit {
  return world.commit("begun", { from: 1, then: LATER, places: [{ ...PLACES[3]![1], isNew: true }] });
}

const QUEUES = ["score", "send", "sent", "used", "new", "newer"];

export async function allOfQueues({ queues }: Store, { lane }: World): Promise<unknown> {
  const places = QUEUES.map(async (queue) => {
    const firsts = await queues.firsts(lane, queue, null, 9);
    return [firsts, await Promise.all(firsts.map((first) => queues.behind(lane, queue, first, 9)))];
  });
  return { listed: await queues.list(lane), places: await Promise.all(places) };
}

/** What is left for whoever comes last. */
export async function lastOfQueues({ queues }: Store, lease: Lease): Promise<unknown> {
  const arrived = [];
  for (const queue of QUEUES) arrived.push(await queues.arrivals(lease, queue, 9));
  return { owned: await queues.own(lease, QUEUES), arrived };
}
