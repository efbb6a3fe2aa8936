/**
 * The post between lanes under crashes: couriers die before and after every verb, and every message is absorbed once.
 * The sender is made for this test: runs of lane 0 that owe each of the runs of lane 1 a message.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Courier, REMEMBERED_MS } from "../../src/engine/courier.ts";
import type { Clock } from "../../src/engine/ports.ts";
import { open, step, workflow } from "../../src/index.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { openPostgres } from "../../src/store/postgres/open.ts";
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import type { Post, Send, Store } from "../../src/store/store.ts";
import { POST_VERBS } from "../../src/testing/store-by-verb.ts";
import { TenfoldError } from "../../src/value/error.ts";
import { laneOfRun } from "../../src/value/id.ts";
import { seededRandom, type Random } from "../../src/value/random.ts";
import { newFile } from "../store/files.ts";
import { newSchema, postgresServer } from "../store/postgres-server.ts";
import { commitOf, idMaker, joined, KEEP, lineOf, NOW, sendOf, startOf } from "../store/sample.ts";
import { rejects } from "./world.ts";

/** What a dead courier's verbs end with: it never comes back from them. */
class Died extends Error {}

interface World {
  readonly store: Store;
  readonly senders: readonly string[];
  readonly receivers: readonly string[];
  /** Every message that a receiver absorbed, in order. */
  readonly absorbed: Map<string, string[]>;
  now: number;
}

async function newWorld(store: Store): Promise<World> {
  const make = idMaker();
  const senders = [make(), make()];
  const receivers = [make(NOW, 1), make(NOW, 1)];
  const sender = await joined(store, "s");
  const receiver = await joined(store, "r", 1);
  await store.start(0, senders.map((id) => startOf(id)), NOW, sender); // prettier-ignore
  await store.start(1, receivers.map((id) => startOf(id)), NOW, receiver); // prettier-ignore
  return { store, senders, receivers, absorbed: new Map(receivers.map((id) => [id, []])), now: NOW };
}

/** Each sender decides to write to each receiver, in one commit. */
async function write({ store, senders, receivers, now }: World, letters: number): Promise<void> {
  const sends = receivers.flatMap((to) => Array.from({ length: letters }, (_, n) => sendOf(to, `${to} ${n}`)));
  const answers = await store.commit(
    { lane: 0, owner: "s" },
    senders.map((from) => {
      const parcels = sends.map((send): Send => ({
        ...send,
        message: { ...send.message, key: `${from} ${send.message.key}` },
      }));
      return commitOf(from, { lines: [lineOf("x")], parcels });
    }),
    now,
  );
  assert.deepEqual(new Set(answers), new Set(["written"]));
}

/** A courier of `lane`; `dies` says of each verb whether its courier dies before it, after it, or neither. */
function courierOf(world: World, lane: number, dies: (verb: string) => "before" | "after" | null): Courier {
  const verb = (name: (typeof POST_VERBS)[number]) => {
    const real = world.store.post[name].bind(world.store.post) as (...given: unknown[]) => Promise<unknown>;
    return async (...given: unknown[]) => {
      const when = dies(name);
      if (when === "before") throw new Died();
      const answer = await real(...given);
      if (when === "after") throw new Died();
      return answer;
    };
  };
  const post = Object.fromEntries(POST_VERBS.map((name) => [name, verb(name)])) as unknown as Post;
  const clock = { now: () => world.now, elapsed: () => world.now } as Clock;
  return new Courier({ post } as Store, lane, clock);
}

/** What the owner of the receivers would do with its mail. */
async function absorb({ store, absorbed, now }: World): Promise<void> {
  const lease = { lane: 1, owner: "r" };
  for (const { run, messages, count } of await store.mail(lease, now)) {
    const kept = absorbed.get(run)!;
    const lines = messages.map(({ key }) => lineOf(key));
    const commit = { from: kept.length, lines, absorbed: messages.map(({ key }) => key), mailSeen: count, then: KEEP };
    const [answer] = await store.commit(lease, [commitOf(run, commit)], now);
    assert.equal(answer, "written");
    kept.push(...messages.map(({ key }) => key));
  }
}

async function survives(act: () => Promise<void>): Promise<void> {
  await act().catch((thrown: unknown) => {
    if (!(thrown instanceof Died)) throw thrown;
  });
}

/** A courier that lives finishes what is left, and nothing is left anywhere. */
async function settle(world: World, letters: number): Promise<void> {
  const alive = (lane: number): Courier => courierOf(world, lane, () => null);
  await alive(0).carry();
  await absorb(world);
  assert.deepEqual(await world.store.post.outgoing(0, null, 1000), []);
  for (const [run, keys] of world.absorbed) {
    const expected = world.senders.flatMap((from) => Array.from({ length: letters }, (_, n) => `${from} ${run} ${n}`));
    assert.deepEqual([...keys].sort(), expected.sort(), "each message once");
  }
  world.now += REMEMBERED_MS + 1;
  await alive(1).sweep();
  assert.deepEqual(await world.store.post.received(1, world.now + 1, 1000), [], "what was received is forgotten");
}

const stores: Readonly<Record<string, () => Promise<Store>>> = {
  memory: async () => new MemoryStore(2),
  sqlite: () => openSqlite(newFile(), { lanes: 2 }),
  postgres: async () => openPostgres((await postgresServer()).url, { schema: newSchema(), lanes: 2 }),
};

