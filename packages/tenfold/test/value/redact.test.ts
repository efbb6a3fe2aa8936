/** Which fields a path hides, in values of every form, and that nothing else changes. */
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";
import fc from "fast-check";
import { isRedactPath, redactor, showAll } from "../../src/value/redact.ts";

const PERSON = {
  password: "p1",
  card: { number: "4711", holder: "Kim", password: "p2" },
  cards: [{ number: "1" }, { number: "2", expires: { number: "3" } }],
  tokens: ["a", "b"],
  ssn: "s1",
  spouse: { ssn: "s2" },
};

const CASES: readonly (readonly [string, readonly string[], unknown])[] = [
  ["a name hides each field of that name, however deep", ["password"], {
    ...PERSON,
    password: "[redacted]",
    card: { ...PERSON.card, password: "[redacted]" },
  }],
  ["a path hides what ends so", ["card.number"], { ...PERSON, card: { ...PERSON.card, number: "[redacted]" } }],
  ["lists count for nothing", ["cards.number"], {
    ...PERSON,
    cards: [{ number: "[redacted]" }, { number: "[redacted]", expires: { number: "3" } }],
  }],
  ["a list is hidden as a whole", ["tokens"], { ...PERSON, tokens: "[redacted]" }],
  ["a star is any one name: not the top", ["*.ssn"], { ...PERSON, spouse: { ssn: "[redacted]" } }],
  ["a star at the end is all that lies in it", ["card.*"], {
    ...PERSON,
    card: { number: "[redacted]", holder: "[redacted]", password: "[redacted]" },
  }],
  ["a whole object is hidden by its name", ["card"], { ...PERSON, card: "[redacted]" }],
]; // prettier-ignore

for (const [sentence, paths, shown] of CASES) {
  test(sentence, () => {
    const before = structuredClone(PERSON);
    assert.deepEqual(redactor(paths)(PERSON), shown);
    assert.deepEqual(PERSON, before, "the value itself stays");
  });
}

test("a value has a name itself, by which it and what is in it are found", () => {
  assert.equal(redactor(["input"])(PERSON, "input"), "[redacted]");
  assert.deepEqual(redactor(["input.ssn"])({ ssn: 1, in: { ssn: 2 } }, "input"), { ssn: "[redacted]", in: { ssn: 2 } });
  assert.deepEqual(redactor(["input.ssn"])({ ssn: 1 }, "output"), { ssn: 1 });
});

test("what has nothing to hide is answered as it is, and no paths hide nothing", () => {
  const value = { deep: [{ a: new Date(), b: null, c: undefined }] };
  assert.equal(redactor(["password"])(value), value);
  assert.equal(redactor([]), showAll);
});

test("whatever JSON there is, no field of that name is left, and all others are as they were", () => {
  const anyJson = fc.json({ maxDepth: 5 }).map((text) => JSON.parse(text.replaceAll('""', '"secret"')) as unknown);
  const field = fc.constantFrom("secret", "__proto__", "a");
  const value = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, anyJson, fc.array(tie("value")), fc.dictionary(field, tie("value"))),
  })).value;
  const isLeft = (each: unknown): boolean => {
    if (typeof each !== "object" || each === null) return false;
    return Object.entries(each).some(([name, inner]) =>
      name === "secret" && !Array.isArray(each) ? inner !== "[redacted]" : isLeft(inner),
    );
  };
  const without = (each: unknown): unknown =>
    JSON.parse(JSON.stringify(each ?? null), (name, inner: unknown) => (name === "secret" ? 0 : inner));
  fc.assert(
    fc.property(value, (given) => {
      const shown = redactor(["secret"])(given);
      assert.equal(isLeft(shown), false);
      assert.deepEqual(without(shown), without(given));
    }),
  );
});

test("what is logged is no JSON always: classes, errors, maps, and what is in itself", () => {
  const hide = redactor(["password"]);
  class Login {
    readonly user = "kim";
    readonly password = "hunter2";
  }
  class Wrapped {
    toJSON(): unknown {
      return { password: "hunter2" };
    }
  }
  const error = Object.assign(new Error("refused"), { config: { password: "hunter2" } });
  const round: Record<string, unknown> = { password: "hunter2" };
  round["self"] = round;
  const caused = new Error("not sent", { cause: { request: { password: "hunter2" } } });
  const several = new AggregateError([error, caused], "none was sent");
  const facts = {
    caused,
    several,
    set: new Set([{ password: "hunter2" }]),
    login: new Login(),
    wrapped: new Wrapped(),
    error,
    map: new Map([["password", "hunter2"]]),
    round,
    bytes: Buffer.from("x"),
  };
  const shown = hide(facts);
  assert.doesNotMatch(inspect(shown, { depth: 9 }), /hunter2/);
  assert.doesNotMatch(JSON.stringify(shown), /hunter2/);
  assert.ok(shown.login instanceof Login && shown.error instanceof Error);
  assert.equal(shown.login.user, "kim");
  assert.deepEqual([shown.error.message, shown.error.stack], ["refused", error.stack]);
  assert.equal(shown.bytes, facts.bytes);
  assert.equal(facts.login.password, "hunter2");
  assert.deepEqual(shown.several.errors.map(String), ["Error: refused", "Error: not sent"]); // prettier-ignore
  assert.deepEqual([Object.keys(shown.several), Object.keys(shown.caused)], [[], []]);
  assert.deepEqual(caused.cause, { request: { password: "hunter2" } });
});

test("a path has names with dots between them", () => {
  for (const path of ["a", "a.b", "*.a", "a.*", "*", "a-b.c d", "ä"]) assert.ok(isRedactPath(path), path);
  for (const path of ["", ".", "a.", ".a", "a..b", "**", "a*", "*a.b", 1, null])
    assert.ok(!isRedactPath(path), String(path));
});
