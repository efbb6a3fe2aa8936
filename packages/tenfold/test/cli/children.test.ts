/** Children on the command line, the real program: drawn, run, shown from both sides, retried. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import path from "node:path";
import { project } from "./project.ts";

const SOURCES = pathToFileURL(path.resolve(import.meta.dirname, "../../src/index.ts")).href;

const CONFIG = `
import { call, step, workflow } from ${JSON.stringify(SOURCES)};
const check = step("check", {
  retry: { attempts: 1 },
  run: (n: { euro: number }) => {
    if (n.euro < 0) throw new Error("below zero");
    return n;
  },
});
const invoice = workflow<{ euro: number }, { euro: number }>("invoice", { flow: (n) => check(n) });
export const store = "calls.db";
export const workflows = [workflow<{ euro: number }>("order", { flow: (n) => call(invoice, n) })];
`;

test("a call is drawn with its workflow, and show names the child of a parent and the parent of a child", async (t) => {
  const one = project(t);
  one.write("tenfold.config.ts", CONFIG);
  const tenfold = (...words: string[]) => one.call(...words);
  assert.match((await tenfold("graph", "order")).stdout, /call-invoice +workflow invoice ← input/);
  assert.deepEqual(JSON.parse((await tenfold("run", "order", `{"euro":5}`)).stdout), { euro: 5 });
  const failed = await tenfold("run", "order", `{"euro":-5}`);
  assert.equal(failed.code, 1);
  const { runs } = JSON.parse((await tenfold("runs", "--status", "failed", "--json")).stdout) as {
    runs: { id: string; workflow: string }[];
  };
  const idOf = (workflow: string): string => runs.find((run) => run.workflow === workflow)!.id;
  const parent = (await tenfold("show", idOf("order"))).stdout;
  assert.match(parent, new RegExp(`call-invoice .*failed, run ${idOf("invoice")}`));
  assert.match(parent, /CHILD_FAILED: .*below zero/);
  assert.match(
    (await tenfold("show", idOf("invoice"))).stdout,
    new RegExp(`parent +${idOf("order")}, its node call-invoice`),
  );
});
