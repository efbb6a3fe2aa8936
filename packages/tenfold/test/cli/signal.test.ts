/** `tenfold signal`, the real program: what it sends, and what it refuses. */
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { project } from "./project.ts";

const SOURCES = pathToFileURL(path.resolve(import.meta.dirname, "../../src/index.ts")).href;
const CONFIG = `
import { waitFor, workflow } from ${JSON.stringify(SOURCES)};
import { z } from ${JSON.stringify(import.meta.resolve("zod"))};
const orders = workflow("orders", {
  key: (order: { id: string }) => order.id,
  flow: () => waitFor("paid", { schema: z.object({ euro: z.number() }), timeout: "14 days" }),
});
export default { store: "runs.db", workflows: [orders] };
`;

test("a run waits, is shown so, and has its signal by its id or by its key", async (t) => {
  const one = project(t);
  one.write("tenfold.config.ts", CONFIG);
  const start = async (id: string): Promise<string> =>
    (await one.call("run", "orders", JSON.stringify({ id }), "--no-wait")).stdout.trim();
  const [first, second] = [await start("A-1"), await start("A-2")];
  assert.match(
    (await one.call("show", first!)).stdout,
    /wait-paid .*waits for the signal paid, 1[34] d[^\n]* more at most/,
  );
  const byId = await one.call("signal", first!, "paid", `{"euro": 5}`);
  assert.deepEqual([byId.code, byId.stdout], [0, `Run ${first} has the signal paid.\n`]);
  const byKey = await one.call("signal", "--workflow", "orders", "--key", "A-2", "paid", `{"euro": 6}`, "--json");
  assert.deepEqual(JSON.parse(byKey.stdout), { run: second, signal: "paid", sent: true });
  await one.call("run", "orders", `{"id":"A-1"}`);
  assert.match((await one.call("show", first!)).stdout, /completed[\s\S]*wait-paid .*received[\s\S]*"euro": 5/);
  const late = await one.call("signal", first!, "paid", `{"euro": 5}`);
  assert.match(late.stderr, /RUN_FINISHED/);
  assert.equal(late.code, 1);
});

test("what cannot be meant, or does not fit, is refused with the way out", async (t) => {
  const one = project(t);
  one.write("tenfold.config.ts", CONFIG);
  const run = (await one.call("run", "orders", `{"id":"A-1"}`, "--no-wait")).stdout.trim();
  const refused: readonly (readonly [readonly string[], number, RegExp])[] = [
    [[run, "paid", "{euro: 5}"], 4, /no JSON.*no signal was sent/],
    [[run, "paid", `{"euro": "5"}`], 1, /SIGNAL_INVALID.*euro/],
    [[run, "payed", "1"], 1, /SIGNAL_UNKNOWN.*"paid"/],
    [[run], 4, /Which run, which signal/],
    [["--workflow", "orders", "paid"], 4, /--key/],
    [["--workflow", "orders", "--key", "A-9", "paid"], 1, /RUN_UNKNOWN.*A-9/],
    [["--workflow", "orders", "--key", "A-1", "paid", "{}", "more"], 4, /Which run, which signal/],
  ];
  for (const [words, code, text] of refused) {
    const answer = await one.call("signal", ...words);
    assert.match(answer.stderr.replaceAll(/\s+/g, " "), text);
    assert.equal(answer.code, code);
  }
});
