/** `tenfold prune`, the real program, on a store with runs of long ago. */
import assert from "node:assert/strict";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import { commitOf, COMPLETED, FAILED, idMaker, joined, keyOf, startOf } from "../store/sample.ts";
import { project, type Project } from "./project.ts";

/** Forty runs that ended a hundred days ago, every fourth of which has failed, and one that has not ended. */
async function withOldRuns(t: TestContext): Promise<Project> {
  const one = project(t);
  const store = await openSqlite(path.join(one.folder, "runs.db"));
  const lease = await joined(store, "a");
  const make = idMaker();
  const at = Date.now() - 100 * 86_400_000;
  const ids = Array.from({ length: 41 }, (_, nth) => make(at + nth));
  await store.start(0, ids.map((id, nth) => startOf(id, { key: keyOf(`k${nth}`) })), at, lease); // prettier-ignore
  const ended = ids.slice(1).map((id, nth) => commitOf(id, { then: nth % 4 === 0 ? FAILED : COMPLETED }));
  await store.commit(lease, ended, at);
  await store.close();
  return one;
}

async function left({ call }: Project): Promise<number> {
  const { total } = JSON.parse((await call("runs", "--count", "--json")).stdout) as { total: number };
  return total;
}

test("--dry-run counts by workflow and status, and removes nothing", async (t) => {
  const one = await withOldRuns(t);
  const { code, stdout } = await one.call("prune", "--older-than", "90d", "--dry-run");
  assert.equal(code, 0);
  assert.match(
    stdout,
    /lead-intake +completed +30\nlead-intake +failed +10\n40 runs would be removed; nothing was changed\.\n/,
  );
  const json = JSON.parse((await one.call("prune", "--older-than", "90d", "--dry-run", "--json")).stdout) as object;
  assert.deepEqual(json, {
    found: 40,
    pruned: 0,
    keysForgotten: 0,
    eventsForgotten: 0,
    counts: [
      { workflow: "lead-intake", status: "completed", runs: 30 },
      { workflow: "lead-intake", status: "failed", runs: 10 },
    ],
    dryRun: true,
    missing: [],
  });
  assert.equal(await left(one), 41);
});

test("--dry-run counts also beside --yes", async (t) => {
  const one = await withOldRuns(t);
  const { stdout } = await one.call("prune", "--older-than", "90d", "--yes", "--dry-run");
  assert.match(stdout, /40 runs would be removed; nothing was changed/);
  assert.equal(await left(one), 41);
});

test("--yes removes what is old enough and found, and says how many", async (t) => {
  const one = await withOldRuns(t);
  const failed = await one.call("prune", "--older-than", "90d", "--status", "failed", "--yes");
  assert.match(failed.stdout, /^10 runs removed in [\d.]+ m?s\.\n$/);
  assert.equal(failed.code, 0);
  assert.equal(await left(one), 31);
  const rest = JSON.parse((await one.call("prune", "--older-than", "90d", "--yes", "--json")).stdout) as object;
  assert.deepEqual(rest, {
    found: 30,
    pruned: 30,
    keysForgotten: 0,
    eventsForgotten: 0,
    counts: [{ workflow: "lead-intake", status: "completed", runs: 30 }],
    missing: [],
  });
  assert.equal(await left(one), 1);
  const none = await one.call("prune", "--older-than", "90d", "--yes");
  assert.deepEqual([none.code, none.stdout], [0, "No such run ended so long ago; nothing was removed.\n"]);
});

test("keys that are not to be known any longer are forgotten with their runs", async (t) => {
  const one = await withOldRuns(t);
  const { stdout } = await one.call("prune", "--older-than", "90d", "--keep-keys", "1d", "--yes");
  assert.match(stdout, /^40 runs removed .*\n40 keys forgotten, whose time was over\.\n$/);
});

test("rows whose runs were pruned are known, and do not stop the others of their file", async (t) => {
  const one = project(t);
  one.write("leads.csv", "email,country\na@example.com,DE\nb@example.com,FR\n");
  await one.call("run", "leads", "leads.csv");
  const store = await openSqlite(path.join(one.folder, "runs.db"));
  const runs = await store.list(0, {}, { before: null, limit: 9 });
  const pruning = { before: Date.now() + 1000, keysForMs: 1e9, linesMax: 1000 };
  await store.prune(0, runs.map(({ id }) => id), pruning); // prettier-ignore
  await store.close();
  one.write("leads.csv", "email,country\na@example.com,DE\nb@example.com,FR\nc@example.com,DE\n");
  const { code, stdout } = await one.call("run", "leads", "leads.csv");
  assert.match(stdout, /3 rows, 1 started, 2 already known, 1 completed, 2 pruned/);
  assert.equal(code, 0);
  const known = await one.call("run", "leads", '{"email":"a@example.com","country":"DE"}');
  assert.match(known.stderr, /has ended, and was pruned since/);
  assert.equal(known.code, 0);
});

const REFUSED: readonly (readonly [readonly string[], RegExp])[] = [
  [[], /How old is not said; nothing was pruned\..*tenfold prune --older-than 90d/],
  [["--older-than", "old"], /`--older-than` is "old", which is no duration/],
  [["--older-than", "1m", "--yes"], /Give 10 minutes or more/],
  [["--older-than", "90d"], /nobody to ask; nothing was pruned\. Add `--yes`/],
  [["--older-than", "90d", "--keep-keys", "long"], /`--keep-keys` is "long"/],
  [["--older-than", "90d", "--status", "held", "--yes"], /has not ended, so it cannot be pruned/],
  [["--older-then", "90d"], /Did you mean `--older-than`\?/],
];

test("what cannot be meant is refused, and nothing is removed", async (t) => {
  const one = await withOldRuns(t);
  for (const [flags, says] of REFUSED) {
    const { code, stderr } = await one.call("prune", ...flags);
    assert.notEqual(code, 0);
    assert.match(stderr, says, flags.join(" "));
  }
  assert.equal(await left(one), 41);
});
