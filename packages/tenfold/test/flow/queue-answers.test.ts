/** What the functions of a queue answer: asked for one input, and refused where nothing could be done with it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { limit, step, type QueueDefinition } from "../../src/flow/index.ts";
import { queueAnswers, type QueueAnswers } from "../../src/flow/queue-answers.ts";
import type { ErrorCode } from "../../src/value/error.ts";

interface Call {
  readonly customer: string;
  readonly words: number;
}

function queueOf(queue: any): QueueDefinition {
  return step("write", { run: ({ words }: Call) => words, queue }).definition.queue!;
}

test("the functions of a queue may use `this`, and are asked for the input as it is stored", () => {
  const queue = queueOf({
    concurrency: 3,
    rate: "1/s burst 1000",
    priority(this: { concurrency: number }, { words }: Call) {
      return words + this.concurrency;
    },
    cost: ({ words }: Call) => words,
    per: { concurrency: 2, key: ({ customer }: Call) => customer, weight(this: { concurrency: number }) { return this.concurrency; } }, // prettier-ignore
  });
  const answers = { ok: true, key: "kim", weight: 2, priority: 7, cost: 4 };
  assert.deepEqual(queueAnswers("write", queue, { customer: "kim", words: 4 }), answers);
});

test("a queue without functions has the same answers for every input", () => {
  const answers = { ok: true, key: null, weight: 1, priority: 0, cost: 1 };
  assert.deepEqual(queueAnswers("write", queueOf({}), 1), answers);
  assert.deepEqual(queueAnswers("write", queueOf({ priority: 3 }), undefined), { ...answers, priority: 3 });
});

function isRefused(answers: QueueAnswers, code: ErrorCode, ...parts: readonly string[]): void {
  assert.ok(!answers.ok);
  assert.equal(answers.code, code);
  for (const part of ['"write" was not called', ...parts]) assert.ok(answers.message.includes(part), answers.message);
}

test("an answer that cannot be kept or computed with refuses the call, and says which function it was", async () => {
  const key = (): string => "kim";
  const wrong: readonly (readonly [object, string, string])[] = [
    [{ per: { key: () => 5, concurrency: 1 } }, "queue.per.key", "5"],
    [{ per: { key: () => undefined, concurrency: 1 } }, "queue.per.key", "undefined"],
    [{ per: { key: () => "k".repeat(257), concurrency: 1 } }, "queue.per.key", "256"],
    [{ per: { key: () => "\0", concurrency: 1 } }, "queue.per.key", "a text"],
    [{ per: { key: () => Promise.reject(new Error("late")), concurrency: 1 } }, "queue.per.key", "a Promise"],
    [{ per: { key, weight: () => 0 } }, "queue.per.weight", "above 0"],
    [{ priority: () => 10 }, "queue.priority", "from -9 to 9"],
    [{ priority: () => 0.5 }, "queue.priority", "0.5"],
    [{ rate: "5/s", cost: () => Number.NaN }, "queue.cost", "NaN"],
    [{ rate: "5/s", cost: () => Infinity }, "queue.cost", "Infinity"],
    [{ rate: "5/s", cost: () => -1 }, "queue.cost", "-1"],
  ];
  for (const [queue, option, part] of wrong) {
    isRefused(queueAnswers("write", queueOf(queue), {}), "QUEUE_INVALID", `\`${option}\` answered`, part, "as it is stored"); // prettier-ignore
  }
  const throwing = (thrown: unknown) => ({ priority: () => { throw thrown; } }); // prettier-ignore
  for (const [thrown, part] of [
    [new TypeError("no customer"), '"no customer"'],
    [Symbol("odd"), "Symbol(odd)"],
  ]) {
    isRefused(queueAnswers("write", queueOf(throwing(thrown)), {}), "QUEUE_INVALID", "threw", part as string);
  }
});

test("what one function has refused, the next is not asked for", () => {
  const queue = queueOf({ per: { key: () => 5, concurrency: 1 }, priority: () => assert.fail("it was asked") });
  isRefused(queueAnswers("write", queue, {}), "QUEUE_INVALID", "queue.per.key");
});

test("a call is refused that costs more than any rate lets start at once, and no other", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("rate", "per", "limit"),
      fc.integer({ min: 1, max: 50 }),
      fc.double({ min: 0.1, max: 100, noNaN: true }),
      (where, burst, cost) => {
        const rate = `1/s burst ${burst}`;
        const own = {
          rate: { rate },
          per: { per: { key: () => "kim", rate } },
          limit: { limit: limit("openai", { rate }) },
        }[where];
        const answers = queueAnswers("write", queueOf({ ...own, cost: () => cost }), {});
        if (cost <= burst) assert.ok(answers.ok && answers.cost === cost);
        else isRefused(answers, "COST_TOO_LARGE", `${cost}`, `${burst}`, "could never run", where);
      },
    ),
  );
});
