/** `debounce` of a workflow: what it may be, and what goes with it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as flow from "../../src/flow/index.ts";
import { refuses } from "./refuses.ts";

const untyped: any = flow;
const key = ({ document }: any): string => document;
const debounced = (debounce: unknown, options: object = { key }) =>
  untyped.workflow("reindex", { ...options, debounce, flow: (given: unknown) => given });

test("a debounce is how long to wait, and at the latest ten times as long if it does not say how long", () => {
  assert.deepEqual(debounced("10s").debounce, { waitMs: 10_000, maxMs: 100_000 });
  assert.deepEqual(debounced(1500).debounce, { waitMs: 1500, maxMs: 15_000 });
  assert.deepEqual(debounced({ wait: "10s", max: "5m" }).debounce, { waitMs: 10_000, maxMs: 300_000 });
  assert.deepEqual(debounced({ wait: "10s", max: "10s" }).debounce, { waitMs: 10_000, maxMs: 10_000 });
  assert.ok(Object.isFrozen(debounced("10s").debounce));
  assert.ok(!("debounce" in debounced(undefined)));
  assert.equal(debounced("10s").hash, debounced(undefined).hash);
});

test("one that is no duration, waits for nothing, or has a `max` below its `wait` is refused", () => {
  const owner = 'workflow "reindex"';
  refuses(() => debounced("soon"), "DURATION_INVALID", "debounce.wait", owner);
  refuses(() => debounced({ wait: "1s", max: "soon" }), "DURATION_INVALID", "debounce.max", owner);
  refuses(() => debounced(0), "DURATION_INVALID", owner, "is 0");
  refuses(() => debounced({ wait: "10s", max: "5s" }), "DURATION_INVALID", owner, '"5s"', "at least as long");
  refuses(() => debounced({ max: "5s" }), "WORKFLOW_INVALID", owner, "no `wait`");
  refuses(() => debounced(true), "WORKFLOW_INVALID", owner, "true");
  refuses(() => debounced({ wait: "1s", maxx: "5s" }), "OPTION_UNSUPPORTED", owner, "Did you mean `max`?");
});

test("it needs a key, and goes with no schedule, no call and no queue", () => {
  refuses(() => debounced("10s", {}), "WORKFLOW_INVALID", "no `key`", "key: (");
  const triggers = [flow.on("saved"), flow.schedule("0 9 * * *", { timeZone: "UTC" })];
  refuses(() => debounced("10s", { key, triggers }), "WORKFLOW_INVALID", "schedule", "a run of its own");
  assert.ok(debounced("10s", { key, triggers: [flow.on("saved")] }).debounce);
  const target = debounced("10s");
  const caller = () => untyped.workflow("caller", { flow: (given: unknown) => untyped.call(target, given) });
  refuses(caller, "CALL_INVALID", "call-reindex", "debounce");
  const queued = () => debounced(undefined, { key, queue: { debounce: "10s" } });
  refuses(queued, "OPTION_UNSUPPORTED", "belongs to a workflow", "beside its `key`");
});
