/** Laws of `ctx.files`: a file is whole or not there, whoever dies and whatever breaks or stops. */
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { PART_BYTES } from "../../src/engine/file-source.ts";
import type { StoredFile } from "../../src/index.ts";
import { TenfoldError } from "../../src/value/error.ts";
import { flowOf, numbered, ran, watched } from "./file-runs.ts";
import { Gate, MINUTE, rejects, stepOf, untyped, workflowOf, World } from "./world.ts";

test("a worker that dies in the middle of a file leaves nothing that can be read, and the next attempt's file is whole", async () => {
  const world = new World();
  const gate = new Gate();
  const flow = flowOf(async (_, { files, attempt }) => {
    const source = async function* () {
      yield numbered(3 * PART_BYTES);
      if (world.store.files.held(0) < 3) await gate.pass();
    };
    await files.write("f", source(), { type: `text/x-${attempt}` });
    return null;
  });
  const first = await world.open([flow]);
  const { id } = await world.happens(first.tenfold.start(flow, 1 as never));
  await world.until("it is at the gate", () => gate.entered > 0);
  await world.until("two parts are kept", () => world.store.files.peek(0, id)[0]!.bytes.size === 2);
  first.clock.die();
  const second = await world.open([flow]);
  assert.deepEqual(await second.tenfold.files(id), []);
  await rejects(second.tenfold.file(id, "f"), "FILE_UNKNOWN", "has no file f", "none at all");
  gate.open();
  await world.untilStatus(id, "completed");
  assert.deepEqual(await (await second.tenfold.file(id, "f")).bytes(), numbered(3 * PART_BYTES));
  await world.passes(MINUTE);
  assert.equal(world.store.files.held(0), 3);
});

test("a worker that lost its lease keeps no file any more", async () => {
  const world = new World();
  const gate = new Gate();
  const told: unknown[] = [];
  const flow = flowOf(async (_, { files, attempt }) => {
    if (attempt === 1 && gate.entered === 0) await gate.pass();
    await files.write("f", "late").catch((thrown: unknown) => {
      told.push(thrown);
      throw thrown;
    });
    return null;
  });
  const { tenfold } = await world.open([flow]);
  const { id } = await world.happens(tenfold.start(flow, 1 as never));
  await world.until("it is at the gate", () => gate.entered > 0);
  await world.store.takeOver(0, world.record(id).owner!, null, world.time.now, false);
  gate.open();
  await world.until("it was told", () => told.length > 0);
  assert.ok(told[0] instanceof Error);
  assert.equal(world.store.files.held(0), 0);
  await world.untilStatus(id, "completed");
  assert.equal((await tenfold.files(id)).length, 1);
});

test("a file stops with its attempt: at a timeout, whatever its source does, and nothing of it is kept", async () => {
  const world = new World();
  const hanging = async function* () {
    yield numbered(2 * PART_BYTES);
    await new Promise(() => {});
  };
  const body = (_: unknown, { files }: any) => files.write("f", hanging());
  const { tenfold, id } = await ran(world, flowOf(body as any, { timeout: "5s" }));
  assert.equal((await tenfold.show(id)).error?.code, "STEP_TIMED_OUT");
  await world.passes(MINUTE);
  assert.deepEqual(await tenfold.files(id), []);
});

test("a file that a step does not wait for is not kept, and the log says so", async () => {
  const world = new World();
  const slow = async function* () {
    yield "a";
    await world.time.wait(1000);
    yield "b";
  };
  let late: Promise<unknown> | undefined;
  const flow = flowOf(async (_, { files }) => {
    void files.write("forgotten.txt", slow());
    void files.write("bad/name.txt", "x");
    late = world.time.wait(5000).then(() => files.write("late.txt", "x"));
    await world.time.wait(100);
    return null;
  });
  const { tenfold, id, log } = await ran(world, flow);
  assert.equal(world.record(id).status, "completed");
  assert.deepEqual(log.find(({ message }) => message.includes("did not wait"))?.facts["files"], [
    "forgotten.txt",
    "bad/name.txt",
  ]);
  await rejects(world.happens(late!), "FILE_NOT_KEPT", "is over", "await");
  assert.deepEqual(await tenfold.files(id), []);
});

