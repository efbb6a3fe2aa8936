/** The verbs that meet in a small store, and all that can be read of it afterwards. */
import type { RunCommit, RunStart, Send, StartAnswer, Store } from "../../src/store/store.ts";
import { HeldStore } from "./held-connection.ts";
import { debouncedStarts } from "./interleaved-debounce.ts";
import { fileVerbs } from "./interleaved-file-verbs.ts";
import { filesOf, sweepAll } from "./interleaved-files.ts";
import { allOfEvents, EVENT_VERBS } from "./interleaved-events.ts";
import { allOfQueues, lastOfQueues, queueVerbs } from "./interleaved-queues.ts";
import { postVerbs } from "./interleaved-post.ts";
import { SCHEDULES, step } from "./interleaved-schedules.ts";
import { resultsOf, transactVerbs } from "./interleaved-transactions.ts";
import { LAST, NAMES, NEW, OF_A, OF_B, WITHIN, workflowOf, type Name, type World } from "./interleaved-world.ts";
import { commitOf, COMPLETED, FAILED, HELD, joined, keyOf, lineOf, NOW } from "./sample.ts";

const [x, y, z] = [lineOf("x"), lineOf("y"), lineOf("z")];

export const [AT_FIRST, AT_SECOND] = [NOW + 10, NOW + 11];

export interface Verb {
  readonly name: string;
  readonly does: (store: Store, world: World, now: number) => Promise<unknown>;
  /** Runs that nobody can claim while this is under way, though they are due before and after it. */
  readonly touches: readonly Name[];
  /** The owner in whose name it is sent; null: in nobody's. */
  readonly by: string | null;
  /** Of a claim: the same, without some runs. */
  readonly without?: (names: readonly Name[]) => Verb;
}

function verb(name: string, by: string | null, does: Verb["does"], touches: readonly Name[] = []): Verb {
  return { name: by === null ? name : `${name} by ${by}`, by, does, touches };
}

function start(
  name: string,
  by: string | null,
  starts: (world: World) => readonly RunStart[],
  touches: readonly Name[] = [],
): Verb {
  const does: Verb["does"] = async (store, world, now) => {
    const lease = by === null ? null : world.lease(by);
    const all = starts(world);
    const answers = new Map<RunStart, StartAnswer>();
    // What is locked was not written, and is asked for again.
    for (let left = all; left.length > 0; left = left.filter((each) => answers.get(each)!.kind === "locked")) {
      const told = await store.start(world.lane, left, now, lease);
      left.forEach((each, nth) => answers.set(each, told[nth]!));
    }
    return all.map((each) => answers.get(each));
  };
  return verb(`start ${name}`, by, does, touches);
}

/** By a caller, in a transaction of their own: for others it is a start without a lease. */
function startWith(name: string, starts: (world: World, one: Name, other: Name) => readonly RunStart[]): Verb {
  return verb(`startWith ${name}`, null, (store, world, now) => {
    const [one, other] = WITHIN[now === AT_FIRST ? "first" : "second"];
    const made = starts(world, one, other);
    return store instanceof HeldStore
      ? store.startWithin(world.lane, made, now)
      : store.start(world.lane, made, now, null);
  });
}

/** What a claim takes, and locks, in this order. */
const TO_CLAIM = ["due", "ofDead", "parkedMail", "ofTenant", "waiting", "ofTenantToo", "keyed"] as const;

function claim(by: string, runsMax: number, except: readonly Name[] = []): Verb {
  const workflows = NAMES.filter((name) => !except.includes(name)).map(workflowOf);
  return {
    ...verb(
      `claim ${runsMax}`,
      by,
      async (store, world, now) => {
        const claimed = await store.claim(world.lease(by), workflows, now, runsMax, 1e9);
        return claimed.toSorted((one, other) => (one.id < other.id ? -1 : 1));
      },
      TO_CLAIM.slice(0, runsMax),
    ),
    without: (names) => claim(by, runsMax, names),
  };
}

function commit(
  name: string,
  by: string,
  commits: (world: World) => readonly RunCommit[],
  touches: readonly Name[] = [],
): Verb {
  return verb(`commit ${name}`, by, (store, world, now) => store.commit(world.lease(by), commits(world), now), touches);
}

function send(name: string, touches: readonly Name[], sends: (world: World) => readonly Send[]): Verb {
  return verb(`send ${name}`, null, (store, world, now) => store.send(world.lane, sends(world), now), touches);
}

