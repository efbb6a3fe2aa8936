/** Bodies on threads, as a worker calls them. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { open, type Lifted, type RunFailed, step, workflow, type Workflow } from "../../../src/index.ts";
import { block, endless, exits, filing, rated } from "./computing.ts";

const quiet = { write: (): void => {} };

async function opened(workflows: readonly Workflow<any, any>[], threads = 1) {
  return open({ store: ":memory:", workflows, threads, log: quiet });
}

test("bodies that compute on threads leave a run that only calls plain steps its turns, and are never more than `threads`", async () => {
  const plain = step("plain", { run: (n: number) => n + 1 });
  const computing = workflow<number>("computing", { flow: (ms) => block(ms) });
  const light = workflow<number, number>("light", { flow: (n) => plain(n) });
  await using tenfold = await open({
    ...{ store: ":memory:", workflows: [computing, light], log: quiet },
    ...{ threads: 2, slots: 4 },
  });
  const state = { isComputing: true };
  const runs = await Promise.all(Array.from({ length: 8 }, () => tenfold.start(computing, 60)));
  const all = Promise.all(runs.map((run) => run.result())).finally(() => (state.isComputing = false));
  let lightRuns = 0;
  while (state.isComputing) {
    assert.equal(await (await tenfold.start(light, 1)).result(), 2);
    lightRuns++;
  }
  const threads = new Set((await all).map((answer) => (answer as { thread: number }).thread));
  assert.ok(lightRuns >= 10, `${lightRuns} light runs have ended meanwhile`);
  assert.ok(threads.size <= 2, `there were ${threads.size} threads`);
});

test("a body that computes for ever fails at its timeout, and the next body has a thread", async () => {
  const forever = workflow<null>("forever", { flow: (given) => endless(given) });
  const computing = workflow<number>("computing", { flow: (ms) => block(ms) });
  await using tenfold = await opened([forever, computing]);
  const run = await tenfold.start(forever, null);
  await assert.rejects(run.result(), (error: RunFailed) => /took longer than its timeout/.test(error.message));
  await (await tenfold.start(computing, 1)).result();
});

test("what waits for a thread is not called yet: its timeout has not begun", async () => {
  const short = workflow<number>("short", {
    flow: (ms) =>
      [block.as("a"), block.as("b"), block.as("c"), block.as("d")].map((each) => each.with({ timeout: "250ms" })(ms)),
  });
  await using tenfold = await opened([short]);
  await (await tenfold.start(short, 100)).result();
});

test("bodies that have waited for a thread are called no closer to each other than their rate lets them", async () => {
  const limited = workflow<number>("limited", { flow: (ms) => rated(ms) });
  await using tenfold = await opened([limited]);
  await (await tenfold.start(limited, 0)).result();
  // Those behind it are permitted while it has the only thread.
  const runs = await Promise.all([500, 0, 0, 0, 0, 0].map((ms) => tenfold.start(limited, ms)));
  const called = (await Promise.all(runs.map((run) => run.result()))) as number[];
  const [, second, ...others] = called.toSorted((a, b) => a - b) as [number, number, ...number[]];
  // Five, 50 ms after each other; a message to the thread may take its time.
  assert.ok(others.at(-1)! - second > 150, `${called.join(" ")}`);
});

test("a body on a thread writes and reads the files of its run", async () => {
  const files = workflow("files", { flow: (text: Lifted<string>) => filing(text) });
  await using tenfold = await opened([files]);
  const text = "é".repeat(300_000);
  const run = await tenfold.start(files, "a");
  assert.deepEqual(await run.result(), {
    ...{ names: ["a.txt", "b.bin"], failed: "FILE_UNKNOWN", text: "a" },
    ...{ type: "application/octet-stream", bytes: [1, 2, 3] },
  });
  const large = (await (await tenfold.start(files, text)).result()) as { text: string };
  assert.equal(large.text, text);
});

test("an attempt whose thread ended is made again", async () => {
  const crashing = workflow<"exit" | "throw later", number>("crashing", { flow: (how) => exits(how) });
  await using tenfold = await opened([crashing]);
  assert.equal(await (await tenfold.start(crashing, "exit")).result(), 2);
  assert.equal(await (await tenfold.start(crashing, "throw later")).result(), 2);
});

for (const how of ["idle", "busy"]) {
  test(`a program whose threads are ${how} when it closes comes to its end`, async () => {
    const program = fileURLToPath(new URL("program.ts", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [program, how], { timeout: 30_000 });
    assert.equal(stdout, "closed\n");
  });
}
