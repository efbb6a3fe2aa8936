/** Events in a user's test: what one starts is there at once, also after a crash. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gte, on, sleep, after, step, workflow, type Lifted } from "../../src/flow/index.ts";
import { openTest } from "../../src/testing/index.ts";

interface Lead {
  readonly email: string;
  readonly points: number;
}

const note = step("note", { run: (text: string) => `noted ${text}` });
const welcome = workflow<Lead>("welcome", {
  triggers: [on<Lead>("lead.created")],
  flow: (lead) => after(sleep("3 days"), () => note(lead.email)),
});
const hot = workflow<Lead>("hot", {
  triggers: [on<Lead>("lead.created", { where: (lead: Lifted<Lead>) => gte(lead.points, 80) })],
  flow: (lead) => note(lead.email),
});

test("an event starts its runs at once, and the same one again none", async () => {
  await using env = await openTest({ workflows: [welcome, hot] });
  const runs = await env.emit("lead.created", { email: "ann", points: 90 }, { id: "1" });
  assert.deepEqual(Object.keys(runs).sort(), ["hot", "welcome"]);
  assert.equal(await runs["hot"]!.result(), "noted ann");
  assert.equal(await env.finish(runs["welcome"]!), "noted ann");
  const again = await env.emit("lead.created", { email: "ann", points: 90 }, { id: "1" });
  assert.equal(again["hot"]!.id, runs["hot"]!.id);
  assert.equal(env.calls(note).length, 2);
  const cold = await env.emit("lead.created", { email: "bob", points: 1 }, { tenant: "blue" });
  assert.deepEqual(Object.keys(cold), ["welcome"]);
  assert.deepEqual(await env.emit("lead.lost"), {});
});

test("an event that is emitted while no worker lives starts its runs when one does", async () => {
  await using env = await openTest({ workflows: [hot] });
  const crash = env.crash({ downFor: "1h" });
  await crash;
  const [from, { id }] = [env.now, await env.tenfold.emit("lead.created", { email: "ann", points: 90 })];
  await env.settle();
  const [delivery] = (await env.tenfold.event("lead.created", id))!;
  assert.equal(await env.tenfold.run(delivery!.run!).result(), "noted ann");
  assert.equal(env.now, from);
});
