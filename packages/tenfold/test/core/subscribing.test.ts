/** Which version of a workflow says what an event is to it: deploys, rollbacks, and old workers that come back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { standsAfter, type Said, type Stands } from "../../src/core/subscribing.ts";

const said = (version: string): Said => ({ version, spec: version === "none" ? null : `{"of":"${version}"}` });
const SECOND = 1000;
const SILENT = 180 * SECOND;

/** What stands after each of these was said, at these times (s). */
function story(...steps: readonly (readonly [string, number])[]): Stands | null {
  return steps.reduce<Stands | null>(
    (stands, [version, at]) => standsAfter(stands, said(version), at * SECOND) ?? stands,
    null,
  );
}

const version = (...steps: readonly (readonly [string, number])[]): string | undefined => story(...steps)?.version;

test("what is said first stands, and that there is nothing needs not be said where nothing was", () => {
  assert.deepEqual(story(["a", 1]), { ...said("a"), former: [], at: SECOND });
  assert.equal(story(["none", 1]), null);
});

test("what nobody said before counts at once", () => {
  assert.deepEqual(story(["a", 1], ["b", 2]), { ...said("b"), former: ["a"], at: 2 * SECOND });
});

test("older code that lives on, or starts again, changes nothing while the newer is said", () => {
  assert.equal(version(["a", 0], ["b", 1], ["a", 2], ["a", 170]), "b");
  assert.equal(version(["a", 0], ["b", 1], ["b", 100], ["a", 181], ["b", 200], ["a", 379]), "b");
});

test("that there is no trigger counts once nobody has said it for three minutes: code from before it says the same", () => {
  assert.equal(version(["a", 0], ["none", 1], ["none", 179]), "a");
  assert.equal(version(["a", 0], ["a", 100], ["none", 181]), "a");
  assert.deepEqual(story(["a", 1], ["none", 181]), { ...said("none"), former: ["a"], at: 181 * SECOND });
  assert.equal(version(["a", 0], ["none", 181], ["a", 200]), "none");
  assert.equal(version(["a", 0], ["none", 181], ["b", 200]), "b");
});

test("a rollback counts once nobody has said the newer for three minutes", () => {
  assert.equal(version(["a", 0], ["b", 1], ["a", 180]), "b");
  assert.deepEqual(story(["a", 0], ["b", 1], ["a", 181]), { ...said("a"), former: ["b"], at: SECOND + SILENT });
  assert.equal(version(["a", 0], ["b", 1], ["a", 181], ["b", 182]), "a");
  assert.equal(version(["a", 0], ["b", 1], ["a", 181], ["b", 182], ["c", 183]), "c");
});

test("what was said by a clock that was far ahead is as old as what nobody says", () => {
  const month = 30 * 86_400;
  assert.deepEqual(story(["a", 0], ["a", month], ["a", 60]), { ...said("a"), former: [], at: 60 * SECOND });
  assert.equal(version(["a", 0], ["b", month], ["a", 60]), "a");
  assert.equal(version(["a", 0], ["b", 200], ["a", 60]), "b");
});

test("what stands is written again only when it was last said a while ago", () => {
  const stands = story(["a", 0]);
  assert.equal(standsAfter(stands, said("a"), 29 * SECOND), null);
  assert.deepEqual(standsAfter(stands, said("a"), 30 * SECOND), { ...stands, at: 30 * SECOND });
});

test("as many deploys as there are, no list grows without end", () => {
  const steps = Array.from({ length: 500 }, (_, nth) => [`v${nth}`, nth] as const);
  const stands = story(...steps)!;
  assert.deepEqual([stands.version, stands.former.length, stands.former.at(-1)], ["v499", 100, "v498"]);
});
