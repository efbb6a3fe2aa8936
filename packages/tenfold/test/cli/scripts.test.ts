/** Scripts on the command line, the real program: drawn, run, shown with their calls, and why they wait. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import path from "node:path";
import { project } from "./project.ts";

const SOURCES = pathToFileURL(path.resolve(import.meta.dirname, "../../src/index.ts")).href;

const CONFIG = `
import { script, step, workflow } from ${JSON.stringify(SOURCES)};
const search = step("search", {
  retry: { attempts: 1 },
  run: (text: string) => {
    if (text === "x2") throw new Error("no such thing");
    return text.length;
  },
});
const agent = script("agent", { max: 100 }, async (ctx, many: number) => {
  let found = 0;
  for (let n = 0; n < many; n++) found += await ctx.call(search, "x" + n);
  if (many === 0) await ctx.waitFor("go", { timeout: "2 days" });
  return found;
});
export const store = "scripts.db";
export const workflows = [workflow<number, number>("ask", { flow: (n) => agent(n) })];
`;

test("a script is drawn with its bound, and show lists its calls below it, and why says which is open", async (t) => {
  const one = project(t);
  one.write("tenfold.config.ts", CONFIG);
  const tenfold = (...words: string[]) => one.call(...words);
  assert.match((await tenfold("graph", "ask")).stdout, /agent +script, 100 calls at most ← input/);
  assert.match((await tenfold("graph", "ask", "--format", "mermaid")).stdout, /script, 100 calls at most/);
  assert.equal((await tenfold("run", "ask", "2")).stdout.trim(), "4");
  assert.equal((await tenfold("run", "ask", "3")).code, 1);
  const { runs } = JSON.parse((await tenfold("runs", "--json")).stdout) as { runs: { id: string; status: string }[] };
  const idOf = (status: string): string => runs.find((run) => run.status === status)!.id;
  const done = (await tenfold("show", idOf("completed"))).stdout;
  assert.match(done, /^ +agent .*\n +\[0\] search .*\n +\[1\] search /m);
  const failed = (await tenfold("show", idOf("failed"))).stdout;
  assert.match(failed, /\[2\] search .*failed/);
  assert.match(failed, /Error at agent\[2\]\/search, attempt 1/);
  assert.match((await tenfold("runs", "--failed-at", "agent/search")).stdout, new RegExp(idOf("failed")));
});
