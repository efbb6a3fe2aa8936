/** The statements of the Postgres store, as a whole: each names its lane, and none is of a shape that costs two nodes. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import * as carefully from "../../src/store/postgres/commit-carefully.ts";
import * as claim from "../../src/store/postgres/claim.ts";
import * as commit from "../../src/store/postgres/commit.ts";
import * as events from "../../src/store/postgres/event-statements.ts";
import * as fence from "../../src/store/postgres/fence.ts";
import * as files from "../../src/store/postgres/files.ts";
import * as laneRow from "../../src/store/postgres/lane-row.ts";
import * as list from "../../src/store/postgres/list.ts";
import * as load from "../../src/store/postgres/load.ts";
import * as look from "../../src/store/postgres/look.ts";
import * as membership from "../../src/store/postgres/membership.ts";
import * as mark from "../../src/store/postgres/move-mark.ts";
import * as moving from "../../src/store/postgres/moving-tables.ts";
import * as notices from "../../src/store/postgres/notices.ts";
import * as openServers from "../../src/store/postgres/open-servers.ts";
import * as place from "../../src/store/postgres/place.ts";
import * as post from "../../src/store/postgres/post.ts";
import * as postpone from "../../src/store/postgres/postpone.ts";
import * as prune from "../../src/store/postgres/prune.ts";
import * as queues from "../../src/store/postgres/queue-statements.ts";
import * as read from "../../src/store/postgres/read.ts";
import * as schedules from "../../src/store/postgres/schedules.ts";
import * as send from "../../src/store/postgres/send.ts";
import * as share from "../../src/store/postgres/share.ts";
import * as start from "../../src/store/postgres/start.ts";
import * as startWithin from "../../src/store/postgres/start-within.ts";
import * as subscriptions from "../../src/store/postgres/subscriptions.ts";
import * as changes from "../../src/store/postgres/tally-changes.ts";
import * as tally from "../../src/store/postgres/tally.ts";
import * as transactions from "../../src/store/postgres/transactions.ts";

const STATEMENT = /^\s*(?:with|select|insert|update|delete)\b/;
const FOLDER = new URL("../../src/store/postgres/", import.meta.url);

/** What is no part of a lane: the store's own facts, which lanes a server has, the mark of a move, and notifications. */
const OF_NO_LANE = new Set([
  ...["READ_DATABASE", "READ_META", "NAME_STORE", "MARK_PLACED", "NOTIFY", "NOTIFY_UNSYNCED"],
  ...["READ_LANES", "READ_HELD", "COUNT_LANES"],
  ...["IS_STILL_OURS", "HAS_TABLE", "READ_MARK", "WRITE_MARK", "SET_DONE"],
]);

const MODULES: readonly object[] = [
  ...[
    carefully,
    claim,
    commit,
    events,
    fence,
    files,
    laneRow,
    list,
    load,
    look,
    mark,
    membership,
    moving,
    notices,
    openServers,
    place,
  ],
  ...[
    post,
    postpone,
    prune,
    queues,
    read,
    schedules,
    send,
    share,
    start,
    startWithin,
    subscriptions,
    changes,
    tally,
    transactions,
  ],
];

/** Every exported statement by its name. */
const statements: ReadonlyMap<string, string> = new Map(
  MODULES.flatMap((module): [string, unknown][] => Object.entries(module)).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string" && STATEMENT.test(entry[1]),
  ),
);

test("every statement is an exported constant", () => {
  const written = readdirSync(FOLDER)
    .filter((file) => !["migrations.ts", "migrate.ts", "move-lane.ts", "lane-tables.ts"].includes(file))
    .flatMap((file) => [
      ...readFileSync(new URL(file, FOLDER), "utf8").matchAll(
        /const (\w+) =\s*["`]\s*(?:with|select|insert|update|delete)\s/g,
      ),
    ])
    .map(([, name]) => name!);
  assert.deepEqual(
    written.filter((name) => !statements.has(name)),
    [],
  );
  assert.ok(statements.size > 30, `${statements.size} of them`);
});

test("every statement names its lane, for each table of which it reads or writes rows", () => {
  for (const [name, sql] of statements) {
    if (OF_NO_LANE.has(name)) continue;
    const tables = sql.match(/tenfold\.(?!lanes)\w+/g)?.length ?? 0;
    const lanes = sql.match(/\blane\b/g)?.length ?? 0;
    assert.match(sql, /lane = \$1/, name);
    assert.ok(lanes >= Math.min(tables, 1), `${name}: ${tables} tables, ${lanes} lanes`);
    assert.doesNotMatch(sql, /lane = any|lane in \(/, name);
  }
});

test("every insert takes its lane from a row, so that it is one node's work", () => {
  for (const [name, sql] of statements) {
    if (OF_NO_LANE.has(name) || !/\binsert into\b/.test(sql)) continue;
    assert.match(sql, /insert into[^;]*select (?:l|a)\.lane/s, name);
    assert.match(sql, /from tenfold\.(?:leases l|lanes a)\b/, name);
    assert.equal(sql.match(/\binsert into\b/g)!.length, 1, `${name} inserts once`);
  }
});

test("no statement is of a kind that fails or costs two nodes where tables are distributed", () => {
  for (const [name, sql] of statements) {
    assert.doesNotMatch(sql, /clock_timestamp|random\(|gen_random_uuid|nextval|now\(\)/, `${name} takes now`);
    assert.doesNotMatch(sql, /with[^;]*as \(\s*(?:insert|delete)\b[^;]*\binsert into/s, name);
    assert.doesNotMatch(sql, /select \*|returning \*/, name);
    assert.doesNotMatch(sql, /advisory/, name);
  }
});

test("what a start sends reads only tables of a few rows, since its plans are made once", () => {
  const { INSERT_RUNS, INSERT_KEYS, TAKE_KEYS, INSERT_ATTRIBUTES, TAKE_TURNS, COUNT_STARTED } = start;
  const sent = [INSERT_RUNS, INSERT_KEYS, TAKE_KEYS, INSERT_ATTRIBUTES, TAKE_TURNS, COUNT_STARTED];
  for (const sql of [...sent, laneRow.LOCK_LANE, fence.FENCE_ALIVE, read.PUT_GRAPHS]) {
    const tables = [...sql.matchAll(/(?:from|join)\s+tenfold\.(\w+)/g)].map(([, table]) => table!);
    assert.deepEqual(
      tables.filter((table) => !["lanes", "leases", "turns"].includes(table)),
      [],
      sql,
    );
  }
});

test("whether there is any run of a kind is asked as the first of an index, since `exists` may read the whole table", () => {
  for (const [name, sql] of statements) {
    const asked = [...sql.matchAll(/exists \(\s*select from tenfold\.runs \w+([^()]*)\)/g)].map(([, where]) => where!);
    assert.deepEqual(
      asked.filter((where) => !/\.id = /.test(where)),
      [],
      name,
    );
  }
});
