/** Undoing on the command line, the real program: what a run says of it, and from where it goes on. */
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { project } from "./project.ts";

const SOURCES = pathToFileURL(path.resolve(import.meta.dirname, "../../src/index.ts")).href;

const CONFIG = `
import { existsSync } from "node:fs";
import { step, workflow } from ${JSON.stringify(SOURCES)};
const charge = step("charge", {
  timeout: "5s",
  retry: { attempts: 1 },
  run: (euros: number, { key }) => "paid " + euros + " for " + key.split("/")[1],
  undo: () => {
    if (!existsSync("bank")) throw new Error("the bank is closed");
  },
});
const ship = step("ship", {
  timeout: "5s",
  retry: { attempts: 1 },
  run: (payment: string) => {
    if (!existsSync("lorry")) throw new Error("the lorry is full");
    return payment;
  },
});
export const store = "orders.db";
export const workflows = [workflow<number, string>("orders", { flow: (euros) => ship(charge(euros)) })];
`;

test("a run says what came of its undo, where it failed, and what has to be done before it goes on from a node", async (t) => {
  const one = project(t);
  one.write("tenfold.config.ts", CONFIG);
  assert.match((await one.call("graph", "orders")).stdout, /charge .*can be undone/);
  const failed = await one.call("run", "orders", "30");
  assert.match(failed.stderr, /Failed: \w+ at ship \(undo incomplete: charge\): the lorry is full/);
  const { runs } = JSON.parse((await one.call("runs", "--json")).stdout) as { runs: { id: string }[] };
  const run = runs[0]!.id;
  assert.match(
    (await one.call("why", run)).stdout,
    /is failed at ship \(undo incomplete: charge\): the lorry is full\n/,
  );
  assert.match((await one.call("show", run)).stdout, /status +failed, undo incomplete: charge\n/);
  const refused = await one.call("retry", run, "--from", "ship");
  assert.match(refused.stderr, /RETRY_REFUSED.*not undone yet; nothing was changed\. Retry it without `from`/);
  const none = await one.call("retry", "--workflow", "orders", "--from", "ship", "--yes");
  assert.match(none.stdout, /^0 runs were told to go on\.\n1 run cannot:\n.*not undone yet/);
  assert.deepEqual([none.code, none.stderr], [1, ""]);
  one.write("bank", "");
  one.write("lorry", "");
  assert.equal((await one.call("retry", run)).code, 0);
  const worker = one.begin("work");
  t.after(() => worker.kill("SIGKILL"));
  const shown = async () => (await one.call("show", run)).stdout;
  let text = await shown();
  for (let tries = 0; tries < 100 && !/status +completed/.test(text); tries++) text = await shown();
  assert.match(text, /"paid 30 for charge#1"/);
});
