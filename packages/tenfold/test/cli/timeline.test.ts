/** A run's timeline: out of graph and journal, what happened, what is open, and how it reads. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { after, approval, attempt, call, each, gte, sleep, step, when, workflow, type Entry } from "../../src/index.ts";
import { timelineOf, type TimelineRun } from "../../src/cli/timeline.ts";
import { timelineLines, type TimelineView } from "../../src/cli/timeline-lines.ts";

const first = step("first", { run: (input: number) => input });
const price = step("price", { run: (input: number) => input });
const flow = workflow<{ points: number; items: readonly number[] }>("flow", {
  flow(input) {
    const points = first(input.points);
    const prices = each(input.items, (item) => price(item), { concurrency: 2, onError: "collect" });
    return { prices, sent: when(gte(points, 5), () => first.as("again")(points)) };
  },
});
const error = { code: "STEP_FAILED", message: "HTTP 503", node: "first", attempt: 1 };

function run(items: number, entries: readonly Entry[]): TimelineRun {
  return {
    id: "r",
    input: { points: 7, items: Array.from({ length: items }, (_, index) => index) },
    startedAt: 1000,
    entries,
  };
}

const done = (node: string, at: number, tookMs: number): Entry => ({
  kind: "done",
  node,
  at,
  attempt: 1,
  output: 7,
  tookMs,
});
const failed = (node: string, at: number, retryAt: number | null): Entry => ({
  kind: "failed",
  node,
  at,
  attempt: 1,
  error,
  retryAt,
  tookMs: 100,
});

function view(to: number, all = false): TimelineView {
  return { from: 1000, to, now: to, driven: "now", columns: 100, all, paint: (_style, text) => text };
}

const slow = workflow<number>("slow", {
  flow: (n) =>
    after(
      after(first(n), () => sleep("2h")),
      () => price(n),
    ),
});

test("a sleep is told with when it wakes, and then that it was slept", () => {
  const entries: Entry[] = [done("first", 2000, 900)];
  const lines = () => timelineLines(slow.graph, timelineOf(slow.graph, { ...run(0, entries), input: 1 }), view(5000));
  assert.match(lines().join("\n"), /sleep-2h .* sleeps for 2 h more/);
  entries.push({ kind: "done", node: "sleep-2h", at: 7_202_000, attempt: 0, output: null, tookMs: 0 });
  assert.match(lines().join("\n"), /sleep-2h .* slept\n.*price .* running/s);
});

test("what is open is told by the rules that drive the run", () => {
  const states = (entries: readonly Entry[]) =>
    timelineOf(flow.graph, run(3, entries)).map(({ path, state }) => [path, state.kind]);
  assert.deepEqual(states([]), [
    ["first", "open"],
    ["each-items", "opened"],
    ["each-items[0]/price", "open"],
    ["each-items[1]/price", "open"],
  ]);
  assert.deepEqual(states([failed("first", 1100, 2000), done("each-items[0]/price", 1200, 200)]), [
    ["first", "open"],
    ["each-items[0]/price", "done"],
    ["each-items", "opened"],
    ["each-items[1]/price", "open"],
    ["each-items[2]/price", "open"],
  ]);
});

test("attempts are bars over time, with the wait between them, and their errors below", () => {
  const entries = [failed("first", 1100, 1500), { ...done("first", 2000, 500), attempt: 2 } as Entry];
  const [line, below] = timelineLines(flow.graph, timelineOf(flow.graph, run(0, entries)), view(2000));
  assert.match(line!, /^ {2}first +▒+·+█+ {2}500 ms, 2 attempts$/);
  assert.match(below!, /^ {4}attempt 1 failed after 100 ms: HTTP 503$/);
});

test("what was open when a run was held waits for nobody, and says so", () => {
  const nodes = timelineOf(flow.graph, run(1, [failed("first", 1100, 1500)]));
  const lines = timelineLines(flow.graph, nodes, { ...view(2000), driven: "held" }).join("\n");
  assert.match(lines, /^ {2}first .*held before attempt 2$/m);
  assert.match(lines, /^ +price .*open when it was held$/m);
  assert.doesNotMatch(lines, /waits for a worker|running/);
});

test("the arm that was taken stands beside the match, and its nodes below it", () => {
  const entries: Entry[] = [
    done("first", 1100, 100),
    { kind: "chose", node: "when-first", at: 1100, arm: "then" },
    done("when-first/then/again", 1300, 200),
  ];
  const lines = timelineLines(flow.graph, timelineOf(flow.graph, run(0, entries)), view(1300));
  assert.match(lines[1]!, /^ {2}when-first +◆ +→ then$/);
  assert.match(lines[2]!, /^ {4}again .*█ {2}200 ms$/);
});

test("many items are summed up in one line, and those that failed are told one by one", () => {
  const entries = [
    done("first", 1100, 100),
    ...Array.from({ length: 20 }, (_, index) =>
      index === 7 ? failed(`each-items[${index}]/price`, 1200, null) : done(`each-items[${index}]/price`, 1200, 100),
    ),
  ];
  const nodes = timelineOf(flow.graph, run(20, entries));
  const lines = timelineLines(flow.graph, nodes, view(1300)).join("\n");
  assert.match(lines, /price ×20 .*19 done, 1 failed/);
  assert.match(lines, /price\[7\] .*failed\n +attempt 1 failed after 100 ms: HTTP 503/);
  assert.equal(
    (
      timelineLines(flow.graph, nodes, view(1300, true))
        .join("\n")
        .match(/price\[/g) ?? []
    ).length,
    20,
  );
});

const refund = workflow<string>("refund", {
  flow: (n) => approval({ ask: n, by: { anyOf: ["kim", "lee"], atLeast: 2, not: "bob" }, timeout: "1h" }),
});
const decided = (by: string, verdict: "approved" | "refused", at: number): Entry => ({
  kind: "decided",
  node: "approval",
  ...{ at, message: `${by} ${at}`, verdict, by, roles: [], comment: null },
});

test("what was decided is told, and what changed nothing below it: from somebody who may not, given twice, or too late", () => {
  const lines = (...entries: Entry[]) => {
    const nodes = timelineOf(refund.graph, { ...run(0, entries), input: 1 });
    return timelineLines(refund.graph, nodes, view(5000)).join("\n");
  };
  const votes = [decided("bob", "refused", 1100), decided("kim", "approved", 1200), decided("kim", "approved", 1300)];
  const open = lines(...votes);
  assert.match(open, /^ {2}approval .*waits for an approval of kim or lee/);
  assert.match(open, /without effect: refused by bob, because bob is one of those who may not decide/);
  assert.match(open, /without effect: approved by kim, because kim has approved before, and counts once/);
  const over = lines(...votes, decided("lee", "approved", 1400), decided("kim", "refused", 1500));
  assert.match(over, /^ {2}approval .* approved by lee\n/);
  assert.match(over, /without effect: refused by kim, because nothing was to be decided any more/);
  const late = lines({ kind: "timed-out", node: "approval", at: 4_000_000 }, decided("kim", "approved", 4_000_001));
  assert.match(late, /^ {2}approval .*nobody decided in time\n .*without effect: approved by kim/);
});

test("what was open when a run ended is not told as if it still waited", () => {
  const nodes = timelineOf(refund.graph, { ...run(0, [{ kind: "cancelled", at: 1500, reason: "no more" } as Entry]), input: 1 }); // prettier-ignore
  const lines = timelineLines(refund.graph, nodes, { ...view(5000), driven: "ended" }).join("\n");
  assert.match(lines, /^ {2}approval .*open when the run ended$/);
});

test("what came of a child after its call was over is not told as what came of the call", () => {
  const child = workflow<number, number>("child", { flow: (n) => price(n) });
  const parent = workflow<number>("parent", { flow: (n) => attempt(() => call(child, n), () => first(n)) }); // prettier-ignore
  const node = "attempt/body/call-child";
  const returned = (status: "failed" | "completed", at: number): Entry => ({
    kind: "returned",
    ...{ node, at, message: `${status} ${at}`, attempt: 1, child: "c", status },
  });
  const entries: Entry[] = [returned("failed", 1100), returned("completed", 1200)];
  const nodes = timelineOf(parent.graph, { ...run(0, entries), input: 1 });
  assert.equal(nodes.find(({ path }) => path === node)?.state.kind, "failed");
});

test("a journal that cannot be replayed is told as it stands there", () => {
  const entries = [done("first", 1100, 100), done("first", 1200, 100), done("elsewhere", 1300, 100)];
  const nodes = timelineOf(slow.graph, { ...run(0, entries), input: 1 });
  assert.deepEqual(nodes.map(({ path, attempts }) => [path, attempts.length]), [["first", 2], ["elsewhere", 1]]); // prettier-ignore
});
