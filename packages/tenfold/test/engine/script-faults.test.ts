/** Functions of scripts that go wrong in ways which could take their worker with them: the run fails, and nothing else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ScriptContext } from "../../src/flow/index.ts";
import { openTest } from "../../src/testing/index.ts";
import type { TenfoldError } from "../../src/value/error.ts";
import { stepOf, untyped, workflowOf } from "./world.ts";

const search = stepOf("search", (text: string) => `found ${text}`);

/** More rounds than this no loop may make before its script is stopped. */
const ROUNDS = 1000;

async function lived(run: (ctx: ScriptContext) => unknown, act: () => unknown = () => {}) {
  const flow = workflowOf("scripted", () => untyped.script("agent", run)(null));
  await using t = await openTest({ workflows: [flow] });
  const { id } = await t.tenfold.start(flow, null);
  await t.settle();
  act();
  await new Promise(setImmediate);
  await t.advance("1 day");
  const { status, error, output } = await t.tenfold.show(id);
  return { status, error, output, calls: t.calls(search).length };
}

const REFUSED: Record<string, readonly [unknown, string]> = {
  "is not JSON": [{ at: new Date(0) }, "NOT_JSON"],
  "is too large": ["x".repeat(2 ** 20 + 1), "PAYLOAD_TOO_LARGE"],
};

for (const [what, [input, code]] of Object.entries(REFUSED)) {
  test(`a loop that swallows that what it calls with ${what} is stopped, and fails its script with that`, async () => {
    let rounds = 0;
    const found = await lived(async (ctx) => {
      while (rounds++ < ROUNDS) {
        try {
          return await ctx.call(search, input);
        } catch {
          continue;
        }
      }
      return "it went round and round";
    });
    assert.deepEqual([found.status, found.error?.code], ["failed", code]);
  });
}

test("a call that is refused rejects, as one that fails does", async () => {
  const found = await lived(async (ctx) => {
    const tools: Record<string, typeof search> = { search };
    const unknown = await ctx.call(tools["seek"]!, "a").catch((thrown: TenfoldError) => thrown.code);
    const [first, second] = await Promise.allSettled([ctx.call(search, "a"), ctx.call(search, new Date(0))]);
    return [unknown, first.status, second.status];
  });
  assert.deepEqual([found.status, found.output], ["completed", ["SCRIPT_INVALID", "fulfilled", "rejected"]]);
});

test("calls that are refused now and then are no such loop", async () => {
  const found = await lived(async (ctx) => {
    let refused = 0;
    for (let round = 0; round < 150; round++) {
      try {
        await ctx.call(search, new Date(0));
      } catch {
        refused++;
        await ctx.sleep("1s");
      }
    }
    return refused;
  });
  assert.equal(found.status, "completed");
});

test("a function that goes on whatever is thrown, after its script has failed, comes to rest", async () => {
  const token = Promise.withResolvers<string>();
  let rounds = 0;
  const { status, error, calls } = await lived(
    async (ctx) => {
      const text = await token.promise;
      while (rounds++ < ROUNDS) {
        try {
          return await ctx.call(search, text);
        } catch {
          continue;
        }
      }
      return null;
    },
    () => token.resolve("late"),
  );
  assert.deepEqual([status, error?.code, calls], ["failed", "SCRIPT_OUTSIDE", 0]);
  assert.ok(rounds < 10, `${rounds} rounds`);
});

test("a call that strays fails its script also if it would have been refused", async () => {
  const token = Promise.withResolvers<null>();
  const { status, error } = await lived(
    async (ctx) => {
      const stray = token.promise.then(() => ctx.call(search, new Date(0))).catch(() => null);
      await ctx.sleep("4s");
      return await stray;
    },
    () => token.resolve(null),
  );
  assert.deepEqual([status, error?.code], ["failed", "SCRIPT_OUTSIDE"]);
});

const THROWN: Record<string, () => unknown> = {
  nothing: () => undefined,
  "a symbol": () => Symbol("no"),
  "what throws when it is looked at": () =>
    new Proxy(
      {},
      {
        get: () => {
          throw new Error("no");
        },
        getPrototypeOf: () => {
          throw new Error("no");
        },
      },
    ),
};

for (const [what, make] of Object.entries(THROWN)) {
  for (const how of ["at once", "later"]) {
    test(`a script that throws ${what} fails, ${how}`, async () => {
      const { status, error } = await lived((ctx) => {
        if (how === "at once") throw make();
        return ctx.sleep("1s").then(() => {
          throw make();
        });
      });
      assert.deepEqual([status, error?.code, error?.node], ["failed", "SCRIPT_FAILED", "agent"]);
    });
  }
}

test("a script that answers a promise which throws when it is looked at fails", async () => {
  const { status, error } = await lived(() =>
    Object.defineProperty(Promise.resolve(1), "constructor", {
      get: () => {
        throw new Error("no");
      },
    }),
  );
  assert.deepEqual([status, error?.code], ["failed", "SCRIPT_FAILED"]);
});
