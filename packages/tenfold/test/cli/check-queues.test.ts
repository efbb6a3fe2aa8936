/** What `check` finds of queues and of retries before anything runs, and what it leaves alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAll } from "../../src/cli/check-all.ts";
import type { Finding } from "../../src/cli/check.ts";
import {
  attempt,
  call,
  each,
  eq,
  gte,
  limit,
  match,
  repeat,
  schedule,
  sleep,
  step,
  workflow,
  type Expect,
  type Lifted,
  type QueueOptions,
  type RetryOptions,
  type Workflow,
} from "../../src/index.ts";

const NOW = Date.UTC(2026, 0, 1);

/** What is drawn without types: whether these hold is the flow floor's business. */
type Drawn = any;

const choose = match as Drawn;

/** A step that is drawn with anything. */
const stepNamed = (
  name: string,
  options: { queue?: QueueOptions; retry?: RetryOptions; timeout?: string } = {},
): Drawn =>
  // prettier-ignore
  step(name, { timeout: "1s", ...options, run: (input: unknown) => input === null });

const expecting = (name: string, expect: Expect | undefined, flow: (input: Drawn) => unknown): Workflow<never> =>
  workflow<never>(name, { ...(expect === undefined ? {} : { expect }), flow: flow as never });

/** What is found of queues and retries, each as "code level workflow/node". */
async function found(...workflows: readonly Workflow<never>[]): Promise<readonly string[]> {
  return (await findings(...workflows)).map(
    ({ code, level, workflow: name, node }) => `${code} ${level} ${name}/${node}`,
  );
}

async function findings(...workflows: readonly Workflow<never>[]): Promise<readonly Finding[]> {
  const others = ["STEP_WITHOUT_TIMEOUT", "EACH_ALL_AT_ONCE", "UNUSED_RESULT", "ORDER_WITHOUT_DATA"];
  return (await checkAll(workflows, NOW)).filter(({ code }) => !others.includes(code));
}

const TEN = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

test("a rate is found that is slower than what is expected, and none that is not", async () => {
  const limited = stepNamed("ask", { queue: { rate: "100/min" } });
  const tenTimes = () => each(TEN, (item) => limited(item));
  const cases: readonly (readonly [string, Expect | undefined, (input: Drawn) => unknown, readonly string[]])[] = [
    ["nothing is expected", undefined, tenTimes, []],
    ["a volume that it bears", { volume: "14_400/day" }, tenTimes, []],
    ["a volume above it", { volume: "14_401/day" }, tenTimes, ["RATE_BELOW_VOLUME error w/each-items/ask"]],
    [
      "a volume above it in runs that go one way",
      { volume: "100/min" },
      (input) => choose(input.kind, { a: tenTimes, otherwise: () => limited(1) }),
      ["RATE_BELOW_WORST_CASE note w/match-kind/a/each-items/ask"],
    ],
    [
      "rounds of a loop",
      { volume: "100/min" },
      (input) => repeat(input, (state: Drawn) => limited(state), { until: (state: Drawn) => eq(state, true), max: 2 }),
      ["RATE_BELOW_WORST_CASE note w/repeat/ask"],
    ],
    [
      "a list that comes with the run",
      { volume: "1/min" },
      (input) => each(input.list, (item) => limited(item), { concurrency: 5 }),
      ["FAN_OUT_UNKNOWN note w/each-list/ask"],
    ],
    [
      "a list that comes with the run, beside calls that are too many already",
      { volume: "20/min" },
      (input) => [tenTimes(), each.as("rest")(input.list, (item) => limited.as("other")(item), { concurrency: 5 })],
      ["RATE_BELOW_VOLUME error w/each-items/ask"],
    ],
    ["a peak", { volume: "1/min", peak: "20/min" }, tenTimes, ["RATE_BELOW_PEAK note w/each-items/ask"]],
    ["a peak alone", { peak: "20/min" }, tenTimes, ["RATE_BELOW_PEAK note w/each-items/ask"]],
    ["a peak that it bears", { volume: "1/min", peak: "10/min" }, tenTimes, []],
    ["a peak of which is said how long it may take", { volume: "1/min", peak: "20/min", drain: "< 15m after 10m" }, tenTimes, []], // prettier-ignore
    [
      "a peak that takes longer than is said",
      { volume: "1/min", peak: "20/min", drain: "< 10m after 10m" },
      tenTimes,
      ["DRAIN_TOO_SLOW error w/each-items/ask"],
    ],
  ];
  for (const [law, expect, flow, expected] of cases) {
    assert.deepEqual(await found(expecting("w", expect, flow)), expected, law);
  }
});

