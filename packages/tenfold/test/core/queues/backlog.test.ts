/** Laws of who is too many in a queue: random comings and goings beside a model that knows all of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import * as backlogs from "../../../src/core/queues/backlog.ts";

const {
  newBacklog,
  letsIn,
  hearOf,
  calledUp,
  cameToNothing,
  goAway,
  goOn,
  settle,
  leaveFor,
  counted,
  waitingIn,
  owedNow,
} = backlogs;
const FIRST = { at: 10, isFirst: true };
const MAX = 4;

/** Who waits, in memory or in the store, as one sees who sees everything. */
class Model {
  readonly backlog = newBacklog(5);
  readonly here = new Set<string>();
  readonly parked = new Set<string>();
  readonly everIn = new Set<string>();

  comes(id: string): void {
    if (this.here.has(id) || this.parked.has(id)) return;
    const isFull = this.here.size + this.parked.size >= MAX;
    const isIn = letsIn(this.backlog, id, FIRST, MAX, false);
    assert.equal(isIn, !isFull || this.everIn.has(id), `${id} comes`);
    if (isIn) this.here.add(id);
    if (isIn) this.everIn.add(id);
  }

  /** Another worker has parked it. */
  isHeardOf(id: string): void {
    if (this.here.has(id)) return;
    const isFull = this.here.size + this.parked.size >= MAX;
    const isIn = hearOf(this.backlog, id, FIRST.at, MAX, false);
    assert.equal(isIn, !isFull || this.everIn.has(id), `${id} is heard of`);
    if (isIn) this.parked.add(id);
    if (isIn) this.everIn.add(id);
  }

  goes(id: string, how: "begins" | "leaves" | "parks"): void {
    if (!this.here.delete(id)) return;
    if (how === "begins") {
      goOn(this.backlog, id);
      assert.ok(hearOf(this.backlog, id, FIRST.at, 0, false), "what has begun is let in elsewhere");
      goOn(this.backlog, id);
      settle(this.backlog, id, false);
    }
    if (how === "leaves") leaveFor(this.backlog, id);
    if (how === "parks") {
      goAway(this.backlog, id);
      assert.ok(hearOf(this.backlog, id, FIRST.at, MAX, false), "what was let in is parked");
      this.parked.add(id);
    }
    // That it once was let in is forgotten when it has begun.
    if (how === "begins") this.everIn.delete(id);
  }

  isCalled(id: string, asks: boolean): void {
    if (!this.parked.delete(id)) return;
    calledUp(this.backlog, id);
    if (!asks) return cameToNothing(this.backlog, id);
    assert.ok(letsIn(this.backlog, id, FIRST, MAX, false), "what was called up is let in");
    this.here.add(id);
  }

  isCounted(): void {
    const { changes } = this.backlog;
    counted(this.backlog, Math.min(this.parked.size, MAX + 1), changes, MAX, (id) => this.here.has(id));
  }
}

test("of those that come so many wait at most, nobody who was let in is refused, and none is where there is room", () => {
  const id = fc.integer({ min: 0, max: 9 }).map(String);
  const verb = fc.oneof(
    id.map((who) => (model: Model) => model.comes(who)),
    id.map((who) => (model: Model) => model.isHeardOf(who)),
    fc.tuple(id, fc.constantFrom("begins", "leaves", "parks")).map(([who, how]) => (model: Model) => model.goes(who, how as "begins")), // prettier-ignore
    fc.tuple(id, fc.boolean()).map(
      ([who, asks]) =>
        (model: Model) =>
          model.isCalled(who, asks),
    ),
    fc.constant((model: Model) => model.isCounted()),
  );
  fc.assert(
    fc.property(fc.array(verb, { maxLength: 60 }), (verbs) => {
      const model = new Model();
      for (const act of verbs) {
        const { left, leftBefore } = model.backlog;
        const before = new Set([...left, ...leftBefore]);
        act(model);
        // Who left long ago is not known any more.
        for (const gone of before) {
          const { left: now, leftBefore: then } = model.backlog;
          if (!now.has(gone) && !then.has(gone) && !model.here.has(gone) && !model.parked.has(gone))
            model.everIn.delete(gone);
        }
        assert.equal(waitingIn(model.backlog), model.here.size + model.parked.size);
      }
    }),
    { numRuns: 400 },
  );
});

test("a further attempt, one that has to be let in, and one from before this owner are let in however many wait", () => {
  const backlog = newBacklog(5);
  for (let n = 0; n < MAX; n++) assert.ok(letsIn(backlog, `${n}`, FIRST, MAX, false));
  assert.ok(!letsIn(backlog, "new", FIRST, MAX, false));
  assert.ok(letsIn(backlog, "again", { at: 10, isFirst: false }, MAX, false));
  assert.ok(letsIn(backlog, "undo", null, MAX, false));
  assert.ok(letsIn(backlog, "old", { at: 4, isFirst: true }, MAX, false));
  assert.ok(hearOf(backlog, "old and parked", 4, MAX, false));
  assert.equal(waitingIn(backlog), MAX + 4);
  assert.equal(backlog.refused, 1);
});

test("each that is too many owes the going of one, but for those that have gone meanwhile", () => {
  const backlog = newBacklog(-Infinity);
  for (let n = 0; n < MAX + 3; n++) assert.ok(letsIn(backlog, `${n}`, FIRST, MAX, true));
  assert.equal(owedNow(backlog, MAX), 3);
  goOn(backlog, "0");
  assert.equal(owedNow(backlog, MAX), 2);
  assert.ok(hearOf(backlog, "parked", FIRST.at, MAX, true));
  assert.equal(owedNow(backlog, MAX), 3);
  for (let n = 1; n < MAX + 3; n++) goOn(backlog, `${n}`);
  assert.equal(owedNow(backlog, MAX), 0);
});

test("a count of the store says how many wait of whom nobody here has heard, but for what changed meanwhile", () => {
  const backlog = newBacklog(5);
  assert.ok(hearOf(backlog, "known", FIRST.at, MAX, false));
  counted(backlog, 3, backlog.changes, MAX, () => true);
  assert.equal(waitingIn(backlog), 3);
  calledUp(backlog, "unknown");
  assert.equal(waitingIn(backlog), 3);
  goOn(backlog, "unknown");
  assert.equal(waitingIn(backlog), 2);
  counted(backlog, 3, backlog.changes - 1, MAX, () => true);
  assert.equal(waitingIn(backlog), 2, "the one that was called up may have been among the three");
  counted(backlog, 5, backlog.changes - 1, MAX, () => true);
  assert.equal(waitingIn(backlog), 4);
  counted(backlog, 0, backlog.changes, MAX, () => true);
  assert.equal(waitingIn(backlog), 0, "what was known to be there is gone");
});

test("what is on its way into the store, and never arrives, is forgotten by the second count", () => {
  const backlog = newBacklog(5);
  assert.ok(letsIn(backlog, "away", FIRST, MAX, false));
  goAway(backlog, "away");
  counted(backlog, 0, backlog.changes, MAX, () => false);
  assert.equal(waitingIn(backlog), 1);
  counted(backlog, 0, backlog.changes, MAX, () => false);
  assert.equal(waitingIn(backlog), 0);
});
