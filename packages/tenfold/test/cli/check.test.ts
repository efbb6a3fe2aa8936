/** What `check` finds in a graph, and what it leaves alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import {
  after,
  all,
  any,
  calendar,
  derive,
  each,
  eq,
  gt,
  gte,
  limit,
  sleep,
  waitFor,
  lt,
  match,
  not,
  oneOf,
  present,
  schedule,
  step,
  when,
  workflow,
} from "../../src/index.ts";
import { checkAll } from "../../src/cli/check-all.ts";
import { checkWorkflow } from "../../src/cli/check.ts";
import { unreachableArms } from "../../src/cli/check-arms.ts";
import type { Lifted, QueueOptions } from "../../src/index.ts";

interface Lead {
  readonly tier: "hot" | "warm" | "cold";
  readonly points: number;
  readonly name: string | null;
  readonly flag: boolean;
  readonly items: readonly string[];
}

const timeout = "1s";
const one = step("one", { timeout, run: (input: number) => input });
const two = step("two", { timeout, run: (input: number) => input });
const echo = step("echo", { timeout, run: (text: string) => text });
const read = step("read", { timeout, run: (lead: Lead) => lead.points });

/** Draws it, and answers the arms that can never be taken: "node: arm". */
function unreachable(flow: (lead: Lifted<Lead>) => unknown): readonly string[] {
  const { graph } = workflow<Lead>("drawn", { flow: flow as never });
  return unreachableArms(graph).map(({ node, message }) => `${node}: ${/The arm "([^"]+)"/.exec(message)![1]}`);
}

const a = (lead: Lifted<Lead>) => () => one(lead.points);
const b = (lead: Lifted<Lead>) => () => two(lead.points);
const c = (lead: Lifted<Lead>) => () => read(lead);

test("an arm is reported where its label can never occur", () => {
  const untyped = match as (value: unknown, arms: unknown) => unknown;
  const cases: readonly (readonly [string, (lead: Lifted<Lead>) => unknown, readonly string[]])[] = [
    [
      "an expression has no third answer",
      (lead) => untyped(eq(lead.tier, "hot"), { true: a(lead), false: b(lead), maybe: c(lead) }),
      ["match-tier: maybe"],
    ],
    [
      "both answers leave nothing for otherwise",
      (lead) => untyped(eq(lead.tier, "hot"), { true: a(lead), false: b(lead), otherwise: c(lead) }),
      ["match-tier: otherwise"],
    ],
    [
      "a value always equals itself",
      (lead) => when(eq(lead.points, lead.points), a(lead), b(lead)),
      ["when-points: otherwise"],
    ],
    [
      "a number is never above itself",
      (lead) => when(gt(lead.points, lead.points), a(lead), b(lead)),
      ["when-points: then"],
    ],
    [
      "all of nothing false",
      (lead) => when(all(gt(lead.points, 5), lt(lead.points, lead.points)), a(lead), b(lead)),
      ["when-points: then"],
    ],
    [
      "an arm around it has another label",
      (lead) =>
        match(lead.tier, {
          hot: () => match.as("inner")(lead.tier, { hot: a(lead), warm: b(lead), cold: c(lead) }),
          otherwise: () => null,
        }),
      ["match-tier/hot/inner: warm", "match-tier/hot/inner: cold"],
    ],
    [
      "the arms around it have taken the label",
      (lead) =>
        match(lead.tier, {
          hot: () => null,
          otherwise: () => match.as("inner")(lead.tier, { hot: a(lead), warm: b(lead), cold: c(lead) }),
        }),
      ["match-tier/otherwise/inner: hot"],
    ],
    [
      "a condition is known inside of a match on its value",
      (lead) => match(lead.tier, { hot: () => when(eq(lead.tier, "cold"), a(lead), b(lead)), otherwise: () => null }),
      ["match-tier/hot/when-tier: then"],
    ],
    [
      "what failed above cannot hold below",
      (lead) => when(gte(lead.points, 80), a(lead), () => when.as("inner")(gte(lead.points, 90), b(lead), c(lead))),
      ["when-points/otherwise/inner: then"],
    ],
    [
      "what held above cannot fail below",
      (lead) =>
        when(
          all(gte(lead.points, 80), lead.flag),
          () => when.as("inner")(gt(lead.points, 70), a(lead), b(lead)),
          c(lead),
        ),
      ["when-points/then/inner: otherwise"],
    ],
    [
      "what is present is not null",
      (lead) => when(present(lead.name), () => match(lead.name, { null: a(lead), otherwise: b(lead) }), c(lead)),
      ["when-name/then/match-name: null"],
    ],
    [
      "a value is none of those that were excluded",
      (lead) =>
        when(oneOf(lead.tier, ["hot", "warm"]), a(lead), () =>
          when.as("inner")(eq(lead.tier, "warm"), b(lead), c(lead)),
        ),
      ["when-tier/otherwise/inner: then"],
    ],
    [
      "not and any are seen through",
      (lead) =>
        when(not(any(lead.flag, gt(lead.points, 5))), () => when.as("inner")(lead.flag, a(lead), b(lead)), c(lead)),
      ["when-flag/then/inner: then"],
    ],
  ];
  for (const [law, flow, expected] of cases) assert.deepEqual(unreachable(flow), expected, law);
});