test("each finding has its arithmetic in its message, and the way out", async () => {
  const ask = stepNamed("ask", { queue: { rate: "100/min", concurrency: 2 }, timeout: "10s" });
  const [volume] = await findings(expecting("w", { volume: "50_000/day" }, () => each([1, 2, 3], (item) => ask(item))));
  assert.match(
    volume!.message,
    /50_000\/day × 3 calls a run = 104\/min, and its queue lets 100\/min start: 6,000\/day/,
  );
  assert.match(volume!.message, /at least "105\/min"/);
  const flow = () => each(TEN, (item) => ask(item));
  const [peak, atOnce] = await findings(expecting("w", { volume: "5/min", peak: "20/min" }, flow));
  assert.match(peak!.message, /"w": 20\/min × 10 calls a run = 200\/min/);
  assert.match(peak!.message, /peak of 10 m leaves 1,000 calls waiting, and they take 20 m to drain/);
  assert.match(atOnce!.message, /5\/min × 1m 40s of calls in a run = 8.33 at once, and its queue lets 2 run at once/);
  assert.match(atOnce!.message, /as long as a call takes less than 2.4 s on average/);
});

test("a limit is held against all that share it, in all workflows and their children", async () => {
  const openai = limit("openai", { rate: "60/min" });
  const write = stepNamed("write", { queue: { limit: openai } });
  const read = stepNamed("read", { queue: { limit: openai, rate: "50/min" } });
  const child = expecting("child", undefined, (input) => read(input));
  const one = expecting("one", { volume: "40/min" }, (input) => write(input));
  const two = expecting("two", { volume: "30/min" }, (input) => call(child, input));
  assert.deepEqual(await found(one, child), []);
  assert.deepEqual(await found(two, child), []);
  const [both, ...more] = await findings(one, two, child);
  assert.deepEqual([both!.code, both!.node, more], ["RATE_BELOW_VOLUME", 'limit "openai"', []]);
  assert.match(both!.message, /40\/min × 1 call a run of "one" \+ 30\/min × 1 call a run of "two" = 70\/min/);
  // Arms exclude each other: only one of the two steps is called.
  const either = (input: Drawn) => choose(input.kind, { a: () => write(input), otherwise: () => read(input) });
  assert.deepEqual(await found(expecting("w", { volume: "45/min" }, either)), []);
});

test("a child with a volume of its own counts with that, so that the length of a list is known", async () => {
  const ask = stepNamed("ask", { queue: { rate: "100/min" } });
  const parent = (child: Workflow<never>) =>
    expecting("parent", { volume: "10/min" }, (input) => each(input.list, (item) => call(child, item as never), { concurrency: 5 })); // prettier-ignore
  const child = (expect?: Expect) => expecting("child", expect, (input) => ask(input));
  assert.deepEqual(await found(parent(child())), ["FAN_OUT_UNKNOWN note child/ask"]);
  assert.deepEqual(await found(parent(child({ volume: "90/min" }))), []);
  assert.deepEqual(await found(parent(child({ volume: "110/min" }))), ["RATE_BELOW_VOLUME error child/ask"]);
});

