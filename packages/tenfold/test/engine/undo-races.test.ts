/** Laws of undoing where something else comes meanwhile: a child that is started late, a run that cannot be read. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "../../src/store/store.ts";
import { TenfoldError } from "../../src/value/error.ts";
import { Gate, MINUTE, rejects, stepOf, untyped, withVerbs, workflowOf, World } from "./world.ts";

const { after, call, waitFor } = untyped;

const once = { retry: { attempts: 1 } };
const undo = () => {};
const childrenIn = (world: World) => world.records.filter(({ workflow }) => workflow === "child");

test("a child that is there only after its run was undone and retried is let go: another one was started since", async () => {
  for (const hasKey of [false, true]) {
    const world = new World(2);
    const wire = new Gate();
    let isBroken = true;
    const bad = stepOf("bad", async () => { await world.time.wait(500); if (isBroken) throw new Error("no"); return "well"; }, once); // prettier-ignore
    const first = stepOf("first", (n: number) => n, { undo });
    const child = workflowOf("child", () => waitFor("go"), hasKey ? { key: (n: number) => `key ${n}` } : {});
    const parent = workflowOf("parent", (n) => {
      const one = first(n);
      return { a: call(child, hasKey ? 7 : one), b: after(one, () => bad(n)) };
    });
    const start: Store["start"] = async (lane, starts, ...rest) => {
      if (starts.some(({ workflow }) => workflow === "child") && wire.entered === 0) await wire.pass();
      return world.store.start(lane, starts, ...rest);
    };
    const { tenfold } = await world.open([parent], {}, withVerbs(world.store, { start }));
    const run = await world.happens(tenfold.start(parent, 1));
    await world.until("its undo is over", () => world.journal(run.id).includes("undone first"));
    isBroken = false;
    // Whoever saw it fail before retries it now.
    const message = { key: "again", at: world.time.now, body: { kind: "retry" } } as const;
    await world.happens(world.store.send(0, [{ run: run.id, message, reopens: true }], world.time.now));
    await world.passes(MINUTE);
    wire.open();
    await world.until("the child of the first time is there", () => childrenIn(world).length === (hasKey ? 1 : 2));
    await world.passes(MINUTE);
    const standing = childrenIn(world).map(({ status }) => status);
    assert.deepEqual(standing.sort(), hasKey ? ["running"] : ["cancelled", "running"]);
  }
});

test("of many runs that are to go on from a node, one that cannot be read is counted and told of, and stops no other", async () => {
  const world = new World();
  let isBroken = true;
  const first = stepOf("first", (n: number) => n);
  const bad = stepOf("bad", (n: number) => { if (isBroken) throw new Error("no"); return n; }, once); // prettier-ignore
  const flow = workflowOf("w", (n) => bad(first(n)));
  let unreadable = "";
  const journal: Store["journal"] = (lane, run, ...rest) => {
    if (run !== unreadable) return world.store.journal(lane, run, ...rest);
    return Promise.reject(new TenfoldError("CODEC_KEY_MISSING", `The input of run ${run} cannot be decoded.`));
  };
  const { tenfold } = await world.open([flow], {}, withVerbs(world.store, { journal }));
  const runs = [];
  for (const n of [1, 2, 3]) runs.push(await world.happens(tenfold.start(flow, n)));
  for (const { id } of runs) await world.untilStatus(id, "failed");
  unreadable = runs[1]!.id;
  isBroken = false;
  const told = await world.happens(tenfold.retry({ workflow: "w" }, { from: "first" }));
  assert.deepEqual([told.found, told.changed, told.refused], [3, 2, 1]);
  assert.deepEqual(told.refusals?.map(({ run, code }) => ({ run, code })), [{ run: unreadable, code: "CODEC_KEY_MISSING" }]); // prettier-ignore
  for (const { id } of [runs[0]!, runs[2]!]) await world.untilStatus(id, "completed");
  await rejects(world.happens(tenfold.retry(unreadable, { from: "first" })), "CODEC_KEY_MISSING", "cannot be decoded");
});