test("an arm that some run can take is never reported", () => {
  const cases: readonly ((lead: Lifted<Lead>) => unknown)[] = [
    (lead) => match(lead.tier, { hot: a(lead), warm: b(lead), otherwise: c(lead) }),
    (lead) => when(gte(lead.points, 80), a(lead), () => when.as("inner")(gte(lead.points, 50), b(lead), c(lead))),
    (lead) => when(gte(lead.points, 80), () => when.as("inner")(gt(lead.points, 80), a(lead), b(lead)), c(lead)),
    (lead) => when(gt(lead.points, 80), a(lead), () => when.as("inner")(gte(lead.points, 80), b(lead), c(lead))),
    (lead) => when(all(lead.flag, gt(lead.points, 1)), a(lead), () => when.as("inner")(lead.flag, b(lead), c(lead))),
    (lead) => when(any(lead.flag, gt(lead.points, 1)), () => when.as("inner")(lead.flag, a(lead), b(lead)), c(lead)),
    (lead) => when(eq(lead.points, 1), a(lead), () => match(lead.points, { 1: b(lead), otherwise: c(lead) })),
    (lead) => each(lead.items, (item) => match(item, { a: a(lead), otherwise: b(lead) }), { concurrency: 1 }),
  ];
  for (const flow of cases) assert.deepEqual(unreachable(flow), [], String(flow));
});

test("an order without data is a note, but not where data demands the same order anyway", () => {
  const findings = checkWorkflow(
    workflow<Lead>("ordered", {
      flow(lead) {
        const first = read(lead);
        const second = after(first, () => one(lead.points));
        return after(first, () => two(derive(first, (points) => points + 1))) && second;
      },
    }),
  );
  assert.deepEqual(
    findings.map(({ code, level, node }) => [code, level, node]),
    [
      ["ORDER_WITHOUT_DATA", "note", "one"],
      ["ORDER_WITHOUT_DATA", "note", "derive-read"],
    ].slice(0, findings.length),
  );
  assert.ok(findings.some(({ node }) => node === "one"));
  assert.ok(findings.every(({ node }) => node !== "two"));
});

test("what comes after a sleep or a signal is no note: such a node is drawn for the order that it brings", () => {
  const findings = checkWorkflow(
    workflow<Lead>("waiting", {
      flow(lead) {
        const slept = after(sleep("3 days"), () => one(lead.points));
        return after(waitFor("go"), () => two(slept));
      },
    }),
  );
  assert.deepEqual(
    findings.filter(({ code }) => code === "ORDER_WITHOUT_DATA"),
    [],
  );
});

