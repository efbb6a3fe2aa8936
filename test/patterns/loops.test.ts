/** Patterns 10, 21 and 22 of docs/reference/patterns.md: loops and recursion. */
import assert from "node:assert/strict";
import test from "node:test";
import { call, each, eq, gte, lt, match, repeat, step, when, workflow, type Lifted, type Workflow } from "tenfold";
import { answers } from "tenfold/testing";
import { openTrial } from "./trial.ts";

type Draft = { at: "write" | "check" | "repair" | "done"; text: string };
const write = step("write", { run: ({ text }: Draft): Draft => ({ at: "check", text: `${text}, written` }) });
const check = step("check", { run: ({ text }: Draft): Draft => ({ at: "done", text }) });
const repair = step("repair", { run: ({ text }: Draft): Draft => ({ at: "check", text: `${text}, repaired` }) });

const drafts = workflow("drafts", {
  flow(draft: Lifted<Draft>) {
    // Each arm answers what comes next: any of them may be where it begins, and any of them where it ends.
    return repeat(
      draft,
      (draft: Lifted<Draft>) =>
        match(draft, "at", {
          write: (draft) => write(draft),
          check: (draft) => check(draft),
          repair: (draft) => repair(draft),
          done: (draft) => draft,
        }),
      { until: (draft) => eq(draft.at, "done"), max: 50 },
    );
  },
});

test("10 Arbitrary Cycles: more than one entry, more than one way round", async () => {
  await using env = await openTrial(drafts);
  env.stub(check, answers<Draft>({ at: "repair", text: "a" }, { at: "write", text: "b" }, { at: "done", text: "c" }));
  const run = await env.tenfold.start(drafts, { at: "repair", text: "given" });
  assert.deepEqual(await env.finish(run), { at: "done", text: "c" });
  const steps = env.path(run).filter((node) => !node.includes(":") && node !== "repeat");
  assert.deepEqual(
    steps.map((node) => node.split("/").at(-1)),
    ["repair", "check", "repair", "check", "write", "check"],
  );
});

type Text = { score: number };
const improve = step("improve", { run: ({ score }: Text) => ({ score: score + 30 }) });

const improved = workflow("improved", {
  flow(text: Lifted<Text>) {
    return repeat(text, (text: Lifted<Text>) => improve(text), { until: (text) => gte(text.score, 80), max: 5 });
  },
});
const improvedWhile = workflow("improved-while", {
  flow(text: Lifted<Text>) {
    // Tested before the first round as well:
    return when(lt(text.score, 80), () =>
      repeat(text, (text: Lifted<Text>) => improve(text), { until: (text) => gte(text.score, 80), max: 5 }),
    );
  },
});

test("21 Structured Loop: tested after each round, or before the first one too", async () => {
  await using env = await openTrial(improved, improvedWhile);
  const rounds = async (flow: typeof improved | typeof improvedWhile, score: number) => {
    const before = env.calls(improve).length;
    await env.finish(await env.tenfold.start(flow as typeof improved, { score }));
    return env.calls(improve).length - before;
  };
  assert.deepEqual([await rounds(improved, 0), await rounds(improved, 90)], [3, 1]);
  assert.deepEqual([await rounds(improvedWhile, 0), await rounds(improvedWhile, 90)], [3, 0]);
});

type Node = { value: number; children: Node[] };
const sum = step("sum", {
  run: ({ own, below }: { own: number; below: readonly number[] }) => below.reduce((a, b) => a + b, own),
});

const tree: Workflow<Node, number> = workflow("tree", {
  flow(node: Lifted<Node>) {
    return sum({ own: node.value, below: each(node.children, (child) => call(() => tree, child)) });
  },
});

test("22 Recursion: a workflow calls itself as deep as the data is", async () => {
  await using env = await openTrial(tree);
  const leaf = (value: number): Node => ({ value, children: [] });
  const root: Node = { value: 1, children: [leaf(2), { value: 3, children: [leaf(4)] }] };
  assert.equal(await env.finish(await env.tenfold.start(tree, root)), 10);
  assert.equal(env.calls(sum).length, 4);
});
