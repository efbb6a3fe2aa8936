/** Where a thread finds the body of a step, and what is refused. */
import assert from "node:assert/strict";
import test from "node:test";
import { step } from "../../src/flow/index.ts";
import { refuses } from "./refuses.ts";

const MODULE = "file:///srv/render.ts";
const untyped = step as unknown as (name: string, options: unknown) => { readonly definition: { threads: unknown } };

function threadsOf(threads: unknown, options: object = {}): unknown {
  return untyped("render", { ...options, threads, run: () => null }).definition.threads;
}

test("the module of a step's threads is a file URL, as a text or not, with the name of an export or without", () => {
  assert.deepEqual(step("render", { threads: import.meta.url, run: () => null }).definition.threads, {
    module: import.meta.url,
  });
  assert.deepEqual(threadsOf(new URL(MODULE)), { module: MODULE });
  assert.deepEqual(threadsOf({ module: MODULE, export: "render" }), { module: MODULE, export: "render" });
  assert.deepEqual(threadsOf({ module: new URL(MODULE) }), { module: MODULE });
  assert.equal(threadsOf(undefined), undefined);
  assert.ok(Object.isFrozen(threadsOf(MODULE)));
});

test("what no thread could import is refused when the step is defined", () => {
  for (const wrong of [true, 4, "./render.ts", "/srv/render.ts", "https://example.com/render.js", null, [MODULE], {}]) {
    refuses(() => threadsOf(wrong), "STEP_INVALID", `step "render"`, "no file URL", "`threads: import.meta.url`");
  }
  refuses(() => threadsOf({ module: MODULE, export: 1 }), "STEP_INVALID", "`threads.export` is 1", 'export: "render"');
  refuses(() => threadsOf({ module: MODULE, exprot: "a" }), "OPTION_UNSUPPORTED", "Did you mean `export`");
});

test("a step with a transaction has no threads, and one that is called at most once may have", () => {
  refuses(() => threadsOf(MODULE, { tx: "postgres" }), "STEP_INVALID", "both `threads` and `tx`");
  assert.deepEqual(threadsOf(MODULE, { once: true }), { module: MODULE });
});
