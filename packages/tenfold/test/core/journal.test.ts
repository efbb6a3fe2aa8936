/** Laws of the journal's lines and of node paths: both are read as they were written. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileGraph } from "../../src/core/compile.ts";
import type { Entry } from "../../src/core/entry.ts";
import { readLine, writeLine } from "../../src/core/journal-line.ts";
import { pathOf, placeAt } from "../../src/core/path.ts";
import { framesOf } from "../../src/core/opened.ts";
import type { Frame } from "../../src/core/state.ts";
import type { Json } from "../../src/value/json.ts";
import { seededRandom } from "../../src/value/random.ts";
import { refuses } from "../flow/refuses.ts";
import { answering, drawn, Life, stepNamed, untyped, type Answers } from "./life.ts";
import { wildWorkflow } from "./wild-workflow.ts";

const { each, match } = untyped;
const work = stepNamed("work");

const text = fc.oneof(fc.string(), fc.string({ unit: "binary" }));
const at = fc.nat();
const node = fc.string({ minLength: 1 });
const attempt = fc.nat(100);
const tookMs = fc.nat();
const output = fc.jsonValue() as fc.Arbitrary<Json>;
const error = fc.record(
  { code: text, message: text, node, attempt, name: text, stack: text },
  { requiredKeys: ["code", "message", "node", "attempt"] },
);

const entries: Record<Entry["kind"], fc.Arbitrary<Entry>> = {
  done: fc.record({ kind: fc.constant("done" as const), node, at, attempt, output, tookMs }),
  failed: fc.record({
    kind: fc.constant("failed" as const),
    node,
    at,
    attempt,
    error: error as fc.Arbitrary<never>,
    retryAt: fc.option(fc.nat(), { nil: null }),
    tookMs,
  }),
  chose: fc.record({ kind: fc.constant("chose" as const), node, at, arm: fc.option(text, { nil: null }) }),
  undone: fc.record({ kind: fc.constant("undone" as const), node, at, attempt, tookMs }),
  "undo-failed": fc.record({
    kind: fc.constant("undo-failed" as const),
    ...{ node, at, attempt, tookMs },
    error: error as fc.Arbitrary<never>,
    retryAt: fc.option(fc.nat(), { nil: null }),
  }),
  abandoned: fc.record({ kind: fc.constant("abandoned" as const), node, at }),
  "timed-out": fc.record({ kind: fc.constant("timed-out" as const), node, at }),
  signalled: fc.record({
    kind: fc.constant("signalled" as const),
    at,
    message: text,
    signal: text,
    for: fc.option(text, { nil: null }),
    payload: output,
  }),
  reminded: fc.record({ kind: fc.constant("reminded" as const), node, at }),
  escalated: fc.record({ kind: fc.constant("escalated" as const), node, at }),
  decided: fc.record({
    kind: fc.constant("decided" as const),
    node,
    at,
    message: text,
    verdict: fc.constantFrom("approved" as const, "refused" as const),
    by: text,
    roles: fc.array(text),
    comment: fc.option(text, { nil: null }),
  }),
  begun: fc.record({ kind: fc.constant("begun" as const), node, at, attempt }),
  unsure: fc.record({ kind: fc.constant("unsure" as const), node, at, attempt, error: error as fc.Arbitrary<never> }),
  resolved: fc.record({
    kind: fc.constant("resolved" as const),
    ...{ node, at, attempt, output },
    message: text,
    happened: fc.boolean(),
    by: text,
    comment: fc.option(text, { nil: null }),
  }),
  called: fc.record({ kind: fc.constant("called" as const), node, at, attempt, child: text }),
  returned: fc.record({
    kind: fc.constant("returned" as const),
    ...{ node, at, attempt },
    message: text,
    child: text,
    status: fc.constantFrom("completed" as const, "failed" as const, "cancelled" as const),
    output,
    error: error as fc.Arbitrary<never>,
  }),
  asked: fc.record({
    kind: fc.constant("asked" as const),
    ...{ node, at, call: fc.nat(), heard: fc.nat() },
    ask: fc.oneof(
      fc.record({ kind: fc.constant("step" as const), name: text, step: text, input: output }),
      fc.record({ kind: fc.constant("call" as const), name: text, workflow: text, input: output }),
      fc.record({ kind: fc.constant("sleep" as const), name: text, forMs: fc.nat() }),
      fc.record({ kind: fc.constant("sleep" as const), name: text, at: fc.oneof(text, fc.nat()) }),
      fc.record({
        kind: fc.constant("wait" as const),
        ...{ name: text, signal: text },
        for: fc.option(text, { nil: null }),
        timeoutMs: fc.option(fc.nat(), { nil: null }),
      }),
    ),
  }),
  attached: fc.record({
    kind: fc.constant("attached" as const),
    ...{ at, attempt },
    message: text,
    parent: text,
    of: text,
    depth: fc.nat(),
  }),
  cancelled: fc.record(
    {
      kind: fc.constant("cancelled" as const),
      at,
      message: text,
      reason: text,
      by: fc.record({ parent: text, node, attempt }),
      undo: fc.constant(true as const),
    },
    { requiredKeys: ["kind", "at", "message", "reason"] },
  ),
  retried: fc.record(
    { kind: fc.constant("retried" as const), at, message: text, from: text, newKeys: fc.constant(true as const) },
    { requiredKeys: ["kind", "at", "message"] },
  ),
  upgraded: fc.record(
    {
      kind: fc.constant("upgraded" as const),
      ...{ at, message: text, from: text, to: text },
      refused: fc.record({ entry: fc.option(fc.nat(), { nil: null }), node, reason: text }),
    },
    { requiredKeys: ["kind", "at", "message", "from", "to"] },
  ),
};

for (const [kind, entry] of Object.entries(entries)) {
  test(`an entry "${kind}" is read as it was written`, () => {
    fc.assert(
      fc.property(entry, (entry) => {
        const line = writeLine(entry);
        assert.equal(line.kind, kind);
        assert.equal(line.at, entry.at);
        // Through JSON once, where -0 is 0, as the store's text is.
        assert.deepEqual(readLine(line), JSON.parse(JSON.stringify(entry)));
        assert.deepEqual(writeLine(readLine(line)), line);
      }),
    );
  });
}

test("a body that answered nothing is read as one that answered nothing, not null", () => {
  const entry: Entry = { kind: "done", node: "n", at: 1, attempt: 1, output: undefined, tookMs: 3 };
  const read = readLine(writeLine(entry));
  assert.ok(!("output" in read));
  assert.equal((readLine(writeLine({ ...entry, output: null })) as { output?: Json }).output, null);
});

function visit(frame: Frame, seen: (frame: Frame) => void): void {
  seen(frame);
  for (const child of frame.children?.values() ?? [])
    for (const inner of framesOf(child)) if (inner) visit(inner, seen);
}

const nested = drawn((orders) =>
  each.as("orders")(orders, (order: any) =>
    each.as("lines")(order.lines, (line: any) => match(line.kind, { book: () => work(line), pen: () => work(line) })),
  ),
);

test("a path names the item of each `each` around its node, and the arm", () => {
  const life = Life.of(nested, [{ lines: [] }, { lines: [{ kind: "pen" }, { kind: "book" }] }]);
  life.answerAt("orders[1]/lines[0]/match-kind", answering());
  life.answerAt("orders[1]/lines[1]/match-kind", answering());
  assert.deepEqual(life.asked, [
    "execute orders[1]/lines[0]/match-kind/pen/work 1",
    "execute orders[1]/lines[1]/match-kind/book/work 1",
  ]);
});

test("placeAt finds every node of every open frame of a random run by its path, and no other", () => {
  const answer = { n: 60, tag: "a", list: [4, 5, 6], flag: true };
  const votesOf = () => ["kim", "lee"].map((by) => ({ by, verdict: "approved" as const }));
  const answers: Answers = { stepOf: () => ({ output: answer }), deriveOf: () => answer, votesOf };
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), (seed) => {
      const random = seededRandom(seed);
      const life = new Life(compileGraph(wildWorkflow(random, 12).graph), answer);
      for (let count = Math.floor(random() * 20); count > 0 && life.open.length > 0; count--) {
        life.answer(life.open[Math.floor(random() * life.open.length)]!, answers);
      }
      const paths = new Set<string>();
      visit(life.state.root, (frame) => {
        for (const node of frame.scope.nodes) {
          if (node.node.kind === "output") continue;
          const path = pathOf(life.compiled, frame, node);
          assert.ok(!paths.has(path), `${path} names two nodes`);
          paths.add(path);
          const place = placeAt(life.state, path);
          assert.ok(place?.frame === frame && place.node === node, path);
        }
      });
    }),
  );
});

test("a path that names nothing open has no place", () => {
  const life = Life.of(nested, [{ lines: [{ kind: "pen" }] }]);
  for (const path of [
    "",
    "gone",
    "orders/lines",
    "orders[1]/lines",
    "orders[0]/lines[1]/match-kind",
    "orders[x]/lines",
  ]) {
    assert.equal(placeAt(life.state, path), undefined, path);
  }
});

test("an entry for a node that is not open, or that has its result, is a broken journal and crashes", () => {
  const life = Life.of(
    drawn((n) => work(n)),
    1,
  ).play(answering());
  const again = life.entries[0]!;
  refuses(() => life.record(again), "INVARIANT_BROKEN", "work");
  refuses(() => life.record({ kind: "abandoned", node: "gone", at: 1 }), "INVARIANT_BROKEN", "gone");
});
