/** Laws of each: order, concurrency, errors, empty lists, and items that use nodes outside of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../src/value/random.ts";
import { answering, drawn, Failure, Life, stepNamed, untyped } from "./life.ts";

const { derive, each, gte, match, when } = untyped;
const work = stepNamed("work");
const other = stepNamed("other");

const finished = (life: Life): unknown => {
  assert.equal(life.endings.length, 1);
  assert.equal(life.ending?.kind, "finish", JSON.stringify(life.ending));
  return life.ending?.kind === "finish" ? life.ending.output : undefined;
};
const failedAt = (life: Life): string => {
  assert.equal(life.endings.length, 1, `ended ${life.endings.length} times`);
  assert.equal(life.ending?.kind, "fail", JSON.stringify(life.ending));
  return life.ending?.kind === "fail" ? `${life.ending.error.code} ${life.ending.error.node}` : "";
};

test("results stand in the order of the items, in whatever order the items are done", () => {
  const flow = drawn((list) => each(list, (item: any) => work(item)));
  const random = seededRandom(3);
  const items = Array.from({ length: 40 }, (_, index) => index);
  const life = Life.of(flow, items).play(answering({ work: (item) => item * 10 }), (count) =>
    Math.floor(random() * count),
  );
  assert.deepEqual(
    finished(life),
    items.map((item) => item * 10),
  );
});

test("no more items are open than `concurrency`, and the next opens when one is done", () => {
  const life = Life.of(
    drawn((list) => each(list, (item: any) => other(work(item)), { concurrency: 3 })),
    [1, 2, 3, 4, 5, 6, 7],
  );
  const seen: number[] = [];
  while (life.open.length > 0) {
    seen.push(life.open.length);
    life.answer(life.open.at(-1)!, answering());
  }
  assert.deepEqual(new Set(seen.slice(0, 10)), new Set([3]));
  assert.deepEqual(finished(life), [1, 2, 3, 4, 5, 6, 7]);
});

for (const options of [{}, { concurrency: 2 }, { onError: "collect" }] as any[]) {
  test(`an empty list is done at once, and what waits for it starts (${JSON.stringify(options)})`, () => {
    const flow = drawn((list) => work(each(list, (item: any) => other(item), options)));
    const life = Life.of(flow, []);
    assert.deepEqual(life.asked, ["execute work 1"]);
    assert.deepEqual(finished(life.play(answering())), []);
  });
}

test("an each whose body draws nothing is done at once, and its results are the body's", () => {
  const life = Life.of(
    drawn((list) => each(list, (item: any) => ({ item, n: 1 }), { concurrency: 1 })),
    ["a", "b"],
  );
  assert.deepEqual(finished(life), [
    { item: "a", n: 1 },
    { item: "b", n: 1 },
  ]);
});

test("`collect` says of each item whether it failed; the items after it are worked on all the same", () => {
  const flow = drawn((list) => each(list, (item: any) => other(work(item)), { onError: "collect", concurrency: 1 }));
  const life = Life.of(flow, [1, 2, 3]);
  life.play(answering({ work: (item) => (item === 2 ? new Failure("no stock") : item) }));
  const [first, second, third] = finished(life) as { ok: boolean; value?: number; error?: Record<string, unknown> }[];
  assert.deepEqual(
    [first, third],
    [
      { ok: true, value: 1 },
      { ok: true, value: 3 },
    ],
  );
  assert.deepEqual(second, {
    ok: false,
    error: { code: "STEP_FAILED", message: "no stock", node: "each-input[1]/work" },
  });
});

test("a result that is nothing is null in the list, collected or not", () => {
  const nothing = answering({ work: () => undefined });
  const flow = (options: object) => drawn((list) => each(list, (item: any) => work(item), options));
  assert.deepEqual(finished(Life.of(flow({}), [1]).play(nothing)), [null]);
  assert.deepEqual(finished(Life.of(flow({ onError: "collect" }), [1]).play(nothing)), [{ ok: true, value: null }]);
});

test("without `collect` a failed item fails the run, once the open items are done; items not begun never begin", () => {
  const flow = drawn((list) => each(list, (item: any) => work(item), { concurrency: 2 }));
  const life = Life.of(flow, [1, 2, 3, 4]);
  const answers = answering({ work: (item) => (item === 1 ? new Failure("no stock") : item) });
  life.answerAt("each-input[0]/work", answers);
  assert.deepEqual(life.asked, ["execute each-input[1]/work 1"]);
  life.answerAt("each-input[1]/work", answers);
  assert.equal(failedAt(life), "STEP_FAILED each-input[0]/work");
});

test("an item waits for an outer node that finishes later, whether it began before or after", () => {
  const flow = drawn((input) => {
    const slow = other(input.n);
    return each(input.list, (item: any) => work({ item, slow, first: work.as("first")(item) }), { concurrency: 2 });
  });
  const life = Life.of(flow, { n: 9, list: ["a", "b", "c"] });
  life.answerAt("each-list[0]/first", answering());
  assert.ok(!life.asked.includes("execute each-list[0]/work 1"), "it starts before its outer node is done");
  life.answerAt("other", answering());
  assert.ok(life.asked.includes("execute each-list[0]/work 1"), "it starts when its outer node is done");
  assert.deepEqual(
    (finished(life.play(answering())) as { item: string; slow: number }[]).map(({ item, slow }) => `${item}${slow}`),
    ["a9", "b9", "c9"],
  );
});

test("an item's result that is only an outer node's waits for that node", () => {
  const life = Life.of(
    drawn((input) => {
      const slow = other(input.n);
      return each(input.list, () => slow, { concurrency: 1 });
    }),
    { n: 9, list: [1, 2, 3] },
  );
  assert.deepEqual(life.asked, ["execute other 1"]);
  assert.deepEqual(finished(life.play(answering())), [9, 9, 9]);
});

test("each in each and match in each: results keep their order and place", () => {
  const flow = drawn((orders) =>
    each(orders, (order: any) => ({
      lines: each.as("lines")(order.lines, (line: any) =>
        match(line.kind, { book: () => work({ book: line.id }), otherwise: () => other({ thing: line.id }) }),
      ),
      big: when(gte(order.total, 10), () => work.as("big")(order.total)),
    })),
  );
  const life = Life.of(flow, [
    { total: 5, lines: [{ kind: "book", id: 1 }] },
    { total: 50, lines: [{ kind: "pen", id: 2 }, { kind: "book", id: 3 }] }, // prettier-ignore
    { total: 10, lines: [] },
  ]);
  assert.deepEqual(finished(life.play(answering(), (count) => count - 1)), [
    { lines: [{ book: 1 }] },
    { lines: [{ thing: 2 }, { book: 3 }], big: 50 },
    { lines: [], big: 10 },
  ]);
});

for (const given of ["text", 7, null, { a: 1 }, true]) {
  test(`${JSON.stringify(given)} where a list belongs fails the each, and no item is worked on`, () => {
    const life = Life.of(
      drawn((input) => each(input.list, (item: any) => work(item))),
      { list: given },
    );
    assert.equal(failedAt(life.play(answering())), "EACH_INVALID each-list");
  });
}

test("an item whose result cannot be computed fails the each, and the run ends when the other items are done", () => {
  const flow = drawn((list) => each(list, (item: any) => ({ done: work(item), big: gte(item.n, 5) })));
  const life = Life.of(flow, [{ n: "five" }, { n: 7 }, { n: 8 }]);
  life.answerAt("each-input[0]/work", answering());
  assert.equal(life.ending, undefined, "siblings are open still");
  life.play(answering());
  assert.equal(failedAt(life), "EXPRESSION_INVALID each-input");
});

test("with `collect`, an item whose result cannot be computed is that item's error", () => {
  const flow = drawn((list) => each(list, (item: any) => ({ big: gte(item.n, 5) }), { onError: "collect" }));
  const [bad, good] = finished(Life.of(flow, [{ n: "five" }, { n: 7 }])) as { ok: boolean; error?: { code: string } }[];
  assert.equal(bad?.error?.code, "EXPRESSION_INVALID");
  assert.deepEqual(good, { ok: true, value: { big: true } });
});

test("an item that begins while an outer node's end is being told is not told of it twice", () => {
  const flow = drawn((input) => {
    const outer = other(input);
    const orders = each.as("orders")(input.orders, (order: any) => order);
    return each.as("all")(
      orders,
      (order: any) => ({
        first: each.as("first")(order.first, () => each.as("none")(outer.none, (item: any) => item)),
        second: each.as("second")(order.second, (item: any) => work({ item, outer: outer.n })),
      }),
      { concurrency: 1 },
    );
  });
  const life = Life.of(flow, {
    n: 1,
    none: [],
    orders: [
      { first: [1], second: [] },
      { first: [1], second: ["x", "y"] },
    ],
  });
  life.answerAt("other", answering());
  assert.deepEqual(life.asked, ["execute all[1]/second[0]/work 1", "execute all[1]/second[1]/work 1"]);
  assert.deepEqual(finished(life.play(answering())), [
    { first: [[]], second: [] },
    { first: [[]], second: [{ item: "x", outer: 1 }, { item: "y", outer: 1 }] }, // prettier-ignore
  ]);
});

test("a derive's list is spread as it was journaled", () => {
  const flow = drawn((input) =>
    each(
      derive(input, (n: any) => [n]),
      (item: any) => work(item),
    ),
  );
  const life = Life.of(flow, 3);
  life.answer(life.open[0]!, { ...answering(), deriveOf: () => [4, 5] });
  assert.deepEqual(finished(life.play(answering())), [4, 5]);
});
