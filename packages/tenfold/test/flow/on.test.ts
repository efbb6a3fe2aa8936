/** `on`: what it answers, which payloads its filter is true of, and what it refuses with a way out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  all,
  any,
  eq,
  gte,
  not,
  on,
  oneOf,
  present,
  step,
  workflow,
  type Condition,
  type Lifted,
} from "../../src/flow/index.ts";
import { eventInput, isFor } from "../../src/flow/event-filter.ts";
import type { ErrorCode } from "../../src/value/error.ts";
import type { Json } from "../../src/value/json.ts";
import { refuses } from "./refuses.ts";

interface Lead {
  readonly email: string;
  readonly points: number;
  readonly vip: boolean;
  readonly country: string;
}

const lead = { email: "a@b", points: 80, vip: false, country: "DE" };

test("a trigger on an event is frozen data: its name, its filter, its input", () => {
  assert.deepEqual(on("lead.created"), { kind: "event", event: "lead.created", where: null, input: null });
  const hot = on("lead.created", {
    where: (event: Lifted<Lead>) => gte(event.points, 80),
    input: (event: Lifted<Lead>) => ({ to: event.email, tags: ["hot", event.country] }),
  });
  const ref = (name: string) => ({ kind: "ref", node: 0, path: [name] });
  assert.deepEqual(hot.where, { kind: "expression", operator: "gte", operands: [ref("points"), { kind: "constant", value: 80 }] }); // prettier-ignore
  assert.deepEqual(eventInput(hot, lead), { to: "a@b", tags: ["hot", "DE"] });
  assert.ok(Object.isFrozen(hot) && Object.isFrozen(hot.where));
  assert.deepEqual(JSON.parse(JSON.stringify(hot)), hot);
});

test("without a filter every payload is meant, and without an input it is the payload", () => {
  for (const payload of [lead, null, 7, "text", [1]]) {
    assert.equal(isFor(on("x"), payload), true);
    assert.deepEqual(eventInput(on("x"), payload), payload);
  }
});

const FILTERS: readonly (readonly [(event: Lifted<Lead>) => Condition, Json, boolean])[] = [
  [(event) => gte(event.points, 80), lead, true],
  [(event) => gte(event.points, 81), lead, false],
  [(event) => event.vip, { ...lead, vip: true }, true],
  [(event) => all(gte(event.points, 80), oneOf(event.country, ["DE", "FR"])), lead, true],
  [(event) => not(eq(event.country, "FR")), lead, true],
  // What is missing, null, or of another type is unknown.
  [(event) => gte(event.points, 80), { email: "a@b" }, false],
  [(event) => gte(event.points, 80), { points: null }, false],
  [(event) => gte(event.points, 80), { points: "100" }, false],
  [(event) => gte(event.points, 80), null, false],
  [(event) => not(gte(event.points, 80)), {}, false],
  [(event) => event.vip, {}, false],
  [(event) => not(event.vip), {}, false],
  [(event) => event.vip, { vip: "yes" }, false],
  [(event) => oneOf(event.country, event.email as never), lead, false],
  // It decides nothing that something else decides.
  [(event) => any(gte(event.points, 80), event.vip), { vip: true }, true],
  [(event) => any(event.vip, gte(event.points, 80)), { vip: false }, false],
  [(event) => not(all(event.vip, gte(event.points, 80))), { vip: false }, true],
  [(event) => not(all(event.vip, gte(event.points, 80))), { vip: true }, false],
  // Whether something is there, and what it equals, is always known.
  [(event) => present(event.points), {}, false],
  [(event) => not(present(event.points)), {}, true],
  [(event) => not(eq(event.country, "FR")), {}, true],
];

test("a filter is true, or it is not: no payload makes it fail", () => {
  FILTERS.forEach(([where, payload, expected], nth) => {
    assert.equal(isFor(on("x", { where }), payload), expected, `filter ${nth}`);
  });
});

test("a condition in an input that is unknown is left out, and so is what is missing", () => {
  const made = on("x", {
    input: (event: Lifted<Lead>) => ({ isHot: gte(event.points, 80), at: event.country, all: [event.email] }),
  });
  assert.deepEqual(eventInput(made, lead), { isHot: true, at: "DE", all: ["a@b"] });
  assert.deepEqual(eventInput(made, {}), { all: [null] });
});

test("an event starts one workflow by one trigger, beside its schedules", () => {
  const triggers = [on<number>("a"), on<number>("b")];
  assert.equal(workflow<number>("w", { triggers, flow: (input) => input }).triggers?.length, 2);
});

const note = step("note", { run: (lead: unknown) => lead });

const REFUSED: readonly (readonly [() => unknown, ErrorCode, ...string[]])[] = [
  [() => on("lead created"), "EVENT_INVALID", "lead created", "letters"],
  [() => on(""), "EVENT_INVALID"],
  [() => on("a/b"), "EVENT_INVALID"],
  [() => on("x".repeat(101)), "EVENT_INVALID"],
  [() => on(undefined as never), "EVENT_INVALID"],
  [() => on("x", { wher: 1 } as never), "OPTION_UNSUPPORTED", "`where`"],
  [() => on("x", { tenant: "t" } as never), "OPTION_UNSUPPORTED", "`tenant`"],
  [() => on("x", { where: "points > 80" as never }), "EVENT_INVALID", "`where`", "points > 80"],
  [() => on("x", { where: (() => true) as never }), "EVENT_INVALID", "no condition"],
  [() => on("x", { where: (async () => 7) as never }), "EVENT_INVALID", "async"],
  [() => on<Lead>("x", { where: (event) => note(event) as never }), "EVENT_INVALID", "draws a node", "note"],
  [() => on<Lead>("x", { where: (event) => `${event.email as never}` as never }), "VALUE_MISUSED", "input.email"],
  [() => on("x", { input: (event: Lifted<Lead>) => ({ at: new Date(), of: event }) }), "NOT_JSON", "Date"],
  [
    () => workflow<Lead>("w", { triggers: [on("a"), on("a")], flow: (input) => input }),
    "EVENT_INVALID",
    "two of its triggers are on the event",
    "any(",
  ],
];

test("what is no trigger on an event is refused when it is written, with the way out", () => {
  for (const [attempt, code, ...parts] of REFUSED) refuses(attempt, code, "not defined", ...parts);
});