function takeOver(of: string, beat: number | null, leaves: boolean): Verb {
  return verb(`take over ${of} at ${beat}${leaves ? ", which leaves" : ""}`, null, (store, { lane }, now) =>
    store.takeOver(lane, of, beat, now, leaves),
  );
}

function prune(name: string, names: readonly Name[]): Verb {
  const pruning = { before: NOW + 100, keysForMs: 10, linesMax: 1000 };
  return verb(`prune ${name}`, null, (store, world) =>
    store.prune(
      world.lane,
      names.map((each) => world.id(each)),
      pruning,
    ),
  );
}

function advance(name: string, steps: readonly ReturnType<typeof step>[]): Verb {
  return verb(`advance ${name}`, null, (store, { lane }) => store.schedules.advance(lane, steps));
}

const PARK = { kind: "park", wakeAt: NOW + 50 } as const;
const HOLDER = { worker: "w", host: "h", process: "p" };

export const VERBS: readonly Verb[] = [
  start("new", null, (world) => [world.start("new1", { tenant: "t" })]),
  start("new", "a", (world) => [world.start("new1")]),
  start("new", "b", (world) => [world.start("new1"), world.start("new2")]),
  start("known id", null, (world) => [world.start("waiting"), world.start("new3")]),
  start("new key", null, (world) => [world.start("new2", { workflow: "flow-new1", key: keyOf("n") })]),
  start("new key with another input", "a", (world) => [
    world.start("new3", { workflow: "flow-new1", key: keyOf("n", { inputHash: "h2" }) }),
    world.start("new1", { workflow: "flow-new1" }),
  ]),
  start("known key", "b", (world) => [world.start("new3", { workflow: "flow-keyed", key: keyOf("k") })]),
  start("failed key again", null, (world) => [
    world.start("new2", { workflow: "flow-failed", key: keyOf("f", { again: true }) }),
  ]),
  start("failed key again", "a", (world) => [
    world.start("new3", { workflow: "flow-failed", key: keyOf("f", { again: true, inputHash: "h2" }) }),
  ]),
  ...debouncedStarts(start),
  startWith("new", (world, one, other) => [world.start(one, { tenant: "t" }), world.start(other)]),
  startWith("new key", (world, one) => [
    world.start(one, { workflow: "flow-new1", key: keyOf("n"), attributes: [{ name: "region", value: "eu" }] }),
  ]),
  startWith("known key with another input", (world, one, other) => [
    world.start(other),
    world.start(one, { workflow: "flow-keyed", key: keyOf("k", { inputHash: "h2" }) }),
  ]),
  startWith("failed key again", (world, one) => [
    world.start(one, { workflow: "flow-failed", key: keyOf("f", { again: true }) }),
  ]),
  claim("a", 1000),
  claim("b", 1000),
  claim("b", 1),
  claim("b", 4),
  claim("dead", 9),
  commit("keep", "a", (world) => [world.commit("plain", { lines: [x, y] })]),
  commit("keep with other lines", "a", (world) => [world.commit("plain", { lines: [z], clearsDeaths: true })]),
  commit("park", "a", (world) => [world.commit("plain", { then: PARK })]),
  commit("park with lines", "a", (world) => [world.commit("plain", { lines: [x], then: PARK })]),
  commit("end", "a", (world) => [world.commit("plain", { lines: [x, y], then: COMPLETED })]),
  commit("hold", "a", (world) => [world.commit("begun", { from: 1, then: HELD })]),
  commit("fail", "a", (world) => [world.commit("begun", { from: 1, lines: [y], then: FAILED })]),
  commit("absorb", "a", (world) => [world.commit("mailed", { lines: [x], absorbed: ["m1"], mailSeen: 1 })]),
  commit("absorb late", "a", (world) => [
    world.commit("mailedTwice", { from: 1, lines: [x], absorbed: ["m2"], mailSeen: 2 }),
  ]),
  commit("park unseen mail", "a", (world) => [world.commit("mailed", { lines: [x], then: PARK })]),
  commit("park seen mail", "a", (world) => [
    world.commit("mailed", { lines: [x], absorbed: ["m1"], mailSeen: 1, then: PARK }),
  ]),
  commit("end seen mail", "a", (world) => [
    world.commit("mailed", { lines: [x], absorbed: ["m1"], mailSeen: 1, then: COMPLETED }),
  ]),
  commit("the same lines", "a", (world) => [world.commit("begun", { lines: [x] })]),
  commit("many", "a", (world) => [
    world.commit("mailedTwice", { from: 1, lines: [x], mailSeen: 1, then: PARK }),
    world.commit("mailed", { lines: [x], absorbed: ["m1"], mailSeen: 1 }),
    world.commit("begun", { from: 1, lines: [y], then: COMPLETED }),
    world.commit("plain", { clearsDeaths: true, lines: [z] }),
  ]),
  commit(
    "many, one of them not its own",
    "a",
    (world) => [
      world.commit("waiting", { lines: [z] }),
      world.commit("mailed", { lines: [x], absorbed: ["m1"], mailSeen: 1, then: PARK }),
      world.commit("plain", { lines: [z] }),
    ],
    ["waiting"],
  ),
  commit("a parcel and end", "a", (world) => [
    world.commit("plain", { lines: [x], parcels: [world.send("others", "p1")], then: COMPLETED }),
  ]),
  commit("nothing", "a", () => []),
  commit("a foreign run", "b", (world) => [
    world.commit("plain", { lines: [z] }),
    world.commit("others", { lines: [z], then: PARK }),
  ]),
  commit("keep", "b", (world) => [world.commit("othersBegun", { from: 1, lines: [y] })]),
  commit("a run that was its own", "dead", (world) => [world.commit("ofDead", { lines: [z] })]),
  send("to an owned run", ["plain"], (world) => [world.send("plain", "m1"), world.send("others", "m1")]),
  send("the same again", ["mailed"], (world) => [world.send("mailed", "m1"), world.send("mailedTwice", "m1")]),
  send("more mail", ["mailed", "begun"], (world) => [world.send("mailed", "m2"), world.send("begun", "m2")]),
  send("to runs that wait", ["waiting", "later"], (world) => [world.send("later", "m1"), world.send("waiting", "m1")]),
  send("to parked runs", ["parked", "parkedMail", "due"], (world) => [
    world.send("due", "m1"),
    world.send("parked", "m1"),
    world.send("parkedMail", "m1"),
  ]),
  send("to held and ended runs", ["held", "failed"], (world) => [
    world.send("held", "m1"),
    world.send("failed", "m1", { reopens: true }),
    world.send("completed", "m1", { reopens: true }),
  ]),
  send("to runs that are not there", [], (world) => [world.send("new1", "m1"), world.send("failed", "m2")]),
  send("to many", [...OF_A, "ofDead", "ofTenant"], (world) =>
    (["ofTenant", "ofDead", ...OF_A] as const).map((name) => world.send(name, "m9")),
  ),
  send("to those that prune may take", ["failed"], (world) => [world.send("failed", "m1", { reopens: true })]),
  ...postVerbs(verb),
  prune("finished runs", ["completed", "failed", "sender", "plain", "keyed"]),
  prune("a run with a key", ["failed"]),
  verb("forget keys", null, (store, { lane }) => store.forgetKeys(lane, NOW + 1e6, 9)),
  advance("first seen", [step("unseen", null, 1), step("another", null, 1)]),
  advance("first seen, in another order", [step("another", null, 2), step("unseen", null, 2)]),
  advance("a tick", [step("nightly", 5, 6), step("hourly", 5, 6)]),
  advance("a tick, in another order", [step("hourly", 5, 7), step("nightly", 4, 7), step("unseen", 5, 7)]),
  verb("reached", null, (store, { lane }) => store.schedules.reached(lane, SCHEDULES)),
  ...fileVerbs(verb),
  ...transactVerbs(verb),
  ...queueVerbs(verb),
  takeOver("a", null, false),
  takeOver("a", 0, false),
  takeOver("a", 1, false),
  takeOver("a", null, true),
  takeOver("b", null, false),
  ...["a", "b"].map((owner) => verb("renew", owner, renewed(owner))),
  verb("join e", null, (store, world) => store.join(world.lease("e"), HOLDER)),
  verb("join a", null, (store, world) => store.join(world.lease("a"), HOLDER)),
  ...["a", "b"].map((owner) => verb("mail", owner, mailOf(owner))),
  verb("load", "a", loaded("a")),
  verb("owned", "a", async (store, world) => (await store.owned(world.lease("a"))).toSorted()),
  verb("look", "b", (store, world, now) => store.look(world.lease("b"), NAMES.map(workflowOf), now)),
  ...EVENT_VERBS.map(([name, does]) => verb(name, null, (store, { lane }, now) => does(store, lane, now))),
];

