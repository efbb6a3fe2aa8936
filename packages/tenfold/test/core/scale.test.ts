/** Laws of cost: what core does for a large run grows with what happens in it, and no faster. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "../../src/core/command.ts";
import { compileGraph, type CompiledGraph } from "../../src/core/compile.ts";
import type { Entry } from "../../src/core/entry.ts";
import { pathOf } from "../../src/core/path.ts";
import { begin, openWork, reduce } from "../../src/core/reduce.ts";
import { drawn, NOW, stepNamed, untyped } from "./life.ts";

const { each } = untyped;
const work = stepNamed("work");
const next = stepNamed("next");
const outer = stepNamed("outer");

interface Played {
  readonly entries: readonly Entry[];
  readonly commands: number;
  readonly output: unknown;
}

/** The processor time that this thread takes for it (ms): what the machine does beside it does not count. */
function cpuMsOf(times: number, act: () => void): number {
  const before = process.threadCpuUsage();
  for (let time = 0; time < times; time++) act();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

/** Answers each open node in turn; counts what core asked for. */
function play(compiled: CompiledGraph, input: any): Played {
  const open: Command[] = [];
  const state = begin(compiled, { run: "r", input, startedAt: NOW }, open);
  const entries: Entry[] = [];
  let output: unknown;
  for (let index = 0; index < open.length; index++) {
    const command = open[index]!;
    if (command.kind === "finish") output = command.output;
    if (command.kind !== "execute") continue;
    const { frame, node } = command.place;
    const entry: Entry = {
      kind: "done",
      node: pathOf(compiled, frame, node),
      at: NOW,
      attempt: 1,
      output: index,
      tookMs: 1,
    };
    entries.push(entry);
    reduce(state, entry, open);
  }
  return { entries, commands: open.length, output };
}

const listOf = (length: number) => Array.from({ length }, (_, index) => index);

const flows: readonly (readonly [string, (input: any) => unknown, number])[] = [
  ["all at once", (list) => each(list, (item: any) => next(work(item))), 2],
  ["ten at a time", (list) => each(list, (item: any) => next(work(item)), { concurrency: 10 }), 2],
  ["with errors collected", (list) => each(list, (item: any) => next(work(item)), { onError: "collect" }), 2],
  [
    "all waiting for an outer node",
    (list) => {
      const slow = outer(1);
      return each(list, (item: any) => next({ item: work(item), slow }));
    },
    2,
  ],
];

for (const [what, flow, perItem] of flows) {
  test(`an each of 10,000 items (${what}) asks for what its items need, once, and an item costs no more than three times what one of 1,000 does`, () => {
    const compiled = compileGraph(drawn(flow).graph);
    const [small, large] = [1000, 10_000].map((items): number => {
      const played = play(compiled, listOf(items));
      const others = compiled.graph.nodes.some((node) => node.kind === "step" && node.step === "outer") ? 1 : 0;
      assert.equal(played.entries.length, perItem * items + others);
      assert.equal(played.commands, perItem * items + others + 1);
      assert.equal((played.output as unknown[]).length, items);
      // As many items of either size: the thread's clock ticks in milliseconds.
      return cpuMsOf(50_000 / items, () => play(compiled, listOf(items)));
    });
    const ratio = large! / small!;
    assert.ok(ratio < 3, `an item costs ${ratio.toFixed(1)} times as much in the larger each`);
  });
}

test("an empty each inside of 10,000 items that finish each other at once does not exhaust the stack", () => {
  const flow = drawn((list) => {
    const slow = outer(1);
    return each(list, () => slow, { concurrency: 1 });
  });
  assert.equal((play(compileGraph(flow.graph), listOf(10_000)).output as unknown[]).length, 10_000);
});

test("an each of 10,000 items, of which one is enough, stops each of the others once", () => {
  const flow = (list: any) => each(list, (item: any) => next(work(item)), { enough: 1, rest: "stop" });
  const compiled = compileGraph(drawn(flow).graph);
  const commands: Command[] = [];
  const state = begin(compiled, { run: "r", input: listOf(10_000), startedAt: NOW }, commands);
  for (const step of ["work", "next"]) {
    commands.length = 0;
    const done = { kind: "done", node: `each-input[7]/${step}`, at: NOW, attempt: 1, output: 7, tookMs: 1 } as const;
    reduce(state, done, commands);
  }
  assert.deepEqual(new Set(commands.map(({ kind }) => kind)), new Set(["abandon"]));
  assert.equal(commands.length, 9999);
  const last: Command[] = [];
  for (const { place } of commands as Extract<Command, { kind: "abandon" }>[])
    reduce(state, { kind: "abandoned", node: pathOf(compiled, place.frame, place.node), at: NOW }, last, place);
  assert.deepEqual(last, [{ kind: "finish", output: listOf(10_000).map((item) => (item === 7 ? 7 : null)) }]);
});

test("loading a run of 10,000 entries costs about as much as living through it, and opens nothing that is done", () => {
  const compiled = compileGraph(drawn((list) => each(list, (item: any) => next(work(item)))).graph);
  const { entries } = play(compiled, listOf(5000));
  const load = (count: number) => {
    const state = begin(compiled, { run: "r", input: listOf(5000), startedAt: NOW }, []);
    for (const entry of entries.slice(0, count)) reduce(state, entry, []);
    const open: Command[] = [];
    openWork(state, open);
    return open;
  };
  assert.deepEqual(
    load(entries.length).map(({ kind }) => kind),
    ["finish"],
  );
  assert.equal(load(5000).length, 5000);
  const lived = cpuMsOf(10, () => play(compiled, listOf(5000)));
  assert.ok(cpuMsOf(10, () => load(entries.length)) < 5 * lived);
});

test("a command is given once for each node that becomes ready, however many wait for it", () => {
  const flow = drawn((n) => {
    const parts = listOf(500).map((index) => work.as(`part-${index}`)(n));
    return next.as("join")(parts);
  });
  const played = play(compileGraph(flow.graph), 1);
  assert.equal(played.commands, 502);
});
