/** Laws of the nearest name, of schemas read as data, and of the error class. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { invariant, TenfoldError } from "../../src/value/error.ts";
import { nearestName } from "../../src/value/nearest.ts";
import { isSchema, parseWith, type Parsed, type Schema } from "../../src/value/schema.ts";
import { refuses } from "../flow/refuses.ts";

const KNOWN = ["lead-intake", "order-intake", "month-end"];

const NEAREST: readonly (readonly [string, string | undefined])[] = [
  ["lead-intak", "lead-intake"],
  ["leadintake", "lead-intake"],
  ["LEAD-INTAKE", "lead-intake"],
  ["lead-itnake", "lead-intake"],
  ["order-intake", "order-intake"],
  ["mont-end", "month-end"],
  ["something-else-entirely", undefined],
  ["", undefined],
];

for (const [name, nearest] of NEAREST) {
  test(`the known name nearest to "${name}" is ${nearest ?? "none"}`, () => {
    assert.equal(nearestName(name, KNOWN), nearest);
  });
}

test("without known names there is no nearest", () => {
  assert.equal(nearestName("lead", []), undefined);
});

const Lead = z.object({ email: z.email(), orders: z.array(z.object({ total: z.number() })) });

test("a schema's issues are paths and reasons; what fits is the parsed value", () => {
  const refused = parseWith(Lead, { email: "x", orders: [{ total: 1 }, { total: "2" }] }) as Parsed<unknown>;
  assert.ok(!refused.ok);
  assert.deepEqual(
    refused.issues.map(({ path }) => path),
    [["email"], ["orders", 1, "total"]],
  );
  for (const { reason } of refused.issues) assert.notEqual(reason, "");
  const accepted = parseWith(z.object({ at: z.iso.date().transform((text) => text.slice(0, 4)) }), {
    at: "2026-01-02",
  });
  assert.deepEqual(accepted, { ok: true, value: { at: "2026" } });
});

test("a schema that validates later is a promise, and one that validates now is not", async () => {
  const later: Schema<number> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: async (value) =>
        typeof value === "number" ? { value } : { issues: [{ message: "no number", path: [{ key: "n" }, 0] }] },
    },
  };
  assert.deepEqual(await parseWith(later, 3), { ok: true, value: 3 });
  assert.deepEqual(await parseWith(later, "3"), { ok: false, issues: [{ path: ["n", 0], reason: "no number" }] });
  assert.ok(!("then" in parseWith(Lead, {})));
});

test("a schema is known by its standard property, be it an object or a function", () => {
  const callable = Object.assign(() => 1, { "~standard": {} });
  assert.deepEqual([Lead, callable].map(isSchema), [true, true]);
  assert.deepEqual([null, undefined, {}, "zod", () => 1].map(isSchema), [false, false, false, false, false]);
});

test("an error carries its code, its facts and its cause; a broken invariant has its own code", () => {
  const cause = new Error("disk");
  const error = new TenfoldError("STORE_FULL", "The disk is full.", { facts: { path: "x.db" }, cause });
  assert.ok(error instanceof Error);
  assert.equal(error.code, "STORE_FULL");
  assert.equal(error.cause, cause);
  assert.deepEqual(error.facts, { path: "x.db" });
  assert.ok(!("cause" in new TenfoldError("USAGE", "x")));
  refuses(() => invariant(false, "one is one"), "INVARIANT_BROKEN", "one is one");
});
