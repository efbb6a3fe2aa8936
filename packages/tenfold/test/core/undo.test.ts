/** Laws of undoing, case by case: what is undone when, and what a cancel, a retry or a signal changes meanwhile. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bornOf } from "../../src/core/state.ts";
import { answering, drawn, Failure, Life, stepNamed, untyped } from "./life.ts";

const { after, approval, attempt, call, each, repeat, eq, sleep, step, waitFor } = untyped;
const undoable = (name: string): any => step(name, { run: (given: unknown) => given, undo: () => {} });
const one = undoable("one");
const two = undoable("two");
const bad = stepNamed("bad");
const failing = answering({ bad: () => new Failure("no") });

const errorOf = (life: Life): any => (life.ending?.kind === "fail" ? life.ending.error : undefined);
const undone = (life: Life) => life.entries.flatMap((entry) => (entry.kind === "undone" ? [entry.node] : []));
const same = (life: Life): void => assert.deepEqual(life.reloaded().asked, life.asked);

test("what used a result is undone before what made it; what uses nothing of each other at once; the run fails after all of it", () => {
  const life = Life.of(
    drawn((n) => bad({ a: two.as("a")(one(n)), b: two.as("b")(n) })),
    1,
  );
  life.answerAt("one", failing);
  life.answerAt("a", failing);
  life.answerAt("b", failing);
  life.answerAt("bad", failing);
  assert.deepEqual(life.asked, ["undo a 1"]);
  same(life);
  assert.equal(life.ending, undefined);
  life.answerAt("a", failing);
  assert.deepEqual(life.asked, ["undo b 1", "undo one 1"]);
  life.play(failing);
  assert.deepEqual(errorOf(life).undo, { undone: 3, failed: 0, nodes: [] });
});

test("items are undone side by side, rounds one after the other, last to first", () => {
  const items = Life.of(drawn((list) => bad(each(list, (n: any) => two(one(n))))), [1, 2]).play(answering({ bad: () => new Failure("no") }), (count) => count - 1); // prettier-ignore
  assert.deepEqual(undone(items).map((path) => path.split("/")[1]), ["two", "two", "one", "one"]); // prettier-ignore
  const rounds = Life.of(drawn((n) => bad(repeat(n, (state: any) => one(state), { until: (state: any) => eq(state, 9), max: 3, onMax: "last" }))), 1).play(failing); // prettier-ignore
  assert.deepEqual(undone(rounds), ["repeat[2]/one", "repeat[1]/one", "repeat[0]/one"]);
});

test("a failed item of a collecting each is not undone by itself; a failing run undoes what finished in it too", () => {
  const flow = drawn((list) => {
    const items = each(list, (n: any) => bad.as("inner")(one(n)), { onError: "collect" });
    return bad.as("last")(items);
  });
  const life = Life.of(flow, [1, 2]);
  const answers = answering({ bad: (_input, path) => (path === "last" || path === "each-input[0]/inner" ? new Failure("no") : 1) }); // prettier-ignore
  while (life.open.length > 0 && !life.asked.includes("execute last 1")) life.answer(life.open[0]!, answers);
  assert.deepEqual(undone(life), []);
  life.play(answers);
  assert.deepEqual(undone(life).toSorted(), ["each-input[0]/one", "each-input[1]/one"]);
});

test("what failed for good after its body was called is undone too; what was refused before is not", () => {
  const flow = drawn((n) => one(n));
  const called = Life.of(flow, 1);
  called.open = [];
  called.record({ kind: "failed", node: "one", at: 1, attempt: 1, error: { code: "X", message: "x", node: "one", attempt: 1 }, retryAt: null, tookMs: 1 }); // prettier-ignore
  assert.deepEqual(called.asked, ["undo one 1"]);
  const refused = Life.of(flow, 1);
  refused.open = [];
  refused.record({ kind: "failed", node: "one", at: 1, attempt: 1, error: { code: "X", message: "x", node: "one", attempt: 1 }, retryAt: null, tookMs: 1, uncalled: true }); // prettier-ignore
  assert.equal(errorOf(refused).code, "X");
});

test("what had been done, and comes again under its key from a node, stands until it is undone, also if it is turned away", () => {
  for (const newKeys of [false, true]) {
    const life = Life.of(
      drawn((n) => bad(one(n))),
      1,
    );
    life.answerAt("one", failing);
    life.cancel();
    life.play(failing);
    life.retry("r1", { from: "one", ...(newKeys ? { newKeys: true } : {}) });
    life.open = [];
    life.record({ kind: "failed", node: "one", at: 9, attempt: 1, error: { code: "X", message: "x", node: "one", attempt: 1 }, retryAt: null, tookMs: 1, uncalled: true }); // prettier-ignore
    same(life);
    assert.deepEqual(life.asked, newKeys ? [] : ["undo one 1"]);
    const { place } = life.open[0] ?? {};
    assert.equal(place?.frame.outputs[place.node.local], newKeys ? undefined : 1);
  }
});

test("a retry and a cancel that come while the run is undone change nothing of that; cancelled, it ends as that", () => {
  const life = Life.of(
    drawn((n) => bad(two(one(n)))),
    1,
  );
  for (const path of ["one", "two", "bad"]) life.answerAt(path, failing);
  life.retry();
  assert.deepEqual(life.asked, ["undo two 1"]);
  life.cancel();
  assert.deepEqual(life.asked, ["undo two 1"]);
  same(life);
  life.play(failing);
  assert.deepEqual(life.endings.at(-1), { kind: "cancel", reason: "no longer wanted", undo: { undone: 2, failed: 0, nodes: [] } }); // prettier-ignore
  life.retry("r2");
  assert.deepEqual(life.asked, ["execute one 1"]);
  life.play(answering());
  assert.equal(life.ending?.kind, "finish");
});

test("a run that is cancelled before a body that has failed is undone leaves it as it is; retried, the body is tried again", () => {
  const flow = drawn((n) => attempt(() => ({ a: one(n), b: bad(n), c: two(n) }), () => "caught")); // prettier-ignore
  const life = Life.of(flow, 1);
  life.answerAt("attempt/body/one", failing);
  life.answerAt("attempt/body/bad", failing);
  life.cancel();
  life.play(failing);
  assert.equal(life.ending?.kind, "cancel");
  assert.deepEqual(undone(life), []);
  life.retry();
  same(life);
  assert.deepEqual(life.asked, ["execute attempt/body/bad 2", "execute attempt/body/two 1"]);
  assert.deepEqual((life.play(answering()).ending as any).output, { a: 1, b: 1, c: 1 });
});

test("an attempt whose body cannot be undone fails; a retry undoes it first, and then the body runs again", () => {
  const flow = drawn((n) => attempt(() => bad(one(n)), () => "caught")); // prettier-ignore
  const life = Life.of(flow, 1);
  life.play({ ...failing, undoOf: () => ({ error: "stuck" }) });
  assert.equal(errorOf(life).code, "UNDO_INCOMPLETE");
  assert.deepEqual(errorOf(life).undo, { undone: 0, failed: 1, nodes: ["attempt/body/one"] });
  life.retry();
  same(life);
  assert.deepEqual(life.asked, ["undo attempt/body/one 2"]);
  life.answerAt("attempt/body/one", failing);
  assert.deepEqual(life.asked, ["execute attempt/body/one 1"]);
  assert.equal((life.play(answering()).ending as any).output, 1);
});

test("what waited for a signal, or for a child, and is done again waits for another one", () => {
  const flow = drawn((n) => {
    const first = one(n);
    const paid = after(first, () => waitFor("paid"));
    const got = call("child", first);
    return bad({ paid, got });
  });
  const life = Life.of(flow, 1);
  life.answerAt("one", failing);
  life.signal("paid", null, 7, "s1");
  life.record({ kind: "called", node: "call-child", at: 5, attempt: 1, child: "c1" });
  life.returns("call-child", 1, { output: 8 });
  life.play(failing);
  life.retry();
  life.answerAt("one", answering());
  assert.ok(life.asked.includes("sleep wait-paid"));
  const asked = life.asked.find((text) => text.startsWith("call call-child"))!;
  const number = Number(asked.split(" ")[2]);
  assert.ok(number > 1, "its attempts are none that there were");
  life.returns("call-child", 1, { output: 666 }, "late");
  same(life);
  assert.ok(life.asked.includes(asked), "what belongs to the former child changes nothing");
  life.returns("call-child", number, { output: 9 });
  life.signal("paid", null, 10, "s2");
  life.play(answering());
  assert.deepEqual((life.ending as any).output, { paid: 10, got: 9 });
});

test("what sleeps when its run is undone sleeps on, and is done again only if what it waited for is", () => {
  const flow = drawn((n) => ({ slow: sleep("1h"), late: bad(one(n)) }));
  const life = Life.of(flow, 1);
  for (const path of ["one", "bad", "one"]) life.answerAt(path, failing);
  assert.equal(errorOf(life).undo.undone, 1);
  life.retry();
  assert.deepEqual(life.asked, ["execute one 1", "sleep sleep-1h"]); // prettier-ignore
});

test("an approval that is asked anew takes no decision on the former request", () => {
  const life = Life.of(
    drawn((n) => bad(approval({ ask: one(n) }).outcome)),
    1,
  );
  life.answerAt("one", failing);
  life.decide("approval", "approved", "kim", "d1");
  life.play(failing);
  life.retry();
  life.answerAt("one", answering());
  life.decide("approval", "refused", "kim", "d2", 0);
  assert.ok(life.asked.includes("sleep approval"));
  life.decide("approval", "approved", "kim", "d3");
  assert.equal((life.play(answering()).ending as any).output, "approved");
});

test("a path and its generation never come twice, however often a run is undone or goes on from a node", () => {
  const flow = drawn((list) => bad(each(list, (n: any) => repeat(one(n), (state: any) => two(state), { until: (state: any) => eq(state, 9), max: 2, onMax: "last" })))); // prettier-ignore
  let life = Life.of(flow, [1, 2]);
  const seen = new Set<string>();
  for (let time = 0; time < 4; time++) {
    while (life.open.length > 0) {
      const command = life.open[0]!;
      if (command.kind === "execute" && command.place.node.node.id !== "bad") {
        const { generation } = bornOf(command.place.frame, command.place.node.local);
        const name = `${life.pathOf(command.place)} ${generation}`;
        assert.ok(!seen.has(name), name);
        seen.add(name);
      }
      life.answer(command, failing);
    }
    assert.equal(life.ending?.kind, "fail");
    if (time % 2 === 1) life = life.reloaded();
    life.retry(`r${time}`, time === 2 ? { from: "each-input[1]/one" } : {});
  }
  assert.ok(seen.size > 12);
});
