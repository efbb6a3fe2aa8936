/** Laws of steps whose bodies take several inputs at once: who is called together, and what becomes of each. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { RateLimited, step as defineStep, type BatchContext } from "../../../src/flow/index.ts";
import { allCompleted, MINUTE, startMany, workflowOf, World, type SettingsGiven } from "../world.ts";

const FEW: SettingsGiven = { limits: { linedUpMax: 10 } };

interface Given {
  readonly queue?: object;
  readonly batch?: { readonly max: number; readonly wait: string | number };
  readonly retry?: object;
  readonly timeout?: string;
  readonly input?: unknown;
  readonly undo?: unknown;
}

type Body = (inputs: number[], ctx: BatchContext) => unknown;

const untyped = defineStep as unknown as (name: string, options: unknown) => (input: unknown) => unknown;

/** A step of batches, and what its bodies were called with. */
function batched(
  world: World,
  { queue = {}, batch = { max: 10, wait: "200ms" }, ...options }: Given = {},
  body?: Body,
) {
  const calls: { inputs: readonly number[]; at: number; until: number; attempts: readonly number[] }[] = [];
  const step = untyped("s", {
    retry: { attempts: 3, first: "1s", jitter: "none" },
    ...options,
    queue: { batch, ...queue },
    async run(inputs: number[], ctx: BatchContext) {
      const attempts = ctx.items.map(({ attempt }) => attempt);
      const call = { inputs: [...inputs], at: world.time.now, until: Infinity, attempts };
      calls.push(call);
      if (body !== undefined) return body(inputs, ctx);
      await world.time.wait(100);
      call.until = world.time.now;
      return inputs.map((input) => input * 2);
    },
  });
  return { calls, flow: workflowOf("w", (n) => step(n)) };
}

function sizes({ calls }: { readonly calls: readonly { readonly inputs: readonly number[] }[] }): number[] {
  return calls.map(({ inputs }) => inputs.length);
}

test("a batch is called when so many wait, and the last when its oldest has waited; each run has its own result", async () => {
  const world = new World();
  const made = batched(world);
  const opened = await world.open([made.flow]);
  await startMany(world, opened, made.flow, 25);
  await allCompleted(world);
  assert.deepEqual(sizes(made), [10, 10, 5]);
  assert.deepEqual(made.calls.flatMap(({ inputs }) => inputs).sort((a, b) => a - b), [...Array(25).keys()]); // prettier-ignore
  const waitedMs = made.calls[2]!.at - made.calls[0]!.at;
  assert.ok(waitedMs >= 195 && waitedMs < 300, `${waitedMs} ms`);
  for (const { input, output } of world.records) assert.equal(output, String(Number(input) * 2));
});

test("one bad item fails alone, and joins a later batch", async () => {
  const world = new World();
  const made = batched(world, {}, (inputs, { items }) =>
    inputs.map((input, nth) => (input === 3 && items[nth]!.attempt < 3 ? new Error("not yet") : input)),
  );
  const opened = await world.open([made.flow]);
  await startMany(world, opened, made.flow, 10);
  await allCompleted(world);
  assert.deepEqual(sizes(made), [10, 1, 1]);
  assert.deepEqual(made.calls.map(({ attempts }) => attempts.at(-1)), [1, 2, 3]); // prettier-ignore
});

test("a body that throws fails all of its batch, each by its own retries", async () => {
  const world = new World();
  let isDown = true;
  const made = batched(world, {}, (inputs) => {
    if (isDown) throw new Error("down");
    return inputs;
  });
  const opened = await world.open([made.flow]);
  await startMany(world, opened, made.flow, 10);
  await world.until("it was called", () => made.calls.length === 1);
  isDown = false;
  await allCompleted(world);
  assert.deepEqual(sizes(made), [10, 10]);
  assert.equal(opened.attempts.length, 20);
});

for (const [answer, what] of [
  [[1, 2], "a list of 2"],
  [Promise.resolve("all well"), "what is no list"],
] as const) {
  test(`a body that answers ${what} fails all of its batch for good`, async () => {
    const world = new World();
    const made = batched(world, { batch: { max: 3, wait: "1s" } }, () => answer);
    const opened = await world.open([made.flow]);
    await startMany(world, opened, made.flow, 3);
    await world.until("all failed", () => world.records.every(({ status }) => status === "failed"));
    assert.deepEqual(sizes(made), [3]);
    for (const { error } of world.records) {
      assert.equal(JSON.parse(error!).code, "BATCH_MISMATCHED");
      assert.ok(error!.includes(what), error!);
    }
  });
}

test("each input is read by the schema, and one that does not fit is in no batch", async () => {
  const world = new World();
  const input = z.number().refine((n) => n !== 2);
  const made = batched(world, { input, batch: { max: 4, wait: "1s" } }, (inputs) => inputs);
  const opened = await world.open([made.flow]);
  await startMany(world, opened, made.flow, 4);
  await world.until("all ended", () => world.records.every(({ status }) => status !== "running"));
  assert.deepEqual(made.calls.map(({ inputs }) => inputs.toSorted()), [[0, 1, 3]]); // prettier-ignore
  assert.deepEqual(
    world.records.filter(({ status }) => status === "failed").map(({ error }) => JSON.parse(error!).code),
    ["INPUT_INVALID"],
  );
});

test("a batch is one of those at once, and has one slot", async () => {
  const world = new World();
  const made = batched(world, { queue: { concurrency: 2 } });
  const opened = await world.open([made.flow], { slots: 1 });
  await startMany(world, opened, made.flow, 60);
  await allCompleted(world);
  assert.deepEqual(sizes(made), [10, 10, 10, 10, 10, 10]);
  made.calls.forEach(({ at }, nth) => assert.ok(nth === 0 || at >= made.calls[nth - 1]!.until));
});

