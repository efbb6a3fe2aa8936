/** Laws of signals: each goes to one node, in order; early ones are kept; nothing that fails or is cancelled takes one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answering, drawn, Life, stepNamed, untyped } from "./life.ts";

const { after, derive, each, gte, repeat, waitFor } = untyped;
const work = stepNamed("work");
const never = { stepOf: () => ({ error: "no", retryAt: null }), deriveOf: () => null };

const outputOf = (life: Life) => (life.ending?.kind === "finish" ? life.ending.output : undefined);

test("a signal ends the wait for it, with what it carries", () => {
  const life = Life.of(drawn(() => waitFor("paid")));
  assert.deepEqual(life.asked, ["sleep wait-paid"]);
  life.signal("shipped", null, 1);
  assert.equal(life.ending, undefined);
  life.signal("paid", null, { euro: 5 });
  assert.deepEqual(outputOf(life), { euro: 5 });
});

test("one that comes before it is waited for is kept, and received at once", () => {
  const life = Life.of(drawn((input) => after(work(input), () => waitFor("paid"))));
  life.signal("paid", null, 7);
  assert.deepEqual(life.asked, ["execute work 1"]);
  life.play(answering());
  assert.equal(outputOf(life), 7);
  assert.equal(life.entries.length, 2);
});

test("the first that came goes to the node that has waited longest, and each to one", () => {
  const life = Life.of(drawn(() => ({ one: waitFor.as("one")("paid"), two: waitFor.as("two")("paid") })));
  life.signal("paid", null, 1);
  assert.deepEqual(life.asked, ["sleep two"]);
  life.signal("paid", null, 2);
  assert.deepEqual(outputOf(life), { one: 1, two: 2 });
});

test("what is sent twice under one key counts once", () => {
  const life = Life.of(drawn(() => ({ one: waitFor.as("one")("paid"), two: waitFor.as("two")("paid") })));
  life.signal("paid", null, 1, "m");
  life.signal("paid", null, 2, "m");
  assert.deepEqual(life.asked, ["sleep two"]);
});

test("a signal that is for one thing is taken by the wait for that, a number as its text", () => {
  const life = Life.of(
    drawn((input) => each(input, (item: unknown) => waitFor("delivered", { for: item }))),
    ["p1", 2],
  );
  life.signal("delivered", null, "nobody's");
  life.signal("delivered", "2", "second");
  assert.deepEqual(life.asked, ["sleep each-input[0]/wait-delivered"]);
  life.signal("delivered", "p1", "first");
  assert.deepEqual(outputOf(life), ["first", "second"]);
});

test("a wait for what is neither text nor number fails its node, and says so", () => {
  const life = Life.of(
    drawn((input) => waitFor("delivered", { for: input.parcel })),
    {},
  );
  life.play(answering());
  assert.equal(life.ending?.kind, "fail");
  assert.match(
    life.ending?.kind === "fail" ? life.ending.error.message : "",
    /wait-delivered.*undefined.*text or a number/,
  );
});

test("where none comes in time, `otherwise` is drawn; one that comes later is nobody's", () => {
  const life = Life.of(
    drawn((input) => waitFor("paid", { timeout: "1h", otherwise: () => work(input) })),
    "late",
  );
  const from = life.at;
  life.play(answering());
  assert.deepEqual(life.entries.map(({ kind }) => kind), ["timed-out", "done"]); // prettier-ignore
  assert.ok(life.at >= from + 3_600_000);
  assert.equal(outputOf(life), "late");
});

test("without `otherwise` the node fails; retried, it waits as long again, from then on", () => {
  const life = Life.of(drawn(() => waitFor("paid", { timeout: "1h" })));
  life.play(answering());
  assert.equal(life.ending?.kind === "fail" ? life.ending.error.code : "", "SIGNAL_TIMED_OUT");
  life.at += 50_000_000;
  life.retry();
  const [wait] = life.open;
  assert.equal(wait?.kind === "sleep" ? wait.until : 0, life.at + 3_600_000);
  assert.deepEqual(life.reloaded().open.map((open) => "until" in open && open.until), [life.at + 3_600_000]); // prettier-ignore
  life.signal("paid", null, 3);
  assert.equal(outputOf(life), 3);
});

test("a run that fails or is cancelled ends without its waits; what came meanwhile is received once it is retried", () => {
  for (const end of [(life: Life) => life.answerAt("work", never), (life: Life) => life.cancel()]) {
    const life = Life.of(
      drawn((input) => ({ worked: work(input), paid: waitFor("paid") })),
      1,
    );
    end(life);
    if (life.ending === undefined) life.answerAt("work", never);
    assert.notEqual(life.ending, undefined);
    life.signal("paid", null, 9);
    assert.equal(life.endings.length, 1);
    const reloaded = life.reloaded();
    for (const each of [life, reloaded]) {
      each.retry();
      assert.deepEqual(each.asked, ["execute work 2"].slice(each.asked[0]?.endsWith("1") ? 1 : 0).concat(each.asked[0]?.endsWith("1") ? ["execute work 1"] : [])); // prettier-ignore
      each.play(answering());
      assert.deepEqual(outputOf(each), { worked: 1, paid: 9 });
    }
  }
});

test("a wait in an item that was given up takes no signal from one that still waits", () => {
  const flow = drawn((input) =>
    each(input, (item: any) => ({ worked: work(item), paid: waitFor("paid") }), { onError: "collect" }),
  );
  const life = Life.of(flow, ["bad", "good"]);
  life.answerAt("each-input[0]/work", never);
  life.signal("paid", null, "once");
  life.play(answering());
  assert.deepEqual((outputOf(life) as { ok: boolean }[]).map(({ ok }) => ok), [false, true]); // prettier-ignore
});

test("ten thousand waits for one signal, and as many signals, cost their number", () => {
  const life = Life.of(
    drawn((input) => each(input, () => waitFor("paid"))),
    Array.from({ length: 10_000 }, () => 0),
  );
  for (let index = 0; index < 10_000; index++)
    life.record({ kind: "signalled", at: 1, message: `m${index}`, signal: "paid", for: null, payload: index });
  assert.equal((outputOf(life) as number[]).length, 10_000);
  assert.equal((outputOf(life) as number[])[9_999], 9_999);
});

/** How many places are kept of nodes that wait, or did. */
const placesOf = (life: Life): number =>
  [...life.state.signals!.waiting.values()].reduce((sum, { places }) => sum + places.length, 0);

