/** The limit of a run's journal: asked before it is hit, and never passed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileGraph } from "../../src/core/compile.ts";
import type { Command } from "../../src/core/command.ts";
import { begin, openWork, reduce } from "../../src/core/reduce.ts";
import { HISTORY_MAX } from "../../src/core/state.ts";
import { answering, drawn, Life, stepNamed, untyped, RUN, NOW } from "./life.ts";

const { each, eq, repeat } = untyped;
const work = stepNamed("work");

test("an each whose items would leave more entries than a journal may have is refused before the first is begun", () => {
  const flow = drawn((input) => each(input, (item: any) => work.as("second")(work(item))));
  const items = (count: number) => Array.from({ length: count }, () => 0);
  const refused = Life.of(flow, items(HISTORY_MAX / 2 + 1));
  assert.deepEqual(refused.asked, ["refuse each-input"]);
  const [command] = refused.open;
  assert.match(command?.kind === "refuse" ? command.error.message : "", /50001 items, each of which leaves 2 entries/);
  assert.equal(Life.of(flow, items(HISTORY_MAX / 2)).open.length, HISTORY_MAX / 2);
});

test("an each of nothing that the full journal refuses is refused after a reload too", () => {
  const flow = drawn((input) => [
    work(input),
    each.as("e")(work.as("list")(input), (item: any) => work.as("inner")(item)),
  ]);
  const life = Life.of(flow, []);
  life.state.entries = HISTORY_MAX - 1;
  life.answerAt("list", answering({ work: () => [] }));
  assert.deepEqual(life.asked, ["execute work 1", "refuse e"]);
  const commands: Command[] = [];
  openWork(life.state, commands);
  const refused = commands.find((command) => command.kind === "refuse");
  assert.equal(refused?.error.code, "HISTORY_TOO_LONG");
});

test("what would begin once the journal is full is refused, also after a reload; what is under way ends", () => {
  const flow = drawn((input) => repeat(input, (n: any) => work(n), { until: (n: any) => eq(n, -1), max: 100_000 }));
  const compiled = compileGraph(flow.graph);
  let commands: Command[] = [];
  const state = begin(compiled, { run: RUN, input: 0, startedAt: NOW }, commands);
  const done = (node: string) => ({ kind: "done", node, at: NOW, attempt: 1, output: 1, tookMs: 1 }) as const;
  for (let entry = 0; entry < HISTORY_MAX; entry++) {
    commands = [];
    if (entry < HISTORY_MAX / 2)
      reduce(state, { kind: "signalled", at: NOW, message: `${entry}`, signal: "s", for: null }, commands);
    else reduce(state, done(`repeat[${entry - HISTORY_MAX / 2}]/work`), commands);
  }
  assert.deepEqual(commands.map(({ kind }) => kind), ["refuse"]); // prettier-ignore
  const [refusal] = commands;
  assert.match(refusal?.kind === "refuse" ? refusal.error.code : "", /HISTORY_TOO_LONG/);
});
