/** Symbolic values: what may be done with them, and how every misuse is refused. */
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";
import { present, when, workflow } from "../../src/flow/index.ts";
import { enrich, greet, ping, type Lead } from "./lead-steps.ts";
import { refuses } from "./refuses.ts";

interface Loose {
  [key: string]: Loose;
  [index: number]: Loose;
}

/** Draws with untyped values: what these tests do with them does not compile otherwise, or no type can see it. */
function drawing(use: (values: { lead: Loose; size: Loose }) => unknown): () => unknown {
  return () =>
    workflow<Lead>("lead-intake", {
      flow: (lead) => use({ lead: lead as unknown as Loose, size: enrich(lead).size as unknown as Loose }) as never,
    });
}

const MISUSES: readonly [name: string, use: (size: any, lead: any) => unknown, ...parts: string[]][] = [
  ["a template string", (size) => `${size}`, "turned into a string", "`derive(enrich.size, (it) => …)`"],
  ["adding a text", (size) => size + "x", "turned into a string"],
  ["String()", (size) => String(size), "turned into a string"],
  ["toString()", (size) => size.toString(), "turned into a string"],
  ["toLocaleString()", (size) => size.toLocaleString(), "turned into a string"],
  ["joining", (size) => [size].join(), "turned into a string"],
  ["being a key", (size, lead) => lead[size], "turned into a string"],
  ["arithmetic", (size) => size * 2, "turned into a number", "`gte(enrich.size, 80)`"],
  ["comparing", (size) => size > 80, "turned into a number"],
  ["Number()", (size) => Number(size), "turned into a number"],
  ["valueOf()", (size) => size.valueOf(), "turned into a number"],
  ["loose equality", (size) => size == 80, "turned into a string"],
  ["JSON", (size) => JSON.stringify({ size }), "turned into JSON", "as it is"],
  ["for of", (size) => [...size], "iterated over", "`each(enrich.size, (item) => …)`"],
  ["destructuring a list", ([first]) => first, "iterated over"],
  ["for await", (size) => size[Symbol.asyncIterator], "iterated over"],
  ["spreading", (size) => ({ ...size }), "asked for all its properties", "`{ a: enrich.size.a"],
  ["Object.keys", (size) => Object.keys(size), "asked for all its properties"],
  ["in", (size) => "x" in size, "with `in`", "`present(enrich.size.x)`"],
  ["hasOwn", (size) => Object.hasOwn(size, "x"), "with `in`"],
  ["calling", (size) => size(), "called like a function", "`derive(enrich, (it) => …)`"],
  ["a list's method", (size) => size.map(() => 1), "`enrich.size.map` was called", "`each(enrich.size, (item) => …)`"],
  ["new", (size) => new size(), "called with `new`"],
  ["setting", (size) => (size.x = 1), "its property `x` was set", "`{ x: … }`"],
  ["defining", (size) => Object.defineProperty(size, "x", { value: 1 }), "its property `x` was set"],
  ["deleting", (size) => delete size.x, "its property `x` was deleted"],
];

for (const [name, use, ...parts] of MISUSES) {
  test(`a value refuses ${name}, and says the way out`, () => {
    const error = refuses(
      drawing(({ size, lead }) => use(size, lead)),
      "VALUE_MISUSED",
      `Workflow "lead-intake"`,
      `node "enrich"`,
      "`enrich.size",
      "not defined",
      ...parts,
    );
    assert.equal(error.facts["workflow"], "lead-intake");
    assert.equal(error.facts["node"], "enrich");
  });
}

test("a condition has no properties", () => {
  refuses(
    drawing(({ size }) => (present(size as never) as unknown as Loose)["x"]),
    "VALUE_MISUSED",
    "`present(enrich.size)`",
    "its property `x`",
    "`when`",
  );
});

test("a value is no promise", () => {
  drawing(({ size }) => {
    assert.equal(size["then"], undefined);
    assert.equal(typeof size, "function");
  })();
});