test("a loop that waits in vain each time leaves nothing of that in memory, for one thing or for another", () => {
  for (const isForOne of [true, false]) {
    const vain = (n: unknown) =>
      waitFor("paid", { timeout: "1h", otherwise: () => work(n), ...(isForOne ? {} : { for: n }) });
    const round = (n: unknown) => after(vain(n), () => derive(n, (count: number) => count + 1));
    const life = Life.of(drawn(() => repeat(0, round, { until: (n: unknown) => gte(n, 2000), max: 2000 })));
    let most = 0;
    const deriveOf = (_node: string, [n]: readonly any[]) => {
      most = Math.max(most, placesOf(life));
      return n + 1;
    };
    life.play({ ...answering(), deriveOf });
    assert.equal(outputOf(life), 2000);
    assert.ok(most <= 32, `${most} places`);
  }
});

test("of many waits that were in vain, nothing is left once a signal finds nobody", () => {
  const flow = drawn((input) =>
    each(input, () => waitFor("paid", { timeout: "1h", otherwise: () => waitFor("shipped") })),
  );
  const life = Life.of(flow, [...Array(100).keys()]);
  for (const command of life.open.toReversed()) life.answer(command, answering());
  assert.ok(placesOf(life) >= 100);
  life.signal("paid", null, "nobody's");
  assert.equal(placesOf(life), 100, "those that wait for the other signal");
});

test("a wait that was in vain and is retried waits behind those that waited on", () => {
  const life = Life.of(
    drawn(() => ({ short: waitFor.as("short")("paid", { timeout: "1h" }), long: waitFor.as("long")("paid") })),
  );
  life.at += 3_600_000;
  life.record({ kind: "timed-out", node: "short", at: life.at });
  assert.equal(life.ending?.kind, "fail");
  life.retry();
  life.signal("paid", null, "first");
  assert.deepEqual(life.asked, ["sleep short"]);
  life.signal("paid", null, "second");
  assert.deepEqual(outputOf(life), { short: "second", long: "first" });
});