test("what limits keys, or what calls cost, is known only in a run", async () => {
  const cost = stepNamed("cost", { queue: { rate: "1/min", cost: () => 0.001 } });
  const keyed = stepNamed("keyed", { queue: { per: { key: () => "k", rate: "1/min" } } });
  const free = stepNamed("free", { queue: {} });
  const all = (input: Drawn) => [cost(input), keyed(input), free(input)];
  assert.deepEqual(await found(expecting("w", { volume: "1000/s" }, all)), []);
});

test("retries are found that take longer than the run has, or than its schedule waits", async () => {
  const slow = (retry: RetryOptions, timeout: string) => stepNamed("slow", { retry, timeout });
  const finishing = (drawn: Drawn) => expecting("w", { finish: "p95 < 2m" }, (input) => drawn(input));
  assert.deepEqual(await found(finishing(slow({ attempts: 4 }, "28s"))), []);
  assert.deepEqual(await found(finishing(slow({ attempts: 4 }, "29s"))), ["RETRIES_BEYOND_FINISH note w/slow"]);
  assert.deepEqual(await found(finishing(slow({ attempts: 1 }, "3m"))), ["RETRIES_BEYOND_FINISH note w/slow"]);
  const [late] = await findings(finishing(slow({ attempts: 4 }, "29s")));
  assert.match(late!.message, /4 attempts of up to 29s, with up to 7s between them, take up to 2m 3s/);
  const use = slow({ attempts: 4 }, "29s").with({ timeout: "10s" });
  assert.deepEqual(await found(finishing(use)), []);

  const ticking = (cron: string, drawn: Drawn) =>
    workflow("w", { triggers: [schedule(cron, { timeZone: "UTC" })], flow: ((input: Drawn) => drawn(input)) as never });
  assert.deepEqual(await found(ticking("* * * * *", slow({ attempts: 2 }, "29s")) as never), []);
  assert.deepEqual(await found(ticking("* * * * *", slow({ attempts: 2 }, "30s")) as never), ["RETRIES_BEYOND_INTERVAL note w/slow"]); // prettier-ignore
  // The shortest distance counts: 9:00 and 9:05, then a day.
  assert.deepEqual(await found(ticking("0,5 9 * * *", slow({ attempts: 2 }, "3m")) as never), ["RETRIES_BEYOND_INTERVAL note w/slow"]); // prettier-ignore
});

test("retries around retries are found above three calls for one, unless a budget bounds them", async () => {
  const pay = stepNamed("pay");
  const once = stepNamed("once", { retry: { attempts: 1 } });
  const five = stepNamed("five", { retry: { attempts: 5 } });
  const saving = stepNamed("saving", { retry: { budget: "10%" } });
  const other = stepNamed("other");
  const caught = (body: Drawn) => attempt(() => body(1), () => 0); // prettier-ignore
  const rounds = (max: number, round: () => unknown) => repeat(0, round as never, { until: (state: Drawn) => gte(state, 1), max }); // prettier-ignore
  const child = (drawn: Drawn) => expecting("child", undefined, (input) => drawn(input));
  const cases: readonly (readonly [string, () => unknown, string | null])[] = [
    ["attempts alone are one retry", () => five(1), null],
    ["a loop around one attempt is one retry", () => rounds(5, () => caught(once)), null],
    ["a round that fails ends its loop", () => rounds(5, () => pay(1)), null],
    ["attempts in a loop", () => rounds(5, () => caught(pay)), '3 attempts × 5 rounds of "repeat" = 15'],
    ["a loop of one round is none", () => rounds(1, () => caught(pay)), null],
    ["loops in loops", () => rounds(2, () => rounds(2, () => caught(once))), '1 call × 2 rounds of "repeat/repeat" × 2 rounds of "repeat" = 4'], // prettier-ignore
    ["the same again where it failed", () => attempt(() => pay(1), () => pay.as("again")(1)), "3 attempts + 3 attempts = 6"], // prettier-ignore
    ["something else where it failed", () => attempt(() => pay(1), () => other(1)), null], // prettier-ignore
    ["a child in a loop", () => rounds(2, () => caught(() => call(child(pay), 1 as never))), '3 attempts × 2 rounds of "repeat" = 6'], // prettier-ignore
    ["a child alone", () => call(child(five), 1 as never), null],
    ["an each that collects, in a loop", () => rounds(2, () => each([1, 2], (item) => pay(item), { onError: "collect" })), '3 attempts × 2 rounds of "repeat" = 6'], // prettier-ignore
    ["an each that fails, in a loop", () => rounds(2, () => each([1, 2], (item) => pay(item))), null],
    ["a budget", () => rounds(5, () => caught(saving)), null],
    ["rounds that are days apart", () => rounds(5, () => [sleep("1 day"), caught(pay)]), null],
  ];
  for (const [law, flow, arithmetic] of cases) {
    const told = (await findings(expecting("w", undefined, flow))).filter(({ code }) => code === "RETRY_AMPLIFICATION");
    assert.equal(told.length, arithmetic === null ? 0 : 1, law);
    if (arithmetic !== null) assert.ok(told[0]!.message.includes(arithmetic), `${law}: ${told[0]!.message}`);
  }
});

