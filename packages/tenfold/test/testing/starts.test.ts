/** Starts that meet others of their key, in a test whose time moves when it says. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sleep, step, workflow, type Lifted } from "../../src/index.ts";
import { openTest } from "../../src/testing/index.ts";

type Saved = { document: string; text: string };

const index = step("index", { run: ({ text }: Saved) => text });
const key = ({ document }: Saved): string => document;

test("a run that sleeps is replaced by a start of its key, and none of the time passes", async () => {
  const draft = workflow("draft", {
    key,
    flow(saved: Lifted<Saved>) {
      sleep("3 days");
      return index(saved);
    },
  });
  await using env = await openTest({ workflows: [draft], now: 0 });
  const first = await env.tenfold.start(draft, { document: "a", text: "one" });
  await env.advance("1 day");
  const next = await env.tenfold.start(draft, { document: "a", text: "two" }, { ifRunning: "replace" });
  assert.equal((await first.outcome()).status, "cancelled");
  assert.equal(env.now, 24 * 3_600_000);
  assert.equal(await env.finish(next), "two");
});

test("starts of a debounced key are one run, on the last input, once its time has come", async () => {
  const reindex = workflow("reindex", { key, debounce: "1h", flow: (saved: Lifted<Saved>) => index(saved) });
  await using env = await openTest({ workflows: [reindex], now: 0 });
  const first = await env.tenfold.start(reindex, { document: "a", text: "one" });
  await env.advance("59m");
  const second = await env.tenfold.start(reindex, { document: "a", text: "two" });
  await env.advance("59m");
  assert.equal(await first.status(), "waiting");
  await env.advance("1m");
  assert.equal(second.id, first.id);
  assert.equal(await first.result(), "two");
});
