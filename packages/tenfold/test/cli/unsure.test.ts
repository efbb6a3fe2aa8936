/** `tenfold unsure` and `resolve`, the real program: a step whose worker was killed asks, and goes on as a person says. */
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { project } from "./project.ts";

const SOURCES = pathToFileURL(path.resolve(import.meta.dirname, "../../src/index.ts")).href;
const CONFIG = `
import { step, workflow } from ${JSON.stringify(SOURCES)};
const charge = step("charge", {
  once: true,
  run(id: string, { attempt }): string {
    if (attempt === 1) throw new Error("the line went dead");
    return "charged " + id;
  },
});
const orders = workflow<string>("orders", { key: (id) => id, flow: (id) => charge(id) });
export default { store: "runs.db", workflows: [orders] };
`;

test("what may have happened is listed with its key, told by show and why, and resolved by whoever looked", async (t) => {
  const one = project(t);
  one.write("tenfold.config.ts", CONFIG);
  await one.call("run", "orders", `"A-0"`, "--no-wait");
  assert.match((await one.call("unsure")).stderr, /it is known whether it happened/);
  const dev = one.begin("dev");
  t.after(() => void dev.kill());
  const start = async (id: string): Promise<string> =>
    (await one.call("run", "orders", JSON.stringify(id), "--no-wait")).stdout.trim();
  const [first, second, third] = [await start("A-1"), await start("A-2"), await start("A-3")];
  let text = "";
  for (let tries = 0; tries < 50 && !["A-1", "A-2", "A-3"].every((id) => text.includes(id)); tries++)
    text = (await one.call("unsure")).stdout;
  assert.match(
    text,
    new RegExp(
      `${second}:charge:1\\n  the line went dead\\n  orders A-2, begun .*\\n  its idempotency key: ${second}/charge`,
    ),
  );
  assert.match((await one.call("show", first!)).stdout, /charge .*may have happened/);
  const why = (await one.call("why", first!)).stdout;
  assert.match(why, /charge may have happened .*: the line went dead\n +tenfold resolve .*:charge:1 --happened/);
  const neither = await one.call("resolve", first!);
  assert.match(neither.stderr, /Give `--happened` or `--not-happened`/);
  assert.equal(neither.code, 4);
  const said = await one.call("resolve", first!, "--happened", "--output", `"ch_1"`, "--by", "kim", "--comment", "seen"); // prettier-ignore
  assert.deepEqual([said.code, said.stdout], [0, `charge of run ${first} has happened, says kim; the run goes on.\n`]);
  const json = await one.call("resolve", `${second}:charge:1`, "--not-happened", "--by", "kim", "--json");
  assert.deepEqual(JSON.parse(json.stdout), { run: second, node: "charge", happened: false, by: "kim" });
  const silent = await one.call("resolve", third!, "--happened");
  assert.match(silent.stdout, /the run goes on without an output of it, as no `--output` was given\.\n$/);
  for (const [run, shows] of [
    [first, /happened, says kim: seen[\s\S]*"ch_1"/],
    [second, /attempt 1 failed[\s\S]*"charged A-2"/],
  ] as const) {
    let shown = "";
    for (let tries = 0; tries < 50 && !shown.includes("completed"); tries++)
      shown = (await one.call("show", run!)).stdout;
    assert.match(shown, shows);
  }
  const again = await one.call("resolve", first!, "--not-happened");
  assert.match(again.stderr, /RUN_FINISHED/);
  assert.equal(again.code, 1);
});
