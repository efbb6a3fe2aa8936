/** What a user's test asserts: a journal as plain data, the path taken, a text; the same each time. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { z } from "zod";
import {
  after,
  approval,
  derive,
  each,
  gte,
  match,
  step,
  waitFor,
  when,
  workflow,
  type Lifted,
} from "../../src/flow/index.ts";
import { failsFirst, openTest, takes } from "../../src/testing/index.ts";
import { COLD, enrich, HOT, refuses, trial } from "./trial.ts";

test("the reference lists every kind of entry that a test can see, and no other", () => {
  const textOf = (file: string): string => readFileSync(new URL(file, import.meta.url), "utf8");
  const kindsIn = (text: string, pattern: RegExp): string[] =>
    [...text.matchAll(pattern)].map(([, kind]) => kind!).toSorted();
  const [table] = /\| `kind` [\s\S]*?\n\n/.exec(textOf("../../../../docs/reference/testing.md"))!;
  const firstCells = table.split("\n").map((row) => row.split("|")[1] ?? "");
  const inCode = kindsIn(textOf("../../src/core/entry.ts"), /^ {2}readonly kind: "([a-z-]+)";$/gm);
  // A test has one version of each workflow.
  const seen = inCode.filter((kind) => kind !== "upgraded");
  assert.deepEqual(kindsIn(firstCells.slice(1).join(), /`([a-z-]+)`/g), seen);
});

test("the journal is plain data, in times since the run's start", async () => {
  await using env = await openTest({ workflows: [trial] });
  await env.advance("1 week");
  env.stub(enrich, failsFirst(1, takes("5s", enrich.run), new TypeError("503")));
  const run = await env.tenfold.start(trial, COLD);
  await env.finish(run);
  const remindedAfter = "3d 6s";
  assert.deepEqual(env.journal(run), [
    {
      after: "0s",
      kind: "failed",
      node: "enrich",
      attempt: 1,
      error: { code: "STEP_FAILED", message: "503" },
      retryAfter: "1s",
    },
    { after: "6s", kind: "done", node: "enrich", attempt: 2, output: { tier: "cold" } },
    { after: "6s", kind: "chose", node: "match-tier", arm: "cold" },
    { after: remindedAfter, kind: "done", node: "match-tier/cold/sleep-3-days", output: null },
    {
      after: remindedAfter,
      kind: "done",
      node: "match-tier/cold/remind",
      attempt: 1,
      output: "reminded sam@example.com",
    },
  ]);
  assert.deepEqual(JSON.parse(JSON.stringify(env.journal(run))), env.journal(run));
});

test("cancel and retry are in the journal, without what is chance", async () => {
  await using env = await openTest({ workflows: [trial] });
  const run = await env.tenfold.start(trial, COLD);
  await env.advance("1 day");
  await env.tenfold.cancel(run.id, { reason: "left" });
  await env.settle();
  assert.equal(await run.status(), "cancelled");
  await env.tenfold.retry(run.id);
  assert.equal(await env.finish(run), "reminded sam@example.com");
  assert.deepEqual(env.journal(run).slice(2, 4), [
    { after: "1d", kind: "cancelled", reason: "left" },
    { after: "1d", kind: "retried" },
  ]);
});

test("the path names nodes in order, and of each match the arm that it took", async () => {
  const note = step("note", { run: (text: string) => text });
  const paths = workflow("paths", {
    flow(given: Lifted<{ points: number; kind: "a" | "b" | "c"; names: readonly string[] }>) {
      const double = derive(given.points, (points) => points * 2);
      const big = when(gte(double, 10), () => note.as("big")("big"));
      const same = () => note.as("same")("same");
      match(given.kind, { a: same, b: same, c: () => note.as("other")("other") });
      return { big, names: each.as("names")(given.names, (name) => note(name)) };
    },
  });
  await using env = await openTest({ workflows: [paths] });
  const path = async (points: number, kind: "a" | "c", names: readonly string[]) => {
    const run = await env.tenfold.start(paths, { points, kind, names });
    await env.settle();
    return env.path(run).toSorted();
  };
  const derived = /^derive/;
  const [deriving, ...small] = await path(1, "a", []);
  assert.match(deriving!, derived);
  assert.deepEqual(small, ["match-kind/a|b/same", "match-kind: a|b", `when-${deriving}: none`]);
  const [, ...large] = await path(5, "c", ["x", "y"]);
  assert.deepEqual(large, [
    "match-kind/c/other",
    "match-kind: c",
    "names[0]/note",
    "names[1]/note",
    `when-${deriving}/then/big`,
    `when-${deriving}: then`,
  ]);
});

test("signals are part of it: those that come early, those that are waited for, and those that do not come", async () => {
  const note = step("note", { run: (text: string) => text });
  const orders = workflow("orders", {
    flow(order: Lifted<{ id: string }>) {
      const paid = waitFor("paid", { schema: z.object({ euro: z.number() }) });
      const sent = after(paid, () =>
        waitFor("sent", { for: order.id, timeout: "2 days", otherwise: () => note("late") }),
      );
      return after(sent, () => waitFor("thanked", { timeout: "1 day" }));
    },
  });
  await using env = await openTest({ workflows: [orders] });
  const run = await env.tenfold.start(orders, { id: "A-1" });
  await refuses(() => env.finish(run), "RUN_UNFINISHED", `wait-paid waits for the signal paid`);
  await env.tenfold.signal(run.id, "sent", "by air", { for: "A-1" });
  await env.advance("1h");
  await refuses(() => env.tenfold.signal(run.id, "paid", { euro: "5" }), "SIGNAL_INVALID");
  await env.tenfold.signal(run.id, "paid", { euro: 5 });
  await env.settle();
  await refuses(
    () => env.finish(run, { within: "1h" }),
    "RUN_UNFINISHED",
    `wait-thanked waits for the signal thanked, 1d more at most`,
  );
  assert.deepEqual(env.path(run), ["wait-paid", "wait-sent"]);
  assert.deepEqual(env.journal(run), [
    { after: "0s", kind: "signalled", signal: "sent", for: "A-1", payload: "by air" },
    { after: "1h", kind: "signalled", signal: "paid", payload: { euro: 5 } },
  ]);
  await refuses(() => env.finish(run), "RUN_FAILED", "waited 1 d");
  const lines = [
    "orders: failed after 1d 1h",
    `  0s     signalled                sent for A-1 "by air"`,
    `  1h     signalled                paid {"euro":5}`,
    "  1d 1h  timed-out  wait-thanked",
  ];
  assert.equal(env.timeline(run), lines.join("\n"));
  const late = await env.tenfold.start(orders, { id: "A-2" });
  await env.tenfold.signal(late.id, "paid", { euro: 5 });
  await env.advance("1 day");
  await refuses(
    () => env.finish(late, { within: 0 }),
    "RUN_UNFINISHED",
    `wait-sent waits for the signal sent for A-2, 1d more at most`,
  );
  await env.advance("1 day");
  assert.deepEqual(env.path(late), ["wait-paid", "wait-sent: timed-out", "wait-sent/otherwise/note"]);
});

test("what people decide is part of it, and what they are waited for", async () => {
  const refund = workflow<{ id: string }>("refund", {
    flow: () => approval({ ask: "Refund?", by: { anyOf: ["kim", "role:finance"], atLeast: 2 } }),
  });
  await using env = await openTest({ workflows: [refund] });
  const run = await env.tenfold.start(refund, { id: "A-1" });
  await refuses(() => env.finish(run), "RUN_UNFINISHED", "approval waits for an approval of kim or role:finance");
  await env.tenfold.approve(run.id, { by: "kim" });
  await env.advance("1h");
  await env.tenfold.approve(run.id, { by: "max", roles: ["finance"], comment: "fine" });
  await env.finish(run);
  assert.deepEqual(env.path(run), ["approval: approved by kim", "approval: approved by max"]);
  assert.deepEqual(env.journal(run), [
    { after: "0s", kind: "decided", node: "approval", verdict: "approved", by: "kim" },
    { after: "1h", kind: "decided", node: "approval", verdict: "approved", by: "max", roles: ["finance"], comment: "fine" }, // prettier-ignore
  ]);
  assert.match(env.timeline(run), /1h +decided +approval +approved by max: fine/);
});

test("the timeline is a text that a snapshot can hold", async () => {
  await using env = await openTest({ workflows: [trial] });
  env.stub(
    enrich,
    failsFirst(1, () => ({ tier: "cold" }), new Error("first\nline")),
  );
  const run = await env.tenfold.start(trial, COLD);
  await env.advance("1 day");
  assert.equal(env.timeline(run).split("\n")[0], "trial: running");
  await env.finish(run);
  assert.equal(
    env.timeline(run),
    [
      "trial: completed after 3d 1s",
      "  0s     failed  enrich                        attempt 1: STEP_FAILED first line, again after 1s",
      `  1s     done    enrich                        {"tier":"cold"}`,
      "  1s     chose   match-tier                    cold",
      "  3d 1s  done    match-tier/cold/sleep-3-days  null",
      `  3d 1s  done    match-tier/cold/remind        "reminded sam@example.com"`,
    ].join("\n"),
  );
  const cancelled = await env.tenfold.start(trial, COLD);
  await env.tenfold.cancel(cancelled.id, { reason: "left" });
  await env.settle();
  const lines = ["trial: cancelled after 0s", "  0s  cancelled          left", "  0s  abandoned  enrich"];
  assert.equal(env.timeline(cancelled), lines.join("\n"));
});

test("the same test has the same ids, keys and delays again, another seed others", async () => {
  const story = async (seed?: string) => {
    await using env = await openTest({ workflows: [trial], ...(seed === undefined ? {} : { seed }) });
    env.stub(
      "remind",
      failsFirst(2, () => "reminded"),
    );
    const runs = [await env.tenfold.start(trial, HOT), await env.tenfold.start(trial, COLD)];
    for (const run of runs) await env.finish(run);
    return runs.map((run) => ({ id: run.id, journal: env.journal(run), calls: env.calls("remind") }));
  };
  const first = await story();
  assert.deepEqual(await story(), first);
  const other = await story("other");
  assert.notEqual(other[0]!.id, first[0]!.id);
  assert.notDeepEqual(other[1]!.journal, first[1]!.journal);
});

test("a run that is not there is refused", async () => {
  await using env = await openTest({ workflows: [trial] });
  const { id } = await env.tenfold.start(trial, HOT);
  for (const wrong of ["run-1", id.replace(/^./, "7"), undefined as never, { id: 5 } as never]) {
    await refuses(() => env.journal(wrong), "RUN_UNKNOWN");
    await refuses(() => env.path(wrong), "RUN_UNKNOWN");
    await refuses(() => env.timeline(wrong), "RUN_UNKNOWN");
  }
});