for (const [name, open] of Object.entries(stores)) {
  test(`on ${name}, whichever verb a courier dies before or after, each message is absorbed once`, async () => {
    for (const dyingAt of POST_VERBS) {
      for (const when of ["before", "after"] as const) {
        for (const absorbsBetween of [true, false]) {
          const store = await open();
          const world = await newWorld(store);
          await write(world, 3);
          await survives(() => courierOf(world, 0, (verb) => (verb === dyingAt ? when : null)).carry());
          if (absorbsBetween) await absorb(world);
          world.now += REMEMBERED_MS + 1;
          await survives(() => courierOf(world, 1, (verb) => (verb === dyingAt ? when : null)).sweep());
          if (absorbsBetween) await absorb(world);
          await settle(world, 3);
          await store.close();
        }
      }
    }
  });

  test(`on ${name}, two couriers at once carry each message once`, async () => {
    const store = await open();
    const world = await newWorld(store);
    await write(world, 700);
    await Promise.all([0, 1].map(() => courierOf(world, 0, () => null).carry()));
    await settle(world, 700);
    await store.close();
  });
}

test("whatever happens in which order, each message is absorbed once, and nothing is left", async () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seededRandom(seed);
    const world = await newWorld(new MemoryStore(2));
    const letters = 1 + Math.floor(random() * 4);
    await write(world, letters);
    for (let round = 0; round < 12; round++) await oneRound(world, random);
    await settle(world, letters).catch((thrown: unknown) => {
      throw new Error(`seed ${seed}`, { cause: thrown });
    });
  }
});

/** Two couriers of each lane at once, any of which may die, stall for any time within a verb, or both. */
async function oneRound(world: World, random: Random): Promise<void> {
  const dies = (): "before" | "after" | null => {
    world.now += Math.floor(random() ** 4 * REMEMBERED_MS);
    return random() < 0.8 ? null : random() < 0.5 ? "before" : "after";
  };
  const acts = [
    () => courierOf(world, 0, dies).carry(),
    () => courierOf(world, 0, dies).carry(),
    () => courierOf(world, 1, dies).sweep(),
    () => absorb(world),
  ];
  await Promise.all(acts.filter(() => random() < 0.7).map((act) => survives(act)));
}

test("parcels for a lane that is not reached stay, and those for others go on", async () => {
  const world = await newWorld(new MemoryStore(3));
  const far = idMaker()(NOW, 2);
  await write(world, 1);
  const commit = commitOf(world.senders[0]!, { from: 1, lines: [lineOf("y")], parcels: [sendOf(far, "far")] });
  await world.store.commit({ lane: 0, owner: "s" }, [commit], NOW);
  const real = world.store.post;
  const post: Post = {
    ...courierPost(real),
    deliver: async (lane, ...given) => {
      if (lane === 2) throw new TenfoldError("STORE_UNREACHABLE", "Lane 2 is not reached.");
      return real.deliver(lane, ...given);
    },
  };
  const clock = { now: () => world.now, elapsed: () => world.now } as Clock;
  await new Courier({ post } as Store, 0, clock).carry();
  assert.deepEqual((await real.outgoing(0, null, 10)).map(({ send }) => send.run), [far]); // prettier-ignore
  await absorb(world);
  assert.deepEqual([...world.absorbed.values()].map(({ length }) => length), [2, 2]); // prettier-ignore
});

test("a courier that was held up for long does not deliver what it read before", async () => {
  const world = await newWorld(new MemoryStore(2));
  await write(world, 1);
  const delivered: string[] = [];
  const real = world.store.post;
  const post: Post = {
    ...courierPost(real),
    outgoing: async (...given) => {
      const parcels = await real.outgoing(...given);
      world.now += REMEMBERED_MS;
      return parcels;
    },
    deliver: async (...given) => {
      delivered.push("delivered");
      return real.deliver(...given);
    },
  };
  const clock = { now: () => world.now, elapsed: () => world.now } as Clock;
  await new Courier({ post } as Store, 0, clock).carry();
  assert.deepEqual(delivered, []);
  assert.equal((await real.outgoing(0, null, 10)).length, 4);
});

function courierPost(post: Post): Post {
  return Object.fromEntries(POST_VERBS.map((name) => [name, post[name].bind(post)])) as unknown as Post;
}

test("a worker carries what lies in the outbox of its lane, whoever wrote it", async () => {
  const path = newFile();
  const wait = step("wait", {
    run: (_: { n: number }, { signal }) =>
      new Promise<number>((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error));
      }),
  });
  const waiting = workflow<{ n: number }, number>("waiting", { flow: (given) => wait(given) });
  const tenfold = await open({ store: path, workflows: [waiting], lanes: 2, drain: "1s" });
  let run = await tenfold.start(waiting, { n: 0 });
  for (let n = 1; laneOfRun(run.id) !== 1; n++) run = await tenfold.start(waiting, { n });
  const store = await openSqlite(path);
  const from = idMaker()();
  const lease = await joined(store, "s");
  await store.start(0, [startOf(from)], NOW, lease);
  await store.commit(lease, [commitOf(from, { lines: [lineOf("x")], parcels: [sendOf(run.id, "cancel")] })], NOW);
  await rejects(run.result(), "RUN_CANCELLED", run.id);
  await store.close();
  await tenfold.close();
});