function renewed(owner: string): Verb["does"] {
  return async (store, world) => {
    const leases = await store.renew(world.lease(owner));
    // Two that renew at once need not see each other's beat: it is the next one that sees it.
    const own = leases.map((lease) => (lease.owner === owner ? lease : { ...lease, beat: "any" }));
    return own.toSorted((one, other) => (one.owner < other.owner ? -1 : 1));
  };
}

function mailOf(owner: string): Verb["does"] {
  return async (store, world, now) =>
    (await store.mail(world.lease(owner), now)).toSorted((one, other) => (one.run < other.run ? -1 : 1));
}

function loaded(owner: string): Verb["does"] {
  return (store, world) => store.load(world.lease(owner), world.ids);
}

/** All that can be read, without changing anything. */
export async function everything(store: Store, world: World): Promise<unknown> {
  const { lane, ids } = world;
  const owners = ["a", "b", "e"].map(async (owner) => {
    const lease = world.lease(owner);
    return outcome(async () => ({
      owned: (await store.owned(lease)).toSorted(),
      mail: await mailOf(owner)(store, world, NOW + 30),
      loaded: await store.load(lease, ids),
      look: await store.look(lease, NAMES.map(workflowOf), NOW + 30),
      results: await resultsOf(store, world, owner),
    }));
  });
  const tallies = (await store.tallies(lane, null, null)).map((tally) => JSON.stringify(tally)).toSorted();
  const attribute = { name: "region", value: "eu" };
  return {
    runs: await store.read(lane, ids),
    journals: await Promise.all(ids.map((id) => store.journal(lane, id))),
    tallies,
    outgoing: await store.post.outgoing(lane, null, 9),
    schedules: await store.schedules.reached(lane, SCHEDULES),
    files: await filesOf(store, lane, ids),
    events: await allOfEvents(store, lane),
    queues: await allOfQueues(store, world),
    received: (await store.post.received(lane, NOW + 1e6, 9)).map(({ key }) => key).toSorted(),
    listed: (await store.list(lane, { attribute }, { before: null, limit: 9 })).map(({ id }) => id),
    owners: await Promise.all(owners),
  };
}

