/** The config: where it is found, what it may export, and how one that does not load is told. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { checkConfig, findConfig, storePath } from "../../src/cli/config.ts";
import { defineConfig } from "../../src/cli/index.ts";
import { step, workflow } from "../../src/index.ts";
import { TenfoldError } from "../../src/value/error.ts";
import { importConfig } from "../../src/cli/config-module.ts";
import { ownTerminal } from "../../src/cli/terminal.ts";
import { answerOf, project, said } from "./project.ts";

const noop = step("noop", { run: (input: number) => input });
const flow = workflow<number>("flow", { flow: (input) => noop(input) });

test("the nearest config upwards is taken, whose store is meant from its own folder", (t) => {
  const { folder } = project(t);
  const below = path.join(folder, "a", "b");
  mkdirSync(below, { recursive: true });
  assert.equal(findConfig(below, undefined), path.join(folder, "tenfold.config.ts"));
  assert.equal(storePath("runs.db", folder), path.join(folder, "runs.db"));
  assert.equal(storePath(":memory:", folder), ":memory:");
});

test("a config is a default export or named ones, beside workflows and functions", () => {
  const config = defineConfig({ store: ":memory:", workflows: [flow], drain: "5s" });
  assert.deepEqual(checkConfig("/x/tenfold.config.ts", { default: config }), config);
  const named = { store: ":memory:", workflows: [flow], flow, noop };
  assert.deepEqual(checkConfig("/x/tenfold.config.ts", named), { store: ":memory:", workflows: [flow] });
});

const REFUSED: readonly (readonly [string, Readonly<Record<string, unknown>>, RegExp])[] = [
  ["an unknown key", { default: { store: "a", worklows: [] } }, /Did you mean `workflows`/],
  ["an unknown export", { store: "a", workflows: [], slot: 5 }, /Did you mean `slots`/],
  ["no workflows", { default: { store: "a" } }, /exports no `workflows`/],
  ["no store", { default: { workflows: [] } }, /exports no `store`/],
  ["`work`", { default: { store: "a", workflows: [], work: false } }, /the command decides/],
  ["a store that is no text", { default: { store: 5, workflows: [] } }, /its `store` is number/],
  ["workflows that are no list", { default: { store: "a", workflows: flow } }, /is no list/],
  ["a step among the workflows", { default: { store: "a", workflows: [flow, noop] } }, /number 2 .* is a step/],
  ["an undefined workflow", { default: { store: "a", workflows: [undefined] } }, /is undefined/],
  ["no object", { default: 5 }, /is no object/],
];

for (const [what, exported, reason] of REFUSED) {
  test(`a config with ${what} is refused by name`, () => {
    assert.throws(
      () => checkConfig("/x/tenfold.config.ts", exported),
      (error) => error instanceof TenfoldError && error.code === "CONFIG_INVALID" && reason.test(error.message),
    );
  });
}

/** A config's text, and what is said of it: file and line first. */
const BROKEN: readonly (readonly [string, string, RegExp])[] = [
  ["with a syntax error", `const a = 1;\nconst b: = 2;\n`, /tenfold\.config\.ts:2: SyntaxError/],
  ["with TypeScript that needs a build", `\n\nenum A { b }\n`, /tenfold\.config\.ts:3: SyntaxError.*enum/],
  ["that throws", `const a = 1;\n\nthrow new Error("no key");\n`, /tenfold\.config\.ts:3: Error: no key/],
  ["that imports what is not there", `\nimport "./none.ts";\n`, /tenfold\.config\.ts:2: Error.*none\.ts/],
];

for (const [what, text, reason] of BROKEN) {
  test(`a config ${what} is told with file, line and cause, and without a stack`, async (t) => {
    const one = project(t);
    one.write("tenfold.config.ts", text);
    const { code, stderr } = await one.call("check");
    assert.match(stderr, /^error CONFIG_INVALID: The config does not load/m);
    assert.match(stderr, reason);
    assert.doesNotMatch(stderr, /\n\s+at /);
    assert.equal(code, 4);
  });
}

test("a config that ends the program is told with file and line, instead of a silent end", async (t) => {
  const one = project(t);
  one.write("flows.ts", `\n\nprocess.exit(0);\n`);
  one.write("tenfold.config.ts", `import "./flows.ts";\nexport default { store: "runs.db", workflows: [] };\n`);
  for (const args of [["check"], ["dev", "--no-reload"], ["check", "--json"]]) {
    const { code, stdout, stderr } = await one.call(...args);
    assert.match(stderr, /CONFIG_INVALID.*flows\.ts:3 \(loaded by .*tenfold\.config\.ts\): it ends the program/);
    assert.equal(code, 4);
    if (args.includes("--json")) assert.match(stdout, /^\{"error":\{"code":"CONFIG_INVALID"/);
  }
});

const HANGING = `await new Promise(() => {});\nexport default { store: "runs.db", workflows: [] };\n`;

test("a config that never comes to its end is told while it is waited for, and Ctrl-C gives up", async (t) => {
  const one = project(t);
  one.write("tenfold.config.ts", HANGING);
  for (const args of [["check"], ["dev"]]) {
    const running = one.begin(...args);
    t.after(() => running.kill("SIGKILL"));
    const answer = answerOf(running);
    await said(running, "may wait in a top-level await. It is given 30 s.");
    running.kill("SIGINT");
    await answer;
  }
});

test("a config that has not come to its end when its time is over is refused by name", async (t) => {
  const one = project(t);
  one.write("tenfold.config.ts", HANGING);
  const file = path.join(one.folder, "tenfold.config.ts");
  await assert.rejects(importConfig(file, ownTerminal(false), 50), {
    code: "CONFIG_INVALID",
    message: /tenfold\.config\.ts: it was not loaded after .* a top-level await/,
  });
});

test("a JavaScript config with a syntax error is told with file and line", async (t) => {
  const one = project(t);
  one.write("broken.config.js", `const a = 1;\nconst a = 2;\n`);
  const { stderr } = await one.call("check", "--config", "broken.config.js");
  assert.match(stderr, /broken\.config\.js:2: SyntaxError/);
});

test("an error in a file that the config imports is told with that file", async (t) => {
  const one = project(t);
  one.write("flows.ts", `\nexport const hello = 1 +;\n`);
  const { stderr } = await one.call("check");
  assert.match(stderr, /flows\.ts:2 \(loaded by .*tenfold\.config\.ts\)/);
});

test("a workflow that cannot be defined is told with the line that defines it", async (t) => {
  const one = project(t);
  const flows = one.read("flows.ts");
  const line = flows.split("\n").findIndex((text) => text.includes(`("hello", {`)) + 1;
  one.write("flows.ts", flows.replace(`("hello", {`, `("Hello World", {`));
  const { stderr } = await one.call("check");
  assert.ok(stderr.includes(`flows.ts:${line} `), stderr);
  assert.match(stderr, /WORKFLOW_INVALID: .*hello-world/);
});

test("without a config the way out is told", async (t) => {
  const one = project(t);
  const { rmSync } = await import("node:fs");
  rmSync(path.join(one.folder, "tenfold.config.ts"));
  const { code, stderr } = await one.call("check");
  assert.match(stderr, /There is no tenfold\.config\.ts.*export default/);
  assert.equal(code, 4);
});
