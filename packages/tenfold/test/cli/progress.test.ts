/** Progress: what is counted, and how it reads on terminals of any width and in a pipe. */
import assert from "node:assert/strict";
import { on } from "node:events";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import { each, match, open, step, workflow } from "../../src/index.ts";
import { widthOf } from "../../src/cli/columns.ts";
import { showProgress } from "../../src/cli/index.ts";
import { LiveLines } from "../../src/cli/live-lines.ts";
import {
  countAttempt,
  countEnding,
  countQueues,
  newCounts,
  type ProgressCounts,
} from "../../src/cli/progress-counts.ts";
import { progressLine, progressLines } from "../../src/cli/progress-lines.ts";
import type { QueueView } from "../../src/engine/queues/queue-views.ts";

const enrich = step("enrich", { run: (lead: { tier: string; items: readonly string[] }) => lead.tier });
const introduce = step("introduce", { run: (tier: string) => tier });
const note = step("note", { run: (item: string) => item });
const lead = workflow<{ tier: string; items: readonly string[] }>("lead", {
  flow(lead) {
    const tier = enrich(lead);
    const notes = each(lead.items, (item) => note(item));
    return { out: match(tier, { hot: () => introduce(tier), otherwise: () => null }), notes };
  },
});

const plain = (_style: string, text: string): string => text;

function writtenTo(stream: PassThrough): string {
  let text = "";
  for (let chunk: unknown = stream.read(); chunk !== null; chunk = stream.read()) text += String(chunk);
  return text;
}

function attempt(counts: ProgressCounts, stepName: string, endedAt: number, outcome: "done" | "failed" = "done"): void {
  countAttempt(counts, {
    workflow: "lead",
    run: "r",
    node: stepName,
    step: stepName,
    attempt: 1,
    isUndo: false,
    startedAt: 0,
    endedAt,
    outcome,
    message: null,
  });
}

test("while all that is left is to wait, no time to go is guessed", () => {
  const counts = newCounts(lead.graph, 1, 0);
  attempt(counts, "enrich", 1000);
  assert.match(progressLine(counts, 2000), /about .* to go/);
  counts.phase = "waiting";
  assert.equal(progressLine(counts, 2000), "lead: waiting; 0 of 1 run; 2.0 s; enrich 1/1");
});

test("a step of every run is counted against the runs; one of an arm or an each is only counted", () => {
  const counts = newCounts(lead.graph, 10, 0);
  for (let index = 0; index < 5; index++) attempt(counts, "enrich", 1000);
  for (let index = 0; index < 30; index++) attempt(counts, "note", 1000);
  attempt(counts, "introduce", 1000);
  attempt(counts, "enrich", 1000, "failed");
  countEnding(counts, "completed");
  countEnding(counts, "failed");
  const [head, ...steps] = progressLines(counts, 2000, 80, 24, plain);
  assert.match(head!, /^lead {2}2 of 10 runs · 1 failed · 2\.0 s · about 3\.\d s to go$/);
  assert.deepEqual(
    steps.map((line) => line.replaceAll(/[█░ ]+/g, " ").trim()),
    ["enrich 5/10 2.5/s 1 attempt failed", "note 30 15/s", "introduce 1 0.5/s"],
  );
});

function inLine(queue: string, waiting: number, running: number): QueueView {
  return { queue, kind: "queue", waiting, running } as QueueView;
}

test("of a step with a queue it is told how many wait and run, from the first one in line to the last", () => {
  const counts = newCounts(lead.graph, 400, 0);
  countQueues(counts, [inLine("enrich", 12, 300), inLine("somebody else's", 1, 1)]);
  assert.equal(progressLine(counts, 500), "lead: 0 of 400 runs; 500 ms; enrich 0/400 (12 wait, 300 run)");
  for (let index = 0; index < 88; index++) attempt(counts, "enrich", 1000);
  attempt(counts, "enrich", 1000, "failed");
  assert.match(progressLine(counts, 2000), /; enrich 88\/400 \(12 wait, 300 run; 44\/s; 1 attempt failed\)$/);
  const painted = progressLines(counts, 2000, 80, 24, plain);
  assert.match(painted[1]!, / 88\/400 +44\/s {2}12 wait, 300 run {2}1 attempt failed$/);
  countQueues(counts, [inLine("enrich", 0, 0)]);
  assert.match(progressLine(counts, 2000), /; enrich 88\/400 \(1 attempt failed\)$/);
});

test("runs that went on from before count their steps of then when they are completed", () => {
  const counts = newCounts(lead.graph, 3, 0);
  counts.before = 1;
  countEnding(counts, "completed");
  countEnding(counts, "completed");
  assert.match(progressLine(counts, 500), /^lead: 3 of 3 runs; 500 ms/);
  assert.match(progressLines(counts, 500, 80, 24, plain)[1]!, /2\/2/);
});

