/** Laws of `open` on a real machine: the real clock, the real loop, and options that are checked. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { open, step, workflow } from "../../src/index.ts";
import { rejects } from "./world.ts";

const half = step("half", {
  retry: { attempts: 3, first: "5ms" },
  async run(n: number, { attempt }) {
    if (attempt === 1) throw new Error("busy");
    return n / 2;
  },
});
const halved = workflow<number, number>("halved", { flow: (n) => half(n) });

test("a run is started, retried and answered under the real clock, with its types", async () => {
  const tenfold = await open({ store: ":memory:", workflows: [halved] });
  const run = await tenfold.start(halved, 8);
  const output: number = await run.result();
  assert.equal(output, 4);
  assert.equal(tenfold.store, ":memory:");
  assert.deepEqual(tenfold.workflows, [halved]);
  assert.deepEqual(await tenfold.close(), { stopped: 0 });
});

test("a timeout aborts under the real clock", async () => {
  const slow = step("slow", {
    timeout: "20ms",
    retry: { attempts: 1 },
    run: (_n: number, { signal }) =>
      new Promise<null>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error))),
  });
  const slowly = workflow<number>("slowly", { flow: (n) => slow(n) });
  const tenfold = await open({ store: ":memory:", workflows: [slowly] });
  const run = await tenfold.start(slowly, 1);
  await rejects(run.result(), "RUN_FAILED", "20 ms");
  await tenfold.close();
});

for (const store of [":memory:", "asked.db"]) {
  test(`somebody who asks again and again, without a pause, does not keep a worker in the same process from its work (${store})`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "tenfold-asked-"));
    const tenfold = await open({ store: store === ":memory:" ? store : join(folder, store), workflows: [halved] });
    const run = await tenfold.start(halved, 8);
    const until = performance.now() + 30_000;
    let listed = 0;
    while ((await run.status()) !== "completed" && performance.now() < until) {
      for await (const { id } of tenfold.runs({ status: "running" })) if (id === run.id) listed++;
      for await (const { node } of tenfold.unsure()) assert.fail(node);
    }
    assert.equal(await run.status(), "completed", `after it was listed ${listed} times`);
    await tenfold.close();
    rmSync(folder, { recursive: true });
  });
}

test("a store is closed where its block ends", async () => {
  let kept;
  {
    await using tenfold = await open({ store: ":memory:", workflows: [halved] });
    kept = tenfold;
  }
  await rejects(kept.start(halved, 8), "CLOSED");
});

const REFUSED: readonly (readonly [string, object, string])[] = [
  ["a mistyped option", { workflow: [] }, "`workflows`"],
  ["no slots", { slots: 0 }, "slots"],
  ["half a slot", { slots: 1.5 }, "slots"],
  ["too little memory", { memory: 10 }, "memory"],
  ["a payload of nothing", { payload: 0 }, "payload"],
  ["a `work` that is a text", { work: "no" }, "`work`"],
  ["a log that writes nothing", { log: {} }, "`log`"],
  ["no store", { store: undefined }, "`store`"],
  ["a list with nothing in it", { workflows: [undefined] }, "`workflow(…)`"],
];

for (const [what, options, part] of REFUSED) {
  test(`${what} is refused, and nothing is opened`, async () => {
    await rejects(
      open({ store: ":memory:", workflows: [], ...options } as never),
      "OPTION_UNSUPPORTED",
      part,
      "nothing was opened",
    );
  });
}

test("the URL of a store that is not supported is refused by its kind, and its password is not repeated", async () => {
  const opened = open({ store: "mysql://root:secret@localhost/app", workflows: [] });
  const error = await opened.then(
    () => undefined,
    (thrown: Error) => thrown,
  );
  await rejects(opened, "OPTION_UNSUPPORTED", '"mysql://"', "nothing was opened");
  assert.doesNotMatch(error!.message, /secret/);
});

test("what is no object of options is refused, and nothing is opened", async () => {
  for (const options of [undefined, null, "leads.db", [halved]]) {
    await rejects(open(options as never), "OPTION_UNSUPPORTED", "store, workflows", "nothing was opened");
  }
});

test("nothing listens to what never happens, and only a function listens", async (t) => {
  const tenfold = await open({ store: ":memory:", workflows: [] });
  t.after(() => tenfold.close());
  for (const kind of ["runs", "toString"]) {
    await rejects((async () => tenfold.on(kind as never, () => {}))(), "OPTION_UNSUPPORTED", kind, "taken, attempt");
  }
  await rejects((async () => tenfold.on("run", undefined as never))(), "OPTION_UNSUPPORTED", "undefined", "a function");
});

test("a duration that is none is refused with the option's name", async () => {
  await rejects(open({ store: ":memory:", workflows: [], drain: "soon" }), "DURATION_INVALID", "drain");
  await rejects(open({ store: ":memory:", workflows: [], lease: "-1s" }), "DURATION_INVALID", "lease");
  await rejects(
    open({ store: ":memory:", workflows: [], lease: "0s" }),
    "DURATION_INVALID",
    "lease",
    "nothing was opened",
  );
});
