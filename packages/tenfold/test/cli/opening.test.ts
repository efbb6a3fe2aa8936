/** Opening a store that another program has locked: what is said while it is waited for, and what comes of it. */
import assert from "node:assert/strict";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import { isLocked } from "../../src/store/sqlite/open.ts";
import { answerOf, project, said } from "./project.ts";

/** Keeps the file locked until it is told to let go. */
function lock(t: TestContext, file: string): () => void {
  const database = new DatabaseSync(file);
  t.after(() => database.close());
  database.exec("begin immediate");
  return () => database.exec("rollback");
}

test("a command that waits for a locked store says so, names the file and the time, and goes on when it is free", async (t) => {
  const one = project(t);
  await one.call("run", "hello", `{"name":"Anna"}`);
  const store = path.join(one.folder, "runs.db");
  const unlock = lock(t, store);
  const running = one.begin("runs", "--count", "--json");
  t.after(() => running.kill("SIGKILL"));
  const answer = answerOf(running);
  await said(running, `Waiting: another program has locked the store ${store}. It is tried for 30 s`);
  unlock();
  const { code, stdout } = await answer;
  assert.equal((JSON.parse(stdout) as { total: number }).total, 1);
  assert.equal(code, 0);
});

test("a store is known to be locked only while somebody keeps it so, and none is made by asking", async (t) => {
  const one = project(t);
  const store = path.join(one.folder, "runs.db");
  assert.equal(isLocked(store), false);
  assert.match((await one.call("runs")).stderr, /There is no store/);
  await one.call("run", "hello", `{"name":"Anna"}`);
  assert.equal(isLocked(store), false);
  const unlock = lock(t, store);
  assert.equal(isLocked(store), true);
  unlock();
  assert.equal(isLocked(store), false);
});