test("no line is wider than the terminal, and there are no more than it has rows", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 20, max: 200 }),
      fc.integer({ min: 3, max: 40 }),
      fc.array(
        fc.record({
          step: fc.constantFrom("enrich", "note", "introduce", "gone-with-a-very-long-name-indeed"),
          at: fc.nat(9000),
        }),
      ),
      (columns, rows, attempts) => {
        const counts = newCounts(lead.graph, 100_000, 0);
        countQueues(counts, attempts.map(({ step: name, at }) => inLine(name, at * at, at))); // prettier-ignore
        for (const { step: name, at } of attempts) attempt(counts, name, at, at % 7 === 0 ? "failed" : "done");
        const lines = progressLines(counts, 9000, columns, rows, plain);
        for (const line of lines) assert.ok(widthOf(line) <= columns, `${widthOf(line)} > ${columns}: ${line}`);
        assert.ok(lines.length < rows);
      },
    ),
  );
});

test("in a pipe progress is plain lines, and the last one tells how it ended", async () => {
  const tenfold = await open({ store: ":memory:", workflows: [lead] });
  const stream = new PassThrough();
  const progress = showProgress(tenfold, {
    workflow: "lead",
    total: 2,
    stream: stream as unknown as NodeJS.WriteStream,
  });
  for (const tier of ["hot", "cold"]) await (await tenfold.start(lead, { tier, items: ["a", "b"] })).result();
  progress.stop();
  await tenfold.close();
  const lines = writtenTo(stream).trimEnd().split("\n");
  assert.match(lines.at(-1)!, /^lead: 2 of 2 runs; .*enrich 2\/2, note 4, introduce 1$/);
  assert.ok(!lines.join("").includes("\u001b"));
});

test("progress says that it stops while what was begun is finished, with no time to go, and then that it has", async () => {
  const tenfold = await open({ store: ":memory:", workflows: [lead] });
  const stream = new PassThrough();
  const progress = showProgress(tenfold, {
    workflow: "lead",
    total: 2,
    stream: stream as unknown as NodeJS.WriteStream,
  });
  progress.showStopping();
  await tenfold.close();
  progress.stop();
  const lines = writtenTo(stream).trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => line.split("; ").slice(0, 2).join("; ")),
    ["lead: stopping; 0 of 2 runs", "lead: stopped; 0 of 2 runs"],
  );
  const counts = newCounts(lead.graph, 10, 0);
  for (let index = 0; index < 5; index++) attempt(counts, "enrich", 1000);
  assert.match(progressLine(counts, 2000), /to go/);
  counts.phase = "stopping";
  assert.doesNotMatch(progressLine(counts, 2000), /to go/);
});

test("whoever watches sees the line before a step fill, and nobody in it at the end", async () => {
  const opened = Promise.withResolvers<void>();
  const ask = step("ask", { queue: { concurrency: 2 }, run: (n: number) => opened.promise.then(() => n) });
  const asking = workflow<number>("asking", { flow: (n) => ask(n) });
  const tenfold = await open({ store: ":memory:", workflows: [asking] });
  const stream = new PassThrough();
  const lines = on(stream.setEncoding("utf8"), "data");
  const progress = showProgress(tenfold, {
    workflow: "asking",
    total: 5,
    stream: stream as unknown as NodeJS.WriteStream,
  });
  const runs = [];
  for (let n = 0; n < 5; n++) runs.push(await tenfold.start(asking, n));
  for await (const [line] of lines) if (/; ask 0\/5 \(3 wait, 2 run\)$/m.test(line as string)) break;
  opened.resolve();
  await Promise.all(runs.map((run) => run.result()));
  progress.stop();
  assert.match(writtenTo(stream).trimEnd(), /; ask 5\/5$/);
  await tenfold.close();
});

test("progress of a workflow that is not open is refused", async () => {
  const tenfold = await open({ store: ":memory:", workflows: [lead] });
  assert.throws(() => showProgress(tenfold, { workflow: "leed", total: 1 }), { code: "WORKFLOW_UNKNOWN" });
  await tenfold.close();
});

test("what is written while lines are painted appears above them, whole and in order", () => {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 10, rows: 24 });
  const live = new LiveLines(stream as unknown as NodeJS.WriteStream);
  live.paint(["one", "two"]);
  stream.write("a note\n");
  live.paint(["three"]);
  // The terminal is made narrower: the painted line takes two rows now.
  stream.columns = 4;
  live.paint(["four"]);
  live.stop();
  stream.write("after\n");
  const erase = (rows: number): string => `\u001b[${rows}A\r\u001b[J`;
  const expected = `one\ntwo\n${erase(2)}a note\nthree\n${erase(2)}four\nafter\n`;
  assert.equal(writtenTo(stream), expected);
});
