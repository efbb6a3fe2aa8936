/** Branches of scripts that fail while nobody awaits them, in processes of their own: Node's tests hear of each themselves. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";

const SOURCES = pathToFileURL(path.resolve(import.meta.dirname, "../../src/index.ts")).href;

const BEGINNING = `
import { open, script, step, workflow } from ${JSON.stringify(SOURCES)};
const bad = step("bad", { retry: { attempts: 1 }, run: (): string => { throw new RangeError("no"); } });
const good = step("good", { run: (text: string) => text });
const lived = async (run: any) => {
  const flow = workflow("w", { flow: () => (script("agent", run) as any)(null) });
  const tenfold = await open({ store: ":memory:", workflows: [flow] });
  const live = await tenfold.start(flow as any, null);
  const said = await live.result().then((output: unknown) => JSON.stringify(output), (thrown: any) => thrown.error.node + " " + thrown.error.message);
  console.log(said);
  await tenfold.close();
};
`;

/** What a program says, and what it ends with. */
function ran(t: TestContext, program: string) {
  const folder = mkdtempSync(path.join(tmpdir(), "tenfold-branches-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, "program.mts");
  writeFileSync(file, BEGINNING + program);
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { encoding: "utf8", timeout: 60_000 });
  return { status, said: stdout.trim(), stderr };
}

const BRANCHES: Record<string, readonly [string, string]> = {
  "a branch that fails before it is awaited": [
    `async (ctx: any) => {
      const slow = (async () => { await ctx.sleep(50); return await ctx.call(good, "slow"); })();
      const fast = (async () => await ctx.call(bad))();
      const first = await slow;
      return await fast.catch((thrown: Error) => [first, thrown.message]);
    }`,
    `["slow","no"]`,
  ],
  "a branch that fails, and ends the function later": [
    `async (ctx: any) => {
      const slow = (async () => await ctx.sleep(50))();
      const fast = (async () => { await ctx.call(bad); })();
      await slow;
      await fast;
    }`,
    "agent[1]/bad no",
  ],
  "a branch that fails, and that nobody awaits": [
    `async (ctx: any) => {
      void ctx.call(bad).then(() => null);
      await ctx.sleep(50);
      return "never known";
    }`,
    "agent[0]/bad no",
  ],
  "a branch with an error of its own that nobody awaits": [
    `async (ctx: any) => {
      void ctx.call(good, "{").then((text: string) => JSON.parse(text));
      await ctx.sleep(50);
      return "never known";
    }`,
    "agent Expected property name",
  ],
  "a call that is refused, and that nobody awaits": [
    `async (ctx: any) => {
      void ctx.call(good, new Date(0));
      await ctx.sleep(50);
      return "never known";
    }`,
    "agent What agent calls good with is not JSON",
  ],
  "a branch that nobody awaits, behind another failure": [
    `async (ctx: any) => {
      void ctx.call(bad).then(() => null);
      await ctx.sleep(50);
      throw new Error("another");
    }`,
    "agent another",
  ],
};

for (const [what, [run, says]] of Object.entries(BRANCHES)) {
  test(`a worker goes on whatever its scripts do: ${what}`, (t) => {
    const { status, said, stderr } = ran(
      t,
      `await lived(${run}); await lived(async (ctx: any) => await ctx.call(good, "next"));`,
    );
    const [first, next] = said.split("\n");
    assert.ok(first!.startsWith(says), `${said} ${stderr}`);
    assert.deepEqual([next, status, stderr], [`"next"`, 0, ""]);
  });
}

const AFTER_A_SCRIPT = `await lived(async (ctx: any) => await ctx.call(good, "script"));`;

test("what is rejected elsewhere ends the process as it does without scripts", (t) => {
  const { status, said, stderr } = ran(t, `${AFTER_A_SCRIPT} void Promise.reject(new RangeError("elsewhere")); setTimeout(() => console.log("goes on"), 200);`); // prettier-ignore
  assert.deepEqual([status, said], [1, `"script"`]);
  assert.match(stderr, /RangeError: elsewhere/);
});

test("what is rejected elsewhere is told to those who listen for it, as without scripts", (t) => {
  const program = `process.on("unhandledRejection", (thrown: any) => console.log("heard", thrown.message));`;
  const { status, said } = ran(t, `${AFTER_A_SCRIPT} ${program} void Promise.reject(new RangeError("elsewhere"));`);
  assert.deepEqual([status, said], [0, `"script"\nheard elsewhere`]);
});

test("a body that a script has called is no branch of it", (t) => {
  const floating = `const floating = step("floating", { run: async () => { void Promise.reject(new RangeError("in a body")); return 1; } });`;
  const { status, stderr } = ran(t, `${floating} await lived(async (ctx: any) => [await ctx.call(good, "a"), await ctx.call(floating as any)]);`); // prettier-ignore
  assert.equal(status, 1);
  assert.match(stderr, /RangeError: in a body/);
});
