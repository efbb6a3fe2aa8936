/** How events are emitted in bulk: what one commit of them comes to, and who is told what when one of them is wrong. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EmittedEvent } from "../../src/store/events.ts";
import { storeByVerb } from "../../src/testing/store-by-verb.ts";
import { TenfoldError } from "../../src/value/error.ts";
import { stepOf, untyped, workflowOf, World } from "./world.ts";

const step = stepOf("s", (input) => input);

/** Has so many workflows subscribe to "lead", of which no worker is here; answers their names. */
async function subscribeMany(world: World, count: number, of: object = {}): Promise<string[]> {
  const names = Array.from({ length: count }, (_, nth) => `w${String(nth).padStart(4, "0")}`);
  const spec = JSON.stringify({ format: 1, where: null, input: null, ...of });
  const to = { event: "lead", version: "v1", spec, former: [], at: world.time.now };
  await world.store.events.subscribe(0, names.map((workflow) => ({ from: null, to: { ...to, workflow } }))); // prettier-ignore
  return names;
}

/** A client, and what each commit of events that it sends comes to. */
async function watchedClient(world: World) {
  const commits: { events: number; deliveries: number; characters: number }[] = [];
  const store = storeByVerb(world.store, (verb, of) => (...args) => {
    if (verb === "emit") {
      const events = args[1] as readonly EmittedEvent[];
      const to = events.flatMap((event) => event.to);
      const characters = to.reduce((sum, { input }) => sum + input.length, 0);
      commits.push({ events: events.length, deliveries: to.length, characters });
    }
    return of(world.store)(...args);
  });
  return { client: await world.open([], { work: false }, store), commits };
}

test("a thousand workflows may subscribe to one event: a commit is bounded by what it writes, each event is whole in one", async () => {
  const world = new World();
  const names = await subscribeMany(world, 1000);
  const { client, commits } = await watchedClient(world);
  const payloads = Array.from({ length: 50 }, (_, nth) => `${nth}`);
  const answers = await world.happens(
    Array.fromAsync(client.tenfold.emitMany("lead", payloads, { id: (text) => text })),
  );
  for (const answer of answers) assert.deepEqual(answer.kind === "emitted" && answer.workflows, names);
  assert.equal(commits.reduce((sum, { events }) => sum + events, 0), 50); // prettier-ignore
  for (const { deliveries } of commits) assert.ok(deliveries <= 20_000, `${deliveries}`);
  const large = Array.from({ length: 20 }, (_, nth) => `${nth}`.repeat(6000));
  commits.length = 0;
  await world.happens(Array.fromAsync(client.tenfold.emitMany("lead", large)));
  const one = large.at(-1)!.length * 1001;
  for (const { characters } of commits) assert.ok(characters <= 8 * 1024 * 1024 + one, `${characters}`);
});

test("an event that is known is the one that came first, also if nobody would be meant by what it carries now", async () => {
  const world = new World();
  const where = (event: any) => untyped.gte(event.points, 80);
  const hot = workflowOf("hot", (input) => step(input), { triggers: [untyped.on("lead", { where })] });
  const { tenfold } = await world.open([hot]);
  const emit = (id: string, points: number) => world.happens(tenfold.emit("lead", { points }, { id }));
  assert.deepEqual(await emit("1", 90), { id: "1", isNew: true, workflows: ["hot"], filtered: [] });
  assert.deepEqual(await emit("1", 7), { id: "1", isNew: false, workflows: ["hot"], filtered: [] });
  assert.deepEqual(await emit("2", 7), { id: "2", isNew: true, workflows: [], filtered: ["hot"] });
  await world.happens(tenfold.close());
});

test("an event that comes to more than one commit can hold is refused alone", async () => {
  const world = new World();
  await subscribeMany(world, 200);
  const { client, commits } = await watchedClient(world);
  const payloads = ["a", "x".repeat(1_000_000), "b"];
  const answers = await world.happens(Array.fromAsync(client.tenfold.emitMany("lead", payloads)));
  assert.deepEqual(
    answers.map((answer) => (answer.kind === "refused" ? answer.error.code : answer.workflows.length)),
    [200, "PAYLOAD_TOO_LARGE", 200],
  );
  assert.deepEqual(commits.map(({ events }) => events), [2]); // prettier-ignore
});

test("what a newer tenfold subscribed to one event keeps no other from being emitted", async () => {
  const world = new World();
  await subscribeMany(world, 1, { format: 2 });
  const worker = await world.open([workflowOf("other", (input) => step(input), { triggers: [untyped.on("order")] })]);
  const [newer, order] = await world.happens(Promise.allSettled([worker.tenfold.emit("lead", 1), worker.tenfold.emit("order", 1)])); // prettier-ignore
  assert.deepEqual([newer.status, order.status], ["rejected", "fulfilled"]);
  assert.equal((newer as PromiseRejectedResult).reason.code, "STORE_NEWER");
  assert.match((newer as PromiseRejectedResult).reason.message, /nothing was emitted/);
  await world.happens(worker.tenfold.close());
});

test("events that were written before the store went away are answered, and only the others are not", async () => {
  const world = new World();
  const names = await subscribeMany(world, 1000);
  let sent = 0;
  const store = storeByVerb(world.store, (verb, of) => async (...args) => {
    if (verb !== "emit" || sent++ === 0) return of(world.store)(...args);
    throw new TenfoldError("STORE_UNREACHABLE", "The store did not answer.");
  });
  const client = await world.open([], { work: false }, store);
  const payloads = Array.from({ length: 50 }, (_, nth) => `${nth}`);
  const answers = await world.happens(
    Array.fromAsync(client.tenfold.emitMany("lead", payloads, { id: (text) => text })),
  );
  const kept = answers.filter(({ kind }) => kind === "emitted").length;
  assert.ok(kept > 0 && kept < 50, `${kept}`);
  assert.equal(world.store.events.peekWaiting(0), kept * names.length);
});
