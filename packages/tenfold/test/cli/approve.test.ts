/** `tenfold approvals`, `approve` and `refuse`, the real program. */
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { project } from "./project.ts";

const SOURCES = pathToFileURL(path.resolve(import.meta.dirname, "../../src/index.ts")).href;
const CONFIG = `
import { approval, workflow } from ${JSON.stringify(SOURCES)};
const refund = workflow<{ id: string; clerk: string }>("refund", {
  key: (order) => order.id,
  flow: (order) => approval({ ask: "Refund the order?", by: { anyOf: ["kim", "role:finance"], not: order.clerk }, timeout: "3 days" }),
});
export default { store: "runs.db", workflows: [refund] };
`;

test("what waits is listed, with whom it waits for; a decision is taken in by whoever works the store", async (t) => {
  const one = project(t);
  one.write("tenfold.config.ts", CONFIG);
  await one.call("run", "refund", `{"id":"A-0","clerk":"lee"}`, "--no-wait");
  assert.match((await one.call("approvals")).stderr, /Nothing waits/);
  const dev = one.begin("dev");
  t.after(() => void dev.kill());
  const start = async (id: string): Promise<string> =>
    (await one.call("run", "refund", JSON.stringify({ id, clerk: "lee" }), "--no-wait")).stdout.trim();
  const [first, second] = [await start("A-1"), await start("A-2")];
  let text = "";
  for (let tries = 0; tries < 50 && !text.includes("A-2"); tries++) text = (await one.call("approvals")).stdout;
  assert.match(
    text,
    new RegExp(
      `${second}:approval\\n  Refund the order\\?\\n  refund A-2, asked .* of kim or role:finance, but not lee; over in`,
    ),
  );
  assert.match((await one.call("show", first!)).stdout, /approval .*waits for an approval of kim or role:finance/);
  const why = (await one.call("why", first!)).stdout;
  assert.match(
    why,
    /is running, .*\n +approval waits for an approval of kim or role:finance, but not lee, .* more at most\n +tenfold approve/,
  );
  const forbidden = await one.call("approve", first!, "--by", "lee", "--roles", "finance");
  assert.match(forbidden.stderr, /APPROVAL_FORBIDDEN/);
  assert.equal(forbidden.code, 1);
  const approved = await one.call(
    "approve",
    `${first}:approval`,
    "--by",
    "eve",
    "--roles",
    "sales, finance",
    "--comment",
    "fine",
  );
  assert.deepEqual([approved.code, approved.stdout], [0, `eve has approved approval of run ${first}.\n`]);
  assert.match(approved.stderr, /if nothing does, `tenfold dev` will/);
  const refused = await one.call("refuse", second!, "--by", "kim", "--json");
  assert.deepEqual(JSON.parse(refused.stdout), { run: second, node: "approval", verdict: "refused", by: "kim" });
  let shown = "";
  for (let tries = 0; tries < 50 && !shown.includes("completed"); tries++)
    shown = (await one.call("show", first!)).stdout;
  assert.match(shown, /approved by eve: fine[\s\S]*"outcome": "approved"/);
  const listed = JSON.parse((await one.call("approvals", "--json")).stdout) as { approvals: unknown[] };
  assert.ok(listed.approvals.length <= 1);
  assert.equal((await one.call("approvals", "--limit", "none")).code, 4);
});
