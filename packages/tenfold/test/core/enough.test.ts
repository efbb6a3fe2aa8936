/** Laws of an each that goes on once enough of its items have completed: who is heard, and what becomes of the rest. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededRandom } from "../../src/value/random.ts";
import { answering, drawn, Failure, Life, stepNamed, untyped } from "./life.ts";

const { after, approval, call, derive, each, gte, match, repeat, sleep, waitFor } = untyped;
const [work, more, next] = ["work", "more", "next"].map(stepNamed) as [any, any, any];

const finished = (life: Life): unknown => {
  assert.equal(life.endings.length, 1, `ended ${life.endings.length} times`);
  assert.equal(life.ending?.kind, "finish", JSON.stringify(life.ending));
  return life.ending?.kind === "finish" ? life.ending.output : undefined;
};
const failing = (...items: readonly unknown[]) =>
  answering({ work: (item) => (items.includes(item) ? new Failure("no") : item) });
const options = (rest: "finish" | "stop", more: object = {}) => ({ enough: 2, rest, ...more });
const flowOf = (given: object) => drawn((list) => next(each.as("e")(list, (item: any) => work(item), given)));
const answer = (life: Life, ...items: readonly number[]) =>
  items.forEach((item) => life.answerAt(`e[${item}]/work`, answering()));

test("what follows begins when enough have completed, with their results in order and null for the others", () => {
  const life = Life.of(flowOf(options("finish")), ["a", "b", "c", "d"]);
  answer(life, 3);
  assert.ok(!life.asked.includes("execute next 1"));
  answer(life, 1);
  assert.deepEqual(life.asked, ["execute e[0]/work 1", "execute e[2]/work 1", "execute next 1"]);
  life.answerAt("next", answering());
  assert.equal(life.ending, undefined, "the run waits for the rest, which nobody hears");
  assert.deepEqual(finished(life.play(answering())), [null, "b", null, "d"]);
});

test("the rest is stopped: what is open is abandoned, and what was not begun never begins", () => {
  const life = Life.of(flowOf(options("stop", { concurrency: 3 })), ["a", "b", "c", "d"]);
  answer(life, 2, 0);
  assert.deepEqual(life.asked, ["abandon e[1]/work", "abandon e[3]/work", "execute next 1"]);
  assert.deepEqual(finished(life.play(answering())), ["a", null, "c", null]);
});

test("items that are finished unheard begin one after the other all the same", () => {
  const life = Life.of(flowOf(options("finish", { concurrency: 1 })), ["a", "b", "c", "d"]);
  answer(life, 0, 1);
  assert.deepEqual(life.asked, ["execute e[2]/work 1", "execute next 1"]);
  answer(life, 2);
  assert.deepEqual(finished(life.play(answering())), ["a", "b", null, null]);
});

test("as many as there are: all are waited for, as without `enough`", () => {
  const life = Life.of(flowOf(options("stop")), ["a", "b"]);
  answer(life, 1);
  assert.deepEqual(life.asked, ["execute e[0]/work 1"]);
  assert.deepEqual(finished(life.play(answering())), ["a", "b"]);
});

test("how many are enough may be a value, which the each waits for", () => {
  const flow = drawn((input) =>
    each.as("e")(input.list, (item: any) => work(item), { enough: more(input.n), rest: "stop" }),
  );
  const life = Life.of(flow, { list: ["a", "b"], n: 1 });
  assert.deepEqual(life.asked, ["execute more 1"]);
  life.answerAt("more", answering());
  answer(life, 1);
  assert.deepEqual(finished(life.play(answering())), [null, "b"]);
});

for (const [n, list, said] of [
  [0, [1, 2], /is given the number 0 as `enough`|is given 0 as `enough`/],
  [1.5, [1, 2], /as `enough`, which is no whole number from 1/],
  ["2", [1, 2], /as `enough`, which is no whole number from 1/],
  [3, [1, 2], /has 2 items, of which .*3 would be enough/],
  [1, [], /has 0 items/],
] as const) {
  test(`enough ${JSON.stringify(n)} of ${list.length} fails the each, and no item is worked on`, () => {
    const flow = drawn((input) =>
      each.as("e")(input.list, (item: any) => work(item), { enough: input.n, rest: "stop" }),
    );
    const life = Life.of(flow, { list, n });
    life.play(answering());
    assert.equal(life.ending?.kind, "fail");
    const { code, message } = life.ending.error;
    assert.equal(code, "EACH_INVALID");
    assert.match(message, said);
    assert.match(message, /no item was worked on/);
  });
}

test("an item that fails before enough have completed fails the each; one that fails later does not", () => {
  const early = Life.of(flowOf(options("finish")), ["a", "b", "c"]);
  early.answerAt("e[0]/work", failing("a"));
  early.play(answering());
  assert.equal(early.ending?.kind === "fail" && early.ending.error.node, "e[0]/work");

  const late = Life.of(flowOf(options("finish")), ["a", "b", "c"]);
  answer(late, 1, 2);
  assert.deepEqual(finished(late.play(failing("a"))), [null, "b", "c"]);
});

test("a retry has the item that failed go on, and joins at once if enough have completed meanwhile", () => {
  for (const rest of ["finish", "stop"] as const) {
    const life = Life.of(flowOf(options(rest)), ["a", "b", "c", "d"]);
    life.answerAt("e[0]/work", failing("a"));
    life.play(answering());
    assert.equal(life.ending?.kind, "fail");
    life.retry();
    const stays = rest === "finish" ? ["execute e[0]/work 2"] : [];
    assert.deepEqual(life.asked, [...stays, "execute next 1"]);
    assert.deepEqual(life.reloaded().asked, life.asked);
    assert.deepEqual(finished(life.play(answering())), [null, "b", "c", "d"]);
  }
});

test("of a collecting each those count that completed; it fails once too few are left, and a retry tries those that failed", () => {
  const flow = flowOf(options("stop", { onError: "collect" }));
  const life = Life.of(flow, ["a", "b", "c"]);
  life.answerAt("e[0]/work", failing("a"));
  answer(life, 1);
  life.answerAt("e[2]/work", failing("c"));
  assert.equal(life.ending?.kind, "fail");
  assert.equal(life.ending.error.code, "EACH_FAILED");
  assert.match(life.ending.error.message, /2 of 3 items of e failed, so that the 2 that are enough cannot complete/);
  life.retry();
  assert.deepEqual(life.asked, ["execute e[0]/work 2", "execute e[2]/work 2"]);
  answer(life, 2);
  assert.deepEqual(finished(life.play(answering())), [null, { ok: true, value: "b" }, { ok: true, value: "c" }]);
});

test("what failed before a collecting each has enough stands in its results; what fails later does not", () => {
  const life = Life.of(flowOf(options("finish", { onError: "collect" })), ["a", "b", "c", "d"]);
  life.answerAt("e[0]/work", failing("a"));
  answer(life, 2, 3);
  const [first, ...others] = finished(life.play(failing("b"))) as { ok: boolean }[];
  assert.equal(first?.ok, false);
  assert.deepEqual(others, [null, { ok: true, value: "c" }, { ok: true, value: "d" }]);
});

test("what sleeps, waits for a signal, for people or for a child is stopped at once, and its child is let go", () => {
  const flow = drawn(() =>
    next(
      each.as("e")(
        ["work", "sleep", "signal", "people", "child"],
        (task: any) =>
          match.as("m")(task, {
            work: () => work(task),
            sleep: () => sleep("30 days"),
            signal: () => waitFor("never"),
            people: () => approval({ ask: 1, show: (request: any) => more(request) }),
            child: () => call("child", 1),
          }),
        { enough: 1, rest: "stop" },
      ),
    ),
  );
  const life = Life.of(flow);
  for (const index of [0, 1, 2, 3, 4]) life.answerAt(`e[${index}]/m`, answering());
  life.answerAt("e[0]/m/work/work", answering());
  assert.deepEqual(life.asked, ["abandon e[3]/m/people/approval[0]/show/more", "execute next 1"]);
  assert.deepEqual(life.disowned, ["e[4]/m/child/call-child 1"]);
  assert.deepEqual(life.reloaded().asked, life.asked);
  assert.deepEqual(finished(life.play(answering())), ["work", null, null, null, null]);
});

test("an item that is not needed takes no signal: it is kept for whoever waits next", () => {
  const flow = drawn(() => {
    const raced = each.as("e")(
      [1, 2],
      (item: any) => match.as("m")(item, { 1: () => work(item), 2: () => waitFor("go"), otherwise: () => more(item) }),
      { enough: 1, rest: "stop" },
    );
    return after(raced, () => waitFor.as("later")("go"));
  });
  const life = Life.of(flow);
  for (const index of [0, 1]) life.answerAt(`e[${index}]/m`, answering());
  life.answerAt("e[0]/m/1/work", answering());
  life.signal("go", null, "for the later one");
  assert.equal(finished(life), "for the later one");
});

test("the scope around it waits for the rest: a round ends, and the next begins, when all items are over", () => {
  const flow = drawn(() =>
    repeat(
      0,
      (round: any) => {
        const heard = each.as("e")([1, 2, 3], (item: any) => work(item), { enough: 1, rest: "finish" });
        return derive(round, heard, (n: any) => n);
      },
      { until: (n: any) => gte(n, 2), max: 5 },
    ),
  );
  const life = Life.of(flow);
  const counting = { ...answering(), deriveOf: (_: string, [n]: readonly any[]) => n + 1 };
  life.answerAt("repeat[0]/e[1]/work", counting);
  life.answerAt("repeat[0]/derive-state-e", counting);
  assert.deepEqual(life.asked, ["execute repeat[0]/e[0]/work 1", "execute repeat[0]/e[2]/work 1"]);
  assert.equal(finished(life.play(counting)), 2);
});

test("a run that fails while the rest is under way waits for what is at work in it, and a retry has it go on", () => {
  const flow = drawn((list) =>
    next(each.as("e")(list, (item: any) => more(work(item)), options("finish", { concurrency: 3 }))),
  );
  const life = Life.of(flow, ["a", "b", "c", "d"]);
  for (const item of [0, 1]) {
    life.answerAt(`e[${item}]/work`, answering());
    life.answerAt(`e[${item}]/more`, answering());
  }
  life.answerAt("next", answering({ next: () => new Failure("no") }));
  assert.deepEqual(life.asked, ["execute e[2]/work 1", "execute e[3]/work 1"]);
  life.play(answering());
  assert.equal(life.ending?.kind, "fail");
  life.retry();
  assert.deepEqual(life.asked, ["execute e[2]/more 1", "execute e[3]/more 1", "execute next 2"]);
  assert.deepEqual(finished(life.play(answering())), ["a", "b", null, null]);
});

test("a run that is cancelled while the rest is under way abandons it, and a retry has it go on", () => {
  const life = Life.of(flowOf(options("finish", { concurrency: 2 })), ["a", "b", "c", "d"]);
  answer(life, 0, 1);
  life.cancel();
  assert.deepEqual(life.asked, ["abandon e[2]/work", "abandon e[3]/work", "abandon next"]);
  life.play(answering());
  assert.equal(life.ending?.kind, "cancel");
  life.retry();
  assert.deepEqual(finished(life.play(answering())), ["a", "b", null, null]);
});

interface Race {
  readonly items: number;
  readonly enough: number;
  readonly rest: "finish" | "stop";
  readonly concurrency: number;
  readonly steps: number;
  readonly seed: number;
}
const races = fc
  .record({
    items: fc.integer({ min: 1, max: 7 }),
    part: fc.integer({ min: 1, max: 7 }),
    rest: fc.constantFrom("finish" as const, "stop" as const),
    concurrency: fc.integer({ min: 1, max: 4 }),
    steps: fc.integer({ min: 1, max: 3 }),
    seed: fc.integer({ min: 1, max: 1_000_000 }),
  })
  .map(({ part, ...race }): Race => ({ ...race, enough: Math.min(part, race.items) }));

test("in any order, loaded anew at any time: the first to complete are heard, what follows runs once, behind them", () => {
  fc.assert(
    fc.property(races, ({ items, enough, rest, concurrency, steps, seed }) => {
      const flow = drawn((list) => {
        const body = (item: any) => {
          let value = item;
          for (let step = 0; step < steps; step++) value = work.as(`work-${step}`)(value);
          return value;
        };
        return next(each.as("e")(list, body, { enough, rest, concurrency }));
      });
      const random = seededRandom(seed);
      let life = Life.of(
        flow,
        Array.from({ length: items }, (_, index) => index),
      );
      while (life.open.length > 0) {
        life.answer(life.open[Math.floor(random() * life.open.length)]!, answering());
        const reloaded = life.reloaded();
        assert.deepEqual(reloaded.asked, life.asked);
        if (random() < 0.3) life = reloaded;
      }
      const done = life.entries.flatMap((entry) => (entry.kind === "done" ? [entry.node] : []));
      const completed = done.filter((node) => node.endsWith(`/work-${steps - 1}`)).map((node) => Number(node[2]));
      const heard = completed.slice(0, enough);
      const expected = Array.from({ length: items }, (_, index) => (heard.includes(index) ? index : null));
      assert.deepEqual(finished(life), expected);
      assert.equal(done.filter((node) => node === "next").length, 1);
      assert.ok(done.indexOf("next") > done.indexOf(`e[${heard.at(-1)}]/work-${steps - 1}`));
      if (rest === "finish") assert.equal(completed.length, items);
      else assert.equal(completed.length, enough);
    }),
    { numRuns: 400 },
  );
});
