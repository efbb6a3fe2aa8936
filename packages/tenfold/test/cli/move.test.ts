/** `tenfold move`, the real program: what it carries, what it says, and what the other commands say behind it. */
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { openToMove } from "../../src/engine/move.ts";
import { newDatabase } from "../store/postgres-server.ts";
import { project, type Project } from "./project.ts";

const LEADS = `email,country\na@example.com,DE\nb@example.com,XX\nc@example.com,FR\n`;

/** With runs that have ended, and one that waits. */
async function withRuns(t: Parameters<typeof project>[0]): Promise<Project> {
  const one = project(t);
  one.write("leads.csv", LEADS);
  await one.call("run", "leads", "leads.csv");
  await one.call("run", "hello", `{"name":"Anna"}`, "--no-wait");
  return one;
}

interface Shown {
  readonly id: string;
  readonly workflow: string;
}

async function runsIn(one: Project, store: string): Promise<readonly Shown[]> {
  return (JSON.parse((await one.call("runs", "--store", store, "--json")).stdout) as { runs: Shown[] }).runs;
}

async function shownIn(one: Project, store: string, runs: readonly Shown[]): Promise<readonly unknown[]> {
  const shown: unknown[] = [];
  for (const { id } of runs) {
    shown.push(JSON.parse((await one.call("show", id, "--store", store, "--json")).stdout));
  }
  return shown;
}

test("a store goes to Postgres and back with all that is to be seen of it, and is left closed", async (t) => {
  const [one, url] = [await withRuns(t), await newDatabase()];
  const before = await runsIn(one, "runs.db");
  const seen = await shownIn(one, "runs.db", before);
  assert.equal(before.length, 4);

  const moved = await one.call("move", "runs.db", url);
  assert.match(moved.stdout, /^table +rows +hash, the same in both\n/);
  assert.match(moved.stdout, /\nruns +4 +[0-9a-f]{32}\n/);
  assert.match(moved.stderr, /Moved to postgres:.* in .*Name it in the config's `store`, or in DATABASE_URL/);
  assert.doesNotMatch(moved.stdout + moved.stderr, /tenfold:tenfold@/, "nobody sees the password");
  assert.equal(moved.code, 0);
  assert.deepEqual(await shownIn(one, url, before), seen);

  for (const line of [["runs"], ["work"], ["run", "hello", `{"name":"Ben"}`]]) {
    const refused = await one.call(...line);
    assert.match(refused.stderr, /runs\.db was moved to postgres:.*; nothing was opened\. Open that one/);
    assert.equal(refused.code, 1);
  }
  const again = await one.call("move", "runs.db", url, "--json");
  assert.equal((JSON.parse(again.stdout) as { existing: boolean }).existing, true);
  const undone = await one.call("move", "runs.db", "--undo");
  assert.match(
    undone.stderr,
    /no move of .* to give up: it has been moved to .*runs go on there\. Nothing was changed/,
  );
  assert.equal(undone.code, 4);

  const back = await one.call("move", url, "back.db", "--json");
  const { existing, tables } = JSON.parse(back.stdout) as { existing: boolean; tables: { table: string }[] };
  assert.equal(existing, false);
  assert.ok(tables.some(({ table }) => table === "journal"));
  assert.deepEqual(await shownIn(one, "back.db", before), seen);
});

test("what waits when a store is moved is done by the first worker of the new one", async (t) => {
  const [one, url] = [await withRuns(t), await newDatabase()];
  const [waiting] = await runsIn(one, "runs.db");
  assert.equal(waiting?.workflow, "hello");
  assert.equal((await one.call("move", "runs.db", url)).code, 0);
  const worked = await one.call("run", "hello", `{"name":"Ben"}`, "--store", url);
  assert.equal(worked.stdout, `"Hello Ben"\n`);
  const { output } = JSON.parse((await one.call("show", waiting!.id, "--store", url, "--json")).stdout) as {
    output: unknown;
  };
  assert.equal(output, "Hello Anna");
});

test("a move that was cut off leaves both stores closed, is told how it goes on, and can be given up", async (t) => {
  const [one, url] = [await withRuns(t), await newDatabase()];
  const [source, target] = [await openToMove(path.join(one.folder, "runs.db"), null), await openToMove(url, 1)];
  assert.ok(await source.leave("m", target.name));
  await target.receive("m", source.name);
  await Promise.all([source.close(), target.close()]);

  const from = await one.call("runs");
  assert.match(
    from.stderr,
    /is being moved to postgres:.*not finished; nothing was opened\. `tenfold move <from> <to>`/,
  );
  const to = await one.call("runs", "--store", url);
  assert.match(to.stderr, /is being filled from .*runs\.db, and that move is not finished; nothing was opened/);
  assert.deepEqual([from.code, to.code], [1, 1]);

  const undone = await one.call("move", "runs.db", "--undo");
  assert.match(undone.stdout, /runs\.db is as it was before, and is opened again/);
  assert.match(undone.stderr, /holds a part of it, which is of no use/);
  assert.equal((await runsIn(one, "runs.db")).length, 4);
  const other = await newDatabase();
  assert.equal((await one.call("move", "runs.db", other)).code, 0);
  assert.equal((await runsIn(one, other)).length, 4);
});

test("a move that cannot be meant is refused before anything is done", async (t) => {
  const one = await withRuns(t);
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [["runs.db"], /<to> is missing.*tenfold move <from> <to>/],
    [["runs.db", "./runs.db"], /already there; nothing was moved/],
    [["none.db", "new.db"], /There is no store .*none\.db; nothing was done/],
    [[":memory:", "new.db"], /A store in memory ends with the program/],
    [["runs.db", "postgres://a/x,postgres://b/x"], /between a file and one database.*Name one of them/],
    [["runs.db", "--undo"], /it is not being moved/],
  ];
  for (const [args, says] of wrong) {
    const { code, stdout, stderr } = await one.call("move", ...args);
    assert.match(stderr, says);
    assert.deepEqual([code, stdout], [4, ""]);
  }
  assert.equal((await runsIn(one, "runs.db")).length, 4);
});