test("the log says so also of a step that answers before anything of the file was asked for", async () => {
  const world = new World();
  const flow = flowOf((_, { files }) => {
    void files.write("forgotten.txt", "x");
    return null;
  });
  const { tenfold, id, log } = await ran(world, flow);
  assert.equal(world.record(id).status, "completed");
  assert.deepEqual(log.find(({ message }) => message.includes("did not wait"))?.facts["files"], ["forgotten.txt"]);
  assert.deepEqual(await tenfold.files(id), []);
});

test("a source that fails fails the write with its own error, and one that gives no bytes is refused", async () => {
  for (const [source, expected] of [
    [Readable.from((async function* () { yield "a"; throw new Error("the source broke"); })()), "the source broke"], // prettier-ignore
    [Readable.from([{ a: 1 }]), "FILE_INVALID"],
    [42, "FILE_INVALID"],
    [null, "FILE_INVALID"],
    [["a"], "FILE_INVALID"],
  ] as const) {
    const { tenfold, id } = await ran(
      new World(),
      flowOf((_, { files }) => files.write("f", source as any) as any),
    );
    const { error } = await tenfold.show(id);
    assert.ok(`${error?.code} ${error?.message}`.includes(expected), `${error?.code} ${error?.message}`);
    assert.deepEqual(await tenfold.files(id), []);
  }
});

test("a file that is replaced while it is read ends the reading with an error", async () => {
  const world = new World();
  const gate = new Gate();
  const flow = flowOf(async (_, { files }) => {
    await files.write("f", numbered(9 * PART_BYTES));
    await gate.pass();
    await files.write("f", "short");
    return null;
  });
  const { tenfold } = await world.open([flow]);
  const { id } = await world.happens(tenfold.start(flow, 1 as never));
  await world.until("it is at the gate", () => gate.entered > 0);
  const file: StoredFile = await tenfold.file(id, "f");
  const parts = file[Symbol.asyncIterator]();
  await parts.next();
  gate.open();
  await world.untilStatus(id, "completed");
  const rest = async () => {
    while ((await parts.next()).done !== true);
  };
  await rejects(rest(), "FILE_UNKNOWN", "replaced or pruned while it was read");
  assert.equal(await (await tenfold.file(id, "f")).text(), "short");
  await rejects(tenfold.file(id, file), "FILE_UNKNOWN", "replaced since");
});

test("bytes that are not those that were written are an error, never another file", async () => {
  const world = new World();
  const { tenfold, id } = await ran(
    world,
    flowOf((_, { files }) => files.write("f", numbered(2 * PART_BYTES + 5)) as any),
  );
  const kept = world.store.files.peek(0, id)[0]!.bytes;
  const whole = new Map(kept);
  const broken: readonly (() => void)[] = [
    () => (kept.get(1)![7]! ^= 1),
    () => kept.delete(2),
    () => kept.set(2, numbered(4)),
    () => kept.set(2, numbered(6)),
    () => (kept.set(0, whole.get(1)!), kept.set(1, whole.get(0)!)),
  ];
  for (const breaks of broken) {
    breaks();
    await rejects((async () => (await tenfold.file(id, "f")).bytes())(), "STORE_CORRUPT", "backup");
    for (const [seq, bytes] of whole) kept.set(seq, bytes.slice());
    kept.set(1, numbered(2 * PART_BYTES).slice(PART_BYTES));
  }
  assert.equal((await (await tenfold.file(id, "f")).bytes()).length, 2 * PART_BYTES + 5);
});