test("each item counts for the rate, and a batch is no larger than its burst", async () => {
  const world = new World();
  const made = batched(world, { queue: { rate: "20/s burst 5" } });
  const opened = await world.open([made.flow]);
  await startMany(world, opened, made.flow, 50);
  await allCompleted(world);
  assert.deepEqual(
    sizes(made),
    Array.from({ length: 10 }, () => 5),
  );
  assert.ok(made.calls.at(-1)!.at - made.calls[0]!.at >= 9 * 250 - 1);
});

test("a batch is of one key", async () => {
  const world = new World();
  const per = { key: (n: number) => String(n % 3), concurrency: 1 };
  const made = batched(world, { queue: { per } });
  const opened = await world.open([made.flow]);
  await startMany(world, opened, made.flow, 60);
  await allCompleted(world);
  assert.deepEqual(sizes(made), [10, 10, 10, 10, 10, 10]);
  for (const { inputs } of made.calls) assert.equal(new Set(inputs.map((n) => n % 3)).size, 1);
});

test("runs that were parked in line are called up in time to fill a batch", async () => {
  const world = new World(2);
  const made = batched(world, { queue: { concurrency: 1 } });
  const opened = await world.open([made.flow], { limits: { linedUpMax: 30 } });
  await startMany(world, opened, made.flow, 300);
  await allCompleted(world);
  const called = sizes(made);
  assert.equal(called.reduce((a, b) => a + b), 300, "each is called once"); // prettier-ignore
  assert.ok(called.length <= 33, `${called.join(" ")}`);
});

test("an item that is cancelled while its batch runs is not heard; the batch is told when nobody waits for it", async () => {
  const world = new World();
  const batch = { max: 3, wait: "1s" };
  const answer = Promise.withResolvers<readonly number[]>();
  const seen: AbortSignal[] = [];
  const made = batched(world, { batch }, (_, { signal, items }) => {
    seen.push(signal, ...items.map((item) => item.signal));
    return answer.promise;
  });
  const opened = await world.open([made.flow]);
  await startMany(world, opened, made.flow, 3);
  await world.until("it is called", () => made.calls.length === 1);
  const aborted = () => seen.map(({ aborted }) => aborted);
  const [first, second, third] = world.records.map(({ id }) => id) as [string, string, string];
  for (const id of [first, second]) {
    await world.happens(opened.tenfold.cancel(id, { reason: "enough" }));
    await world.untilStatus(id, "cancelled");
  }
  assert.equal(aborted()[0], false);
  assert.equal(aborted().filter(Boolean).length, 2);
  await world.happens(opened.tenfold.cancel(third, { reason: "enough" }));
  await world.untilStatus(third, "cancelled");
  assert.deepEqual(aborted(), [true, true, true, true]);
  answer.resolve([1, 2, 3]);
  await world.passes(1000);
  assert.ok(world.records.every(({ status }) => status === "cancelled"));
});

test("the timeout is of the whole batch, which keeps its place until its body has settled", async () => {
  const world = new World();
  const retry = { attempts: 2, first: "1s", jitter: "none" };
  const given = { batch: { max: 3, wait: "1s" }, timeout: "5s", retry, queue: { concurrency: 1 } };
  let called = 0;
  const made = batched(world, given, async (inputs) => {
    if (called++ === 0) await world.time.wait(20_000);
    return inputs;
  });
  const opened = await world.open([made.flow]);
  await startMany(world, opened, made.flow, 3);
  await allCompleted(world);
  assert.deepEqual(sizes(made), [3, 3]);
  assert.ok(made.calls[1]!.at - made.calls[0]!.at >= 20_000);
});

test("a batch, or an item of it, that is told to come later holds up the queue", async () => {
  const world = new World();
  let called = 0;
  const made = batched(world, { batch: { max: 2, wait: "100ms" } }, (inputs) =>
    inputs.map((input) => (called++ === 0 ? new RateLimited(30_000) : input)),
  );
  const opened = await world.open([made.flow]);
  await startMany(world, opened, made.flow, 1);
  await world.until("it is called", () => made.calls.length === 1);
  await startMany(world, opened, made.flow, 2);
  await allCompleted(world);
  assert.ok(made.calls[1]!.at - made.calls[0]!.at >= 30_000);
});

test("a worker that dies amid a batch leaves its items to another, which calls them again", async () => {
  const world = new World();
  const made = batched(world, { queue: { concurrency: 1 }, batch: { max: 20, wait: "100ms" } });
  const [first] = [await world.open([made.flow], FEW), await world.open([made.flow], FEW)];
  await startMany(world, first, made.flow, 60);
  await world.until("it is called", () => made.calls.length > 0);
  first.clock.die();
  await allCompleted(world, 60 * MINUTE);
  assert.deepEqual(new Set(made.calls.flatMap(({ inputs }) => inputs)).size, 60);
});

test("what is taken back is taken back one by one", async () => {
  const world = new World();
  const undone: number[] = [];
  const undo = async (n: number, output: number) => {
    await world.time.wait(10);
    undone.push(n, output);
  };
  const step = untyped("s", {
    undo,
    queue: { batch: { max: 2, wait: "100ms" } },
    run: (inputs: number[]) => inputs.map((n) => n * 2),
  });
  const fails = untyped("fails", { run: () => Promise.reject(new Error("no")), retry: { attempts: 1 } });
  const flow = workflowOf("undoing", (n) => fails(step(n)));
  const opened = await world.open([flow]);
  await startMany(world, opened, flow, 2);
  await world.until("all failed", () => world.records.every(({ status }) => status === "failed"));
  assert.deepEqual(undone.toSorted((a, b) => a - b), [0, 0, 1, 2]); // prettier-ignore
});
