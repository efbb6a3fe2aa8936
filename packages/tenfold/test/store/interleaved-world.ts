/** A small store with runs in every state, for verbs that meet in it. */
import type { Lease, Parcel, ParcelName, RunCommit, RunStart, Send, Store } from "../../src/store/store.ts";
import { filesAtFirst, part } from "./interleaved-files.ts";
import { setUpEvents } from "./interleaved-events.ts";
import { setUpQueues } from "./interleaved-places.ts";
import { SCHEDULES } from "./interleaved-schedules.ts";
import { workOf } from "./transacting.ts";
import {
  commitOf,
  COMPLETED,
  FAILED,
  HELD,
  idMaker,
  joined,
  keyOf,
  leaseOf,
  lineOf,
  NOW,
  sendOf,
  startOf,
} from "./sample.ts";

const [x, y] = [lineOf("x"), lineOf("y")];

const WAITING = ["waiting", "ofTenant", "ofTenantToo", "keyed", "later"] as const;
export const OF_A = ["plain", "begun", "mailed", "mailedTwice"] as const;
export const OF_B = ["others", "othersBegun"] as const;
const LAID_DOWN = [
  "due",
  "parked",
  "parkedMail",
  "held",
  "failed",
  "completed",
  "sender",
  "ofDead",
  "queued",
  "queuedToo",
] as const;
export const NEW = ["new1", "new2", "new3"] as const;
/** A caller's start is made once, so the first verb and the second one have others. */
export const WITHIN = { first: ["first1", "first2"], second: ["second1", "second2"] } as const;
/** Started when both verbs are over, under keys that they may have used or forgotten. */
export const LAST = ["last1", "last2", "last3"] as const;
const SERVED = ["served", "servedToo"] as const;
export const NAMES = [
  ...SERVED,
  ...WAITING,
  ...OF_A,
  ...OF_B,
  ...LAID_DOWN,
  ...NEW,
  ...WITHIN.first,
  ...WITHIN.second,
  ...LAST,
] as const;

export type Name = (typeof NAMES)[number];

/** Each run has a workflow of its own, so that a claim can be told to leave some of them alone. */
export const workflowOf = (name: Name): string => `flow-${name}`;

export class World {
  readonly lane: number;
  readonly #ids: ReadonlyMap<Name, string>;

  constructor(lane: number) {
    this.lane = lane;
    const make = idMaker();
    this.#ids = new Map(NAMES.map((name, index) => [name, make(NOW + index)]));
  }

  id(name: Name): string {
    return this.#ids.get(name)!;
  }

  get ids(): readonly string[] {
    return [...this.#ids.values()];
  }

  lease(owner: string): Lease {
    return leaseOf(owner, this.lane);
  }

  start(name: Name, differs: Partial<RunStart> = {}): RunStart {
    return startOf(this.id(name), { workflow: workflowOf(name), ...differs });
  }

  commit(name: Name, differs: Partial<RunCommit> = {}): RunCommit {
    return commitOf(this.id(name), differs);
  }

  /** The parcel that lies in the outbox. */
  get sent(): ParcelName {
    return { from: this.id("sender"), key: "p1" };
  }

  /** To a run of this lane, from one that is elsewhere. */
  parcel(key: string, to: Name): Parcel {
    return { from: "elsewhere", send: this.send(to, key) };
  }

  send(name: Name, key: string, differs: Partial<Send> = {}): Send {
    return sendOf(this.id(name), key, differs);
  }
}

/** `a` is the lease of a worker that uses the first handle, `b` of one that uses the second; `dead` was taken over. */
export async function setUp(world: World, first: Store, second: Store): Promise<void> {
  const { lane } = world;
  const a = await joined(first, "a", lane);
  const b = await joined(second, "b", lane);
  await first.putGraphs(lane, [{ hash: "g1", workflow: "", graph: "{}" }]);
  await serve(world, first, a, "served");
  await serve(world, second, b, "servedToo");
  const dead = await joined(first, "dead", lane);
  await first.start(lane, [world.start("ofDead")], NOW, dead);
  await first.queues.own(dead, ["used"]);
  await first.takeOver(lane, "dead", null, NOW - 2, false);
  await second.start(
    lane,
    [
      world.start("waiting"),
      world.start("ofTenant", { tenant: "t" }),
      world.start("ofTenantToo", { tenant: "t" }),
      world.start("keyed", { key: keyOf("k"), attributes: [{ name: "region", value: "eu" }] }),
      world.start("later", { key: keyOf("l"), at: NOW + 100 }),
    ],
    NOW,
    null,
  );
  const named = (names: readonly Name[]): RunStart[] => names.map((name) => world.start(name));
  const failed = world.start("failed", { key: keyOf("f") });
  const rest = named(["due", "parked", "parkedMail", "held", "completed", "sender", "queued", "queuedToo"]);
  await first.start(lane, [...named(OF_A), ...rest, failed], NOW, a);
  await second.start(lane, named(OF_B), NOW, b);
  await second.commit(b, [world.commit("othersBegun", { lines: [x] })], NOW);
  await first.files.write(a, filesAtFirst([world.id("plain"), world.id("completed")]), NOW);
  await second.files.write(b, [part(world.id("others"), "f-whole", 0)], NOW);
  const laidDown = [
    world.commit("begun", { lines: [x] }),
    world.commit("due", { lines: [x], then: { kind: "park", wakeAt: NOW - 5 } }),
    world.commit("parked", { lines: [x], then: { kind: "park", wakeAt: NOW + 1000 } }),
    world.commit("parkedMail", { then: { kind: "park", wakeAt: NOW + 1000 } }),
    world.commit("held", { lines: [x], then: HELD }),
    world.commit("failed", { lines: [x], then: FAILED }),
    world.commit("completed", { lines: [x], then: COMPLETED }),
    world.commit("sender", { parcels: [world.send("others", "p1")], then: COMPLETED }),
  ];
  await first.commit(a, laidDown, NOW);
  await setUpQueues([first, a], [second, b], (name, differs) => world.commit(name, differs));
  await first.transactions.transact(a, workOf(world.id("completed"), "0"));
  const sends = [world.send("parkedMail", "m1"), world.send("mailed", "m1"), world.send("mailedTwice", "m1")];
  await second.send(lane, sends, NOW);
  await second.post.deliver(lane, [world.parcel("came", "completed")], NOW);
  const seen = SCHEDULES.slice(0, 2).map((name) => ({ ...name, from: null, to: { at: 5, run: null } }));
  await first.schedules.advance(lane, seen);
  await setUpEvents(first, lane);
  await first.commit(a, [world.commit("mailedTwice", { lines: [y], absorbed: ["m1"], mailSeen: 1 })], NOW);
}

/** Some run was claimed when it began, and again when it went on. */
async function serve(world: World, store: Store, lease: Lease, name: Name): Promise<void> {
  const claimOne = () => store.claim(lease, [workflowOf(name)], NOW, 1, 1e9);
  await store.start(world.lane, [world.start(name)], NOW, null);
  await claimOne();
  await store.commit(lease, [world.commit(name, { then: { kind: "park", wakeAt: NOW - 9 } })], NOW);
  await claimOne();
}
