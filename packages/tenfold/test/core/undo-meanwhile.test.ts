/** Laws of undoing where something else comes in between: a failure inside of what is undone, a retry of what goes on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { keyAt } from "../../src/core/marks.ts";
import { placesFrom } from "../../src/core/retry-from.ts";
import { placeAt } from "../../src/core/path.ts";
import { answering, drawn, Failure, Life, stepNamed, untyped } from "./life.ts";

const { attempt, each, step, waitFor } = untyped;
const undoable = (name: string): any => step(name, { run: (given: unknown) => given, undo: () => {} });
const [one, two] = [undoable("one"), undoable("two")];
const bad = stepNamed("bad");
const failing = answering({ bad: () => new Failure("no") });
const stuck = { ...failing, undoOf: () => ({ error: "stuck" }) };

const undone = (life: Life) => life.entries.flatMap((entry) => (entry.kind === "undone" ? [entry.node] : []));
const same = (life: Life): void => assert.deepEqual(life.reloaded().asked, life.asked);
const keyOf = (life: Life, path: string) => keyAt(life.state, path, placeAt(life.state, path)!);

test("a body that fails while its run is undone is undone with that, once; retried, it is tried again", () => {
  const flow = drawn((n) => {
    const body = attempt(() => ({ a: one(n), b: waitFor("go", { timeout: "1h" }) }), () => "caught"); // prettier-ignore
    return { body, c: bad(two(n)) };
  });
  const life = Life.of(flow, 1);
  for (const path of ["two", "attempt/body/one", "bad"]) life.answerAt(path, failing);
  assert.deepEqual(life.asked, ["sleep attempt/body/wait-go", "undo attempt/body/one 1", "undo two 1"]);
  life.answerAt("attempt/body/wait-go", failing);
  assert.deepEqual(life.asked, ["undo attempt/body/one 1", "undo two 1"]);
  same(life);
  life.play(failing);
  assert.deepEqual(undone(life).toSorted(), ["attempt/body/one", "two"]);
  life.retry();
  assert.deepEqual(life.asked, ["execute attempt/body/one 1", "execute two 1", "sleep attempt/body/wait-go"]);
  same(life);
  life.signal("go", null, 5);
  assert.deepEqual((life.play(answering()).ending as any).output, { body: { a: 1, b: 5 }, c: 1 });
});

test("what is around a body that is being undone is not begun anew before that is over", () => {
  const life = Life.of(drawn((n) => ({ a: attempt(() => bad(one(n)), () => "caught"), b: two(n) })), 1); // prettier-ignore
  for (const path of ["attempt/body/one", "attempt/body/bad"]) life.answerAt(path, failing);
  for (const from of ["attempt", "two", "attempt/body/one"])
    assert.match(placesFrom(life.state, from).problem?.message ?? "", /not undone yet/, from);
});

test("a retry changes nothing of a run that has not stopped, whatever in it could not be undone", () => {
  const body = (n: any) => attempt(() => bad(one(n)), () => "caught"); // prettier-ignore
  const both = (list: any) => each.as("e")(list, body, { onError: "collect", enough: 2, rest: "finish" });
  const life = Life.of(drawn((list) => attempt.as("all")(() => both(list), () => "too few")), [1, 2]); // prettier-ignore
  for (const node of ["one", "bad", "one"]) life.answerAt(`all/body/e[0]/attempt/body/${node}`, stuck);
  life.retry();
  assert.deepEqual(life.asked, ["execute all/body/e[1]/attempt/body/one 1"]);
  same(life);
  life.play(answering());
  assert.equal((life.ending as any)?.error?.code, "UNDO_INCOMPLETE");
  life.retry("r2");
  assert.deepEqual((life.play(answering()).ending as any).output, [
    { ok: true, value: 1 },
    { ok: true, value: 2 },
  ]);
});

test("a run that has completed stays so if a retry comes before that is written, whatever in it could not be undone", () => {
  const body = (n: any) => attempt(() => bad(one(n)), () => "caught"); // prettier-ignore
  const life = Life.of(
    drawn((list) => each.as("e")(list, body, { onError: "collect" })),
    [1],
  ).play(stuck);
  assert.equal((life.ending as any).output[0].error.code, "UNDO_INCOMPLETE");
  life.retry();
  assert.equal(life.ending?.kind, "finish");
});

test("a body that was undone, and is begun anew from a node, has keys that none of it was undone under", () => {
  const body = (n: any) => attempt(() => bad(one(n)), () => "caught"); // prettier-ignore
  for (const from of ["e", "e/attempt"]) {
    const life = Life.of(drawn((list) => ({ e: each.as("e")(list, body), b: bad.as("last")(two(1)) })), [1]); // prettier-ignore
    life.play(failing);
    assert.deepEqual(undone(life), ["e[0]/attempt/body/one", "two"]);
    life.retry("r1", { from });
    assert.equal(keyOf(life, "e[0]/attempt/body/one"), 1);
    assert.equal(keyOf(life.reloaded(), "e[0]/attempt/body/one"), 1);
  }
});

test("from a node of a body that was undone nothing can go on, and the way out is told", () => {
  const life = Life.of(drawn((n) => ({ a: attempt(() => bad(one(n)), () => two(n)), b: bad.as("last")(n) })), 1).play(failing); // prettier-ignore
  const { problem } = placesFrom(life.state, "attempt/body/one");
  assert.match(
    problem?.message ?? "",
    /^the body of "attempt" has failed, .*; nothing was changed\. Retry it from "attempt"/,
  );
  assert.equal(placesFrom(life.state, "attempt/catch/two").problem, null);
  const early = Life.of(drawn((n) => attempt(() => bad(one(n)), () => two(n))), 1); // prettier-ignore
  assert.match(placesFrom(early.state, "attempt/catch/two").problem?.message ?? "", /^it never came to/);
});
