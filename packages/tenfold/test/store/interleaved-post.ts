/** The verbs of the post that meet with others in a small store. */
import type { Parcel, ParcelName, Store } from "../../src/store/store.ts";
import type { Name, World } from "./interleaved-world.ts";
import { NOW } from "./sample.ts";

type Does = (store: Store, world: World, now: number) => Promise<unknown>;

/** A parcel that has come before. */
const CAME: ParcelName = { from: "elsewhere", key: "came" };

/** `verb` makes one of its name, of nobody, of what it does, and of the runs that it keeps from others. */
export function postVerbs<V>(verb: (name: string, by: null, does: Does, touches?: readonly Name[]) => V): readonly V[] {
  const deliver = (name: string, touches: readonly Name[], parcels: (world: World) => readonly Parcel[]): V =>
    verb(`deliver ${name}`, null, (store, world, now) => store.post.deliver(world.lane, parcels(world), now), touches);
  return [
    deliver("the first time", ["others"], (world) => [world.parcel("p2", "others"), world.parcel("p3", "completed")]),
    deliver("to runs that lie", ["parked", "later"], (world) => [
      world.parcel("p2", "parked"),
      world.parcel("p4", "later"),
    ]),
    deliver("again", [], (world) => [world.parcel("came", "completed")]),
    verb("remove", null, (store, world) => store.post.remove(world.lane, [world.sent])),
    verb("release", null, (store, { lane }) => store.post.release(lane, [CAME, { from: "elsewhere", key: "p2" }])),
    verb("outgoing", null, (store, { lane }) => store.post.outgoing(lane, null, 9)),
    verb("received", null, async (store, { lane }) =>
      (await store.post.received(lane, NOW + 1e6, 9)).toSorted((one, other) => (one.key < other.key ? -1 : 1)),
    ),
    verb("holds", null, (store, world) => store.post.holds(world.lane, [world.sent, CAME])),
  ];
}
