/** Laws of starts whose key a transaction elsewhere has: asked for again alone, given up in the end, in nobody's way. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunStart, StartAnswer } from "../../src/store/store.ts";
import { rejects, stepOf, withVerbs, workflowOf, World } from "./world.ts";

const double = stepOf("double", (n: number) => n * 2);
const lead = workflowOf("lead", (given) => double(given.n), { key: (given: any) => given.email });

const HELD = { email: "held@a.org", n: 0 };

/** A store in which somebody's open transaction has the key of `HELD`, and what was asked of it: keys, and when. */
function lockedWorld() {
  const world = new World();
  const asked: { readonly keys: readonly string[]; readonly at: number }[] = [];
  let isLocked = true;
  const store = withVerbs(world.store, {
    async start(lane, starts, now, lease) {
      asked.push({ keys: starts.map(({ key }) => key!.key), at: world.time.now });
      const isHeld = ({ key }: RunStart): boolean => isLocked && key?.key === HELD.email;
      const free = starts.filter((start) => !isHeld(start));
      const answers = new Map((await world.store.start(lane, free, now, lease)).map((answer, n) => [free[n]!, answer]));
      return starts.map((start): StartAnswer => answers.get(start) ?? { kind: "locked" });
    },
  });
  return { world, store, asked, unlock: () => void (isLocked = false) };
}

test("a start whose key is held is answered when the key is free, and the others of its batch at once", async () => {
  const { world, store, asked, unlock } = lockedWorld();
  const { tenfold } = await world.open([lead], {}, store);
  let isAnswered = false;
  const held = tenfold.start(lead, HELD).finally(() => (isAnswered = true));
  const others = [1, 2, 3].map((n) => tenfold.start(lead, { email: `${n}@a.org`, n }));
  const runs = await world.happens(Promise.all(others));
  assert.deepEqual(asked[0]?.keys, [HELD.email, "1@a.org", "2@a.org", "3@a.org"]);
  assert.deepEqual(await world.happens(Promise.all(runs.map((run) => run.result()))), [2, 4, 6]);
  await world.passes(3000);
  assert.equal(isAnswered, false);
  unlock();
  const run = await world.happens(held);
  assert.equal(run.existing, false);
  assert.equal(await world.happens(run.result()), 0);
});

test("it is asked for alone, less and less often", async () => {
  const { world, store, asked, unlock } = lockedWorld();
  const { tenfold } = await world.open([lead], {}, store);
  const held = tenfold.start(lead, HELD);
  const meanwhile = (async () => {
    for (let n = 1; n <= 20; n++) {
      await world.time.wait(100);
      await tenfold.start(lead, { email: `${n}@a.org`, n });
    }
  })();
  await world.happens(meanwhile);
  const again = asked.slice(1).filter(({ keys }) => keys.includes(HELD.email));
  assert.ok(again.length > 3);
  for (const { keys } of again) assert.deepEqual(keys, [HELD.email]);
  const pauses = again.slice(1).map(({ at }, n) => at - again[n]!.at);
  for (const [n, pause] of pauses.slice(1).entries()) assert.ok(pause > pauses[n]!, `${pauses.join(", ")} ms`);
  unlock();
  await world.happens(held);
});

test("a key that is held for too long is given up by name, and nothing is started", async () => {
  const { world, store } = lockedWorld();
  const { tenfold } = await world.open([lead], {}, store);
  const parts = ['"held@a.org"', '"lead"', "10 s", "no run was started"];
  const error = await rejects(world.happens(tenfold.start(lead, HELD)), "STORE_BUSY", ...parts);
  assert.deepEqual(error.facts, { workflow: "lead", key: HELD.email });
  assert.deepEqual(world.records, []);
});

test("of many, those whose key is held are refused, and the others are started", async () => {
  const { world, store } = lockedWorld();
  const { tenfold } = await world.open([lead], {}, store);
  const answers: string[] = [];
  const all = (async () => {
    for await (const answer of tenfold.startMany(lead, [
      { email: "1@a.org", n: 1 },
      HELD,
      { email: "2@a.org", n: 2 },
    ])) {
      answers.push(answer.kind === "refused" ? answer.error.code : answer.kind);
    }
  })();
  await world.happens(all);
  assert.deepEqual(answers, ["started", "STORE_BUSY", "started"]);
  assert.equal(world.records.length, 2);
});