test("an each is found that works on more at once than a queue lets through", async () => {
  const two = stepNamed("two", { queue: { concurrency: 2 } });
  const shared = stepNamed("shared", { queue: { concurrency: 9, limit: limit("three", { concurrency: 3 }) } });
  const over = (drawn: Drawn, concurrency: number) =>
    expecting("w", undefined, (input) => each(input.list, (item) => drawn(item), { concurrency }));
  assert.deepEqual(await found(over(two, 2)), []);
  assert.deepEqual(await found(over(two, 3)), ["EACH_ABOVE_QUEUE note w/each-list"]);
  assert.deepEqual(await found(over(shared, 3)), []);
  assert.deepEqual(await found(over(shared, 4)), ["EACH_ABOVE_QUEUE note w/each-list"]);
  assert.deepEqual(await found(expecting("w", undefined, () => each([1, 2], (item) => two(item), { concurrency: 5 }))), []); // prettier-ignore
});

test("a child's input that is known to be too large is found, and none that may be smaller", async () => {
  const long = "x".repeat(1024);
  const child = expecting("child", undefined, (input) => stepNamed("one")(input));
  const giving = (input: (given: Drawn) => unknown) => expecting("w", undefined, (given) => call(child, input(given) as never)); // prettier-ignore
  const items = Array.from({ length: 1100 }, (_, index) => index);
  const seen = stepNamed("seen");
  const texts = () => each(items, (item) => ({ item, long, seen: seen(item) }), { concurrency: 5 });
  assert.deepEqual(await found(giving(() => ({ texts: texts() }))), ["PAYLOAD_TOO_LARGE error w/call-child"]);
  assert.deepEqual(await found(giving(() => items.map(() => long))), ["PAYLOAD_TOO_LARGE error w/call-child"]);
  assert.deepEqual(await found(giving(() => items.slice(0, 1000).map(() => long))), []);
  assert.deepEqual(await found(giving((given) => choose(given.kind, { a: texts, otherwise: () => seen.as("s")(1) }))), []); // prettier-ignore
});

test("nothing is found of a workflow whose limits bear it", async () => {
  const enrich = stepNamed("enrich", { queue: { concurrency: 50, rate: "100/s" }, retry: { attempts: 5 }, timeout: "10s" }); // prettier-ignore
  const intake = (lead: Lifted<never>) => [enrich(lead), each([1, 2, 3], (item) => enrich.as("more")(item))];
  const expect = { volume: "500/day", peak: "20/min", finish: "p95 < 2m" };
  assert.deepEqual(await found(expecting("intake", expect, intake as never)), []);
});