test("a store that is away for a while, or full, fails no file: its parts are sent again", async () => {
  const world = new World();
  let fails = 0;
  const store = watched(world, {
    write: async (lease, parts, now) => {
      const answers = await world.store.files.write(lease, parts, now);
      if (fails++ % 3 < 2) throw new TenfoldError("STORE_UNREACHABLE", "gone");
      return answers;
    },
    list: async (...given) => {
      if (fails++ === 0) throw new TenfoldError("STORE_BUSY", "busy");
      return world.store.files.list(...given);
    },
  });
  const flow = flowOf((_, { files }) => files.write("f", numbered(5 * PART_BYTES)) as any);
  const { id } = await ran(world, flow, 1, {}, store);
  assert.equal(world.record(id).status, "completed");
  const { tenfold } = await world.open([flow], { work: false });
  assert.deepEqual(await (await tenfold.file(id, "f")).bytes(), numbered(5 * PART_BYTES));
  assert.ok(fails > 5);
});

const busy = () => new TenfoldError("STORE_BUSY", "busy");

for (const { what, isKept } of [
  { what: "takes nothing", isKept: false },
  { what: "answers nothing", isKept: true },
]) {
  test(`a file that is given up while the store ${what} is not there afterwards`, async () => {
    const world = new World();
    let isAway = true;
    const files = world.store.files;
    const store = watched(world, {
      write: async (...given) => {
        const answers = !isAway || isKept ? await files.write(...given) : [];
        if (isAway) throw busy();
        return answers;
      },
      remove: async (...given) => {
        if (isAway) throw busy();
        return files.remove(...given);
      },
    });
    const options = { timeout: "1s", retry: { attempts: 1 } };
    const render = stepOf("render", (_, { files: its }) => its.write("f", "x"), options);
    const next = stepOf("next", () => world.time.wait(10 * MINUTE));
    const flow = workflowOf("w", (n) =>
      next(
        untyped.attempt(
          () => render(n),
          () => null,
        ),
      ),
    );
    const { tenfold } = await world.open([flow], {}, store);
    const { id } = await world.happens(tenfold.start(flow, 1 as never));
    await world.passes(2000);
    isAway = false;
    await world.passes(MINUTE);
    assert.deepEqual(await tenfold.files(id), []);
    assert.equal(files.held(0), 0);
  });
}

test("a step that stops while the store is away fails the file of no other step", async () => {
  const world = new World();
  let isAway = true;
  const store = watched(world, {
    list: async (...given) => {
      if (isAway) throw busy();
      return world.store.files.list(...given);
    },
  });
  const body = (_: unknown, { files }: any) => files.write("f", "x");
  const quick = stepOf("quick", body, { timeout: "1s", retry: { attempts: 1 } });
  const slow = stepOf("slow", body, { timeout: "1m", retry: { attempts: 1 } });
  const flow = workflowOf("w", (n) => [quick(n), slow(n)]);
  const { tenfold } = await world.open([flow], {}, store);
  const { id } = await world.happens(tenfold.start(flow, 1 as never));
  await world.passes(2000);
  isAway = false;
  await world.untilStatus(id, "failed");
  assert.deepEqual(world.journal(id), ["failed quick", "done slow"]);
  assert.deepEqual((await tenfold.files(id)).map(({ node }) => node), ["slow"]); // prettier-ignore
});

test("a run that is pruned goes with its files, a bounded part of them at a time", async () => {
  const world = new World();
  const { tenfold, id } = await ran(
    world,
    flowOf((_, { files }) => files.write("f", numbered(150 * PART_BYTES)) as any),
  );
  await world.passes(60 * MINUTE);
  const freed: number[] = [];
  const watching = watched(world, {
    sweep: async (...given) => {
      const count = await world.store.files.sweep(...given);
      freed.push(count);
      return count;
    },
  });
  const other = await world.open([], { work: false }, watching);
  assert.equal((await world.happens(other.tenfold.prune({}, { olderThan: "10m" }))).pruned, 1);
  assert.equal(world.store.files.held(0), 0);
  assert.equal(freed.at(-1), 0);
  await rejects(tenfold.files(id), "RUN_UNKNOWN");
});
