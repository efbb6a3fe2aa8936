/** A Postgres that tenfold keeps: where it is found, whose it is, and what is left when somebody is killed. */
import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { alivePid, commandOf, runningServer, serverFiles } from "../../src/cli/postgres-files.ts";
import { startServer } from "../../src/cli/postgres-server.ts";
import { TenfoldError } from "../../src/value/error.ts";

const root = mkdtempSync(path.join(tmpdir(), "tenfold-server-"));
// Started by root, a server is another user's.
chmodSync(root, 0o755);
after(() => rmSync(root, { recursive: true, force: true }));

/** One server's folder for all of these, made once: Postgres needs seconds to make its data. */
const folder = path.join(root, "kept");
const files = serverFiles(folder);

async function answers(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>({ text: sql })).rows.map((row) => Object.values(row)[0]);
  } finally {
    await client.end();
  }
}

async function until(what: () => boolean): Promise<void> {
  while (!what()) await delay(5);
}

interface Kept {
  readonly url: string;
  readonly isOurs: boolean;
  readonly program: ChildProcess;
}

/** Another program, which has the server kept and says so. */
async function keptByAnother(t: TestContext, from = folder): Promise<Kept> {
  const program = spawn(process.execPath, [path.resolve(import.meta.dirname, "keeping.ts"), from], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => program.kill("SIGKILL"));
  const [line] = (await once(program.stdout!, "data")) as [Buffer];
  return { ...(JSON.parse(String(line)) as Omit<Kept, "program">), program };
}

function parentOf(pid: number): number {
  return Number(spawnSync("ps", ["-o", "ppid=", "-p", `${pid}`], { encoding: "utf8" }).stdout);
}

test("a server is found by its folder while it runs, keeps its data and port, and lets nobody else read its password", async () => {
  assert.equal(runningServer(folder), undefined);
  const first = await startServer(folder);
  assert.equal(runningServer(folder), first.url);
  assert.equal(statSync(files.url).mode & 0o077, 0);
  assert.deepEqual(await answers(first.url, "create table kept as select 7 as seven"), []);
  assert.deepEqual(await answers(first.url, "show server_encoding"), ["UTF8"]);
  assert.deepEqual(await answers(first.url, "show listen_addresses"), ["127.0.0.1"]);
  await first.stop();
  assert.equal(runningServer(folder), undefined);
  const second = await startServer(folder, ["max_connections=7"]);
  assert.equal(second.url, first.url);
  assert.deepEqual(await answers(second.url, "select seven from kept"), [7]);
  assert.deepEqual(await answers(second.url, "show max_connections"), ["7"]);
  await second.stop();
});

test("another port is taken where the one of before is not free", async (t) => {
  const before = new URL(readFileSync(files.url, "utf8").trim());
  const other = createServer().listen(Number(before.port), "127.0.0.1");
  t.after(() => other.close());
  await once(other, "listening");
  const server = await startServer(folder);
  assert.notEqual(new URL(server.url).port, before.port);
  assert.deepEqual(await answers(server.url, "select seven from kept"), [7]);
  await server.stop();
});

test("of two programs that start it at once one has it, and the other uses it", async (t) => {
  const both = await Promise.all([keptByAnother(t), keptByAnother(t)]);
  assert.deepEqual(both.map(({ isOurs }) => isOurs).sort(), [false, true]);
  assert.equal(both[0].url, both[1].url);
  const [user, owner] = [both.find(({ isOurs }) => !isOurs)!, both.find(({ isOurs }) => isOurs)!];
  user.program.kill("SIGTERM");
  await once(user.program, "exit");
  assert.deepEqual(await answers(owner.url, "select seven from kept"), [7]);
  owner.program.kill("SIGTERM");
  await until(() => runningServer(folder) === undefined);
});

test("a server stops with the program that has it kept, even if that is killed", async (t) => {
  const { url, program } = await keptByAnother(t);
  const pid = alivePid(files.pid)!;
  program.kill("SIGKILL");
  await until(() => alivePid(files.pid) === undefined);
  await assert.rejects(answers(url, "select 1"));
  // Nobody may bury it, but it has no command any more.
  await until(() => commandOf(pid)?.includes(files.data) !== true);
});

test("a server whose keeper was killed too is stopped by the next one, which goes on with its data", async (t) => {
  const { program, url } = await keptByAnother(t);
  const orphan = alivePid(files.pid)!;
  process.kill(parentOf(orphan), "SIGKILL");
  program.kill("SIGKILL");
  await once(program, "exit");
  assert.deepEqual(await answers(url, "insert into kept values (8) returning seven"), [8]);
  const server = await startServer(folder);
  assert.notEqual(alivePid(files.pid), orphan);
  assert.deepEqual(await answers(server.url, "select seven from kept order by 1"), [7, 8]);
  await server.stop();
});

test("a server that was killed, and whose number another program has now, is forgotten", async () => {
  const first = await startServer(folder);
  const pid = alivePid(files.pid)!;
  const trace = readFileSync(files.pid, "utf8");
  process.kill(pid, "SIGKILL");
  await until(() => parentOf(pid) === 0);
  await first.stop();
  writeFileSync(files.pid, trace.replace(`${pid}`, `${process.pid}`));
  assert.equal(runningServer(folder), undefined);
  const second = await startServer(folder);
  assert.deepEqual(await answers(second.url, "select seven from kept order by 1"), [7, 8]);
  await second.stop();
});

test("data that were made halfway are made anew", async () => {
  const fresh = path.join(root, "fresh");
  mkdirSync(path.join(fresh, "data.new"), { recursive: true });
  writeFileSync(path.join(fresh, "data.new", "PG_VERSION"), "18\n");
  const server = await startServer(fresh);
  assert.deepEqual(await answers(server.url, "select 1"), [1]);
  await server.stop();
});

test("a server that does not start says why, and where its log is", async () => {
  await assert.rejects(startServer(folder, ["shared_buffers=much"]), (thrown) => {
    assert.ok(thrown instanceof TenfoldError);
    assert.equal(thrown.code, "STORE_UNREACHABLE");
    assert.match(thrown.message, /does not start in .*kept; nothing was done[^]*shared_buffers[^]*Its log is .*log\./);
    return true;
  });
  rmSync(files.url);
  await assert.rejects(startServer(folder), /url is gone, with the password of the data/);
});