test("a step without a timeout is told once, unless its use has one; so is an each that opens all at once", () => {
  const slow = step("slow", { run: async (input: string) => input });
  const findings = checkWorkflow(
    workflow<Lead>("timed", {
      flow(lead) {
        const many = each(lead.items, (item) => slow(item));
        const some = each.as("some")(lead.items, (item) => slow(item), { concurrency: 5 });
        return { many, some, last: slow.with({ timeout: "5s" }).as("last")("x") };
      },
    }),
  );
  assert.deepEqual(
    findings.map(({ code, node }) => [code, node]),
    [
      ["STEP_WITHOUT_TIMEOUT", "each-items/slow"],
      ["EACH_ALL_AT_ONCE", "each-items"],
    ],
  );
  assert.match(findings[0]!.message, /used 2 times/);
});

test("an attempt that hangs is said to hold a place of its queue, where that counts them", () => {
  const said = (queue: QueueOptions<string>): string => {
    const slow = step("slow", { queue, async run(text: string) { return text; } }); // prettier-ignore
    return checkWorkflow(workflow<string>("slow", { flow: (text) => slow(text) }))[0]!.message;
  };
  const counted = [
    { concurrency: 5 },
    { per: { key: String, concurrency: 1 } },
    { limit: limit("l", { concurrency: 1 }) },
  ];
  for (const queue of counted) assert.match(said(queue), /holds its run, a slot, and a place/);
  assert.match(said({ rate: "5/s" }), /holds its run, and a slot, for ever/);
});

test("a list that is written down, of things that compete, may be worked on all at once", () => {
  const sum = step("sum", { run: (input: number) => input + 1 });
  const race = workflow<Lead>("race", {
    flow: (lead) => each([1, lead.points], (points) => sum(points), { enough: 1, rest: "stop" }),
  });
  assert.deepEqual(checkWorkflow(race), []);
});

test("a body that is no async function may do without a timeout: it cannot be stopped in what it does at once", () => {
  const sum = step("sum", { run: (input: number) => input + 1 });
  const wait = step("wait", { async run(input: number) { return input; } }); // prettier-ignore
  const both = workflow<Lead>("both", { flow: (lead) => ({ a: sum(lead.points), b: wait(lead.points) }) });
  assert.deepEqual(
    checkWorkflow(both).map(({ code, node }) => [code, node]),
    [["STEP_WITHOUT_TIMEOUT", "wait"]],
  );
});

test("a sound workflow has no findings", () => {
  const sound = workflow<Lead>("sound", { flow: (lead) => ({ a: one(lead.points), b: read(lead) }) });
  assert.deepEqual(checkWorkflow(sound), []);
});

test("a schedule is found whose next tick its own workflow would refuse, and one whose calendar ends before its next ticks", async () => {
  const now = Date.UTC(2026, 11, 20);
  const london = calendar({ timeZone: "Europe/London", holidays: ["2026-12-25", "2026-12-28"] });
  const Month = z.object({ month: z.string() });
  const timed = (triggers: unknown) =>
    workflow("timed", {
      input: Month,
      triggers: triggers as never,
      flow: (input) => echo(input.month),
    });
  const later = z.object({ month: z.string().refine((month) => Promise.resolve(month !== "2027-01")) });
  const findings = await checkAll(
    [
      timed([schedule("0 9 1 * *", { name: "bare", timeZone: "UTC" })]),
      timed([schedule("0 9 1 * *", { timeZone: "UTC", input: () => ({ month: new Date() }) })]),
      timed([schedule("0 9 * * *", { name: "daily", calendar: london, input: ({ date }) => ({ month: date }) })]),
      timed([schedule("0 9 1 * *", { timeZone: "UTC", input: ({ date }) => ({ month: date }) })]),
      workflow("async", { input: later, triggers: [schedule("0 9 1 * *", { timeZone: "UTC", input: ({ date }) => ({ month: date.slice(0, 7) }) })], flow: (input) => echo(input.month) }), // prettier-ignore
    ],
    now,
  );
  assert.deepEqual(
    findings.map(({ code, level, workflow: of, node }) => `${code} ${level} ${of} ${node}`),
    [
      'TICK_REFUSED error timed schedule "bare"',
      'TICK_REFUSED error timed schedule "default"',
      'CALENDAR_ENDS note timed schedule "daily"',
      'TICK_REFUSED error async schedule "default"',
    ],
  );
  assert.match(findings[0]!.message, /would start no run: .*month/);
  assert.match(findings[2]!.message, /2026-12-28/);
});