/** What a handle thinks it knows shows in its next commits; what is due, in a claim of all there is. */
export async function aftermath(
  world: World,
  first: Store,
  second: Store,
  lengths: readonly number[],
): Promise<unknown> {
  const answers: unknown[] = [];
  for (const [owner, store, names] of [
    ["a", first, [...OF_A, ...NEW, "served"]],
    ["b", second, [...OF_B, "servedToo"]],
  ] as const) {
    const commits = world.ids.map((run, index) => commitOf(run, { from: lengths[index]!, lines: [lineOf(owner)] }));
    const own = names.map((name) => [commits[world.ids.indexOf(world.id(name))]!]);
    // Alone, since one run of which nothing is known has all of a batch looked at.
    for (const batch of [...own, commits]) {
      answers.push(await outcome(() => store.commit(world.lease(owner), batch, NOW + 40)));
    }
  }
  const queues = await lastOfQueues(second, await joined(second, "heir", world.lane));
  const claimed = await outcome(() => claim("heir", 1000).does(second, world, NOW + 1e6));
  const [n, k, f] = [
    world.start(LAST[0], { workflow: "flow-new1", key: keyOf("n") }),
    world.start(LAST[1], { workflow: "flow-keyed", key: keyOf("k") }),
    world.start(LAST[2], { workflow: "flow-failed", key: keyOf("f") }),
  ];
  const known = await outcome(() => second.start(world.lane, [n, k, f], NOW + 50, null));
  return {
    answers,
    claimed,
    known,
    queues,
    freed: await sweepAll(second, world.lane).then(() => second.files.sweep(world.lane, 9)),
    journals: await Promise.all(world.ids.map((id) => second.journal(world.lane, id))),
  };
}

export async function outcome(act: () => Promise<unknown>): Promise<unknown> {
  try {
    return await act();
  } catch (error) {
    const { name, message } = error as Error;
    return name === "LeaseLost" ? name : `${name}: ${message}`;
  }
}