test("a value that is awaited with `then` is refused, with what to do instead of waiting", () => {
  const error = refuses(
    drawing(({ size }) => (size as any).then((known: number) => known)),
    "VALUE_MISUSED",
    `Workflow "lead-intake"`,
    "awaited with `.then(…)`",
    "without `async`, `await` and `then`",
  );
  assert.ok(error.cause instanceof TypeError);
  assert.throws(
    drawing(() => (null as any).then(String)),
    TypeError,
  );
});

test("a promise given to a step is refused as one, and its rejection ends no program", async () => {
  for (const given of [Promise.resolve(1), { deep: [Promise.reject(new Error("nobody waits for it"))] }]) {
    refuses(
      drawing(() => greet(given as never)),
      "NOT_JSON",
      `node "greet"`,
      "is a promise",
      "without `async`, `await` and `then`",
    );
  }
  await new Promise((resolve) => setImmediate(resolve));
});

test("a property of a value is a value with a longer path, whatever it is called", () => {
  const { graph } = workflow("paths", {
    flow(input) {
      const value = input as unknown as Loose;
      return [
        value["a"]!["b"],
        value["list"]![0],
        value["name"],
        value["call"],
        value["constructor"],
        value["01"],
        value["-1"],
      ];
    },
  });
  const { output } = graph.scopes[0]!;
  assert.ok(output.kind === "array");
  const paths = output.items.map((item) => item.kind === "ref" && item.path);
  assert.deepEqual(paths, [["a", "b"], ["list", 0], ["name"], ["call"], ["constructor"], ["01"], ["-1"]]);
});

test("a value shows what it stands for when it is printed", () => {
  drawing(({ size }) => assert.equal(inspect(size), "Value(enrich.size)"))();
});

test("a value of another workflow is refused, with both names", () => {
  let leaked: unknown;
  workflow<Lead>("other", { flow: (lead) => void (leaked = enrich(lead).size) });
  refuses(
    () => workflow<Lead>("lead-intake", { flow: () => greet(leaked as never) }),
    "VALUE_FOREIGN",
    `Workflow "lead-intake"`,
    `node "greet"`,
    "`enrich.size`",
    `workflow "other"`,
    "draw the step here too",
  );
  refuses(() => greet(leaked as never), "VALUE_MISUSED", `"greet"`, "outside of any");
});

test("a value is refused outside of the arm that it was drawn in", () => {
  for (const use of [(value: unknown) => greet(value as never), (value: unknown) => value]) {
    refuses(
      () =>
        workflow<Lead>("lead-intake", {
          flow(lead) {
            let leaked: unknown;
            when(lead.vip, () => (leaked = greet(lead.email)));
            return use(leaked) as never;
          },
        }),
      "VALUE_OUT_OF_SCOPE",
      `Workflow "lead-intake"`,
      "`when-vip/then/greet`",
      `the arm "when-vip/then"`,
      `use the result of "when-vip"`,
    );
  }
});

test("what narrows is refused outside of its arm, and so is a condition on it", () => {
  for (const wrap of [(value: any) => value, (value: any) => present(value)]) {
    refuses(
      () =>
        workflow<Lead>("lead-intake", {
          flow(lead) {
            let leaked: unknown;
            when(present(lead.name), (name) => {
              leaked = wrap(name);
              return greet(name);
            });
            return greet.as("again")(leaked as never);
          },
        }),
      "VALUE_OUT_OF_SCOPE",
      `node "again"`,
      `the arm "when-name/then"`,
    );
  }
});

test("a workflow defined inside of a flow draws its own graph", () => {
  let inner: { readonly graph: { readonly nodes: readonly { readonly id: string }[] } } | undefined;
  const outer = workflow("outer", {
    flow() {
      inner = workflow("inner", { flow: () => ping() });
      return ping.as("ping-outer")();
    },
  });
  assert.deepEqual(
    inner!.graph.nodes.map((node) => node.id),
    ["input", "ping"],
  );
  assert.deepEqual(
    outer.graph.nodes.map((node) => node.id),
    ["input", "ping-outer"],
  );
});

test("a flow that throws leaves nothing behind", () => {
  assert.throws(
    drawing(() => {
      throw new Error("in the flow");
    }),
    /in the flow/,
  );
  refuses(() => ping(), "VALUE_MISUSED", "outside of any");
});
