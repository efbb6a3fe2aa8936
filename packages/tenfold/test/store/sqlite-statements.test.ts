/** The statements of the SQLite store, as a whole: each names its lane, and finds its rows by an index. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import * as claim from "../../src/store/sqlite/claim.ts";
import * as commit from "../../src/store/sqlite/commit.ts";
import * as files from "../../src/store/sqlite/files.ts";
import * as events from "../../src/store/sqlite/events.ts";
import * as heldRuns from "../../src/store/sqlite/held-runs.ts";
import * as list from "../../src/store/sqlite/list.ts";
import * as load from "../../src/store/sqlite/load.ts";
import * as membership from "../../src/store/sqlite/membership.ts";
import * as moving from "../../src/store/sqlite/moving-tables.ts";
import * as post from "../../src/store/sqlite/post.ts";
import * as prune from "../../src/store/sqlite/prune.ts";
import * as queues from "../../src/store/sqlite/queues.ts";
import * as read from "../../src/store/sqlite/read.ts";
import * as schedules from "../../src/store/sqlite/schedules.ts";
import * as send from "../../src/store/sqlite/send.ts";
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import * as start from "../../src/store/sqlite/start.ts";
import * as tally from "../../src/store/sqlite/tally.ts";
import * as transactions from "../../src/store/sqlite/transactions.ts";
import { newFile } from "./files.ts";

const FOLDER = new URL("../../src/store/sqlite/", import.meta.url);

/** Every exported statement by its name. */
const statements: ReadonlyMap<string, string> = new Map(
  [
    claim,
    commit,
    files,
    events,
    heldRuns,
    list,
    load,
    membership,
    moving,
    post,
    prune,
    queues,
    read,
    schedules,
    send,
    start,
    tally,
    transactions,
  ]
    .flatMap((module): [string, unknown][] => Object.entries(module))
    .filter((entry): entry is [string, string] => typeof entry[1] === "string"),
);

test("every statement is an exported constant, known to these tests", () => {
  // The mark of a move is of no lane, in tables that only a store which moves has.
  const sources = readdirSync(FOLDER).filter((file) => !["migrations.ts", "move-mark.ts"].includes(file));
  const written = sources.flatMap((file) => [
    ...readFileSync(new URL(file, FOLDER), "utf8").matchAll(/(\w+) =\s*["`]\s*(?:select|insert|update|delete)\s/g),
  ]);
  assert.deepEqual(written.map(([, name]) => name).sort(), [...statements.keys()].sort());
});

test("every statement names its lane and lists its columns", () => {
  assert.ok(statements.size > 30);
  for (const [name, sql] of statements) {
    assert.match(sql, /\blane\b/, name);
    assert.doesNotMatch(sql, /select \*|returning \*/, name);
    assert.doesNotMatch(sql, /datetime|strftime|unixepoch|current_timestamp|random\(/, `${name} takes now`);
  }
});

test("every statement finds its rows by an index, without a scan", async () => {
  const path = newFile();
  await (await openSqlite(path)).close();
  const file = new DatabaseSync(path);
  for (const [name, sql] of statements) {
    const plan = file.prepare(`explain query plan ${sql}`).all() as { detail: string }[];
    for (const { detail } of plan) {
      // A list read from json_each is small and was given by the caller.
      if (/json_each|CONSTANT ROW/.test(detail)) continue;
      assert.doesNotMatch(detail, /^SCAN/, `${name}: ${detail}`);
    }
  }
  file.close();
});

test("a statement that names rows by their numbers finds them by their numbers", async () => {
  const path = newFile();
  await (await openSqlite(path)).close();
  const file = new DatabaseSync(path);
  const byNumber = [...statements].filter(([, sql]) =>
    /\b(from|update) runs\b[^;]*\bwhere[^;]*\bnumber (= \?|in \()/.test(sql),
  );
  assert.ok(byNumber.length >= 4, `${byNumber.length} of them`);
  for (const [name, sql] of byNumber) {
    const plan = file.prepare(`explain query plan ${sql}`).all() as { detail: string }[];
    const search = plan.find(({ detail }) => / runs/.test(detail));
    assert.match(search?.detail ?? "", /INTEGER PRIMARY KEY/, name);
  }
  file.close();
});
