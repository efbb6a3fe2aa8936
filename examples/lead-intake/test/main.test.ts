/** `npm start` as a person and as a script use it, against a CRM that answers at once, and as often as it is asked to. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, watch, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { startCrm } from "../crm.ts";
import { lettersIn } from "../mail-sink.ts";
import type { Report } from "../report.ts";

const folder = await mkdtemp(path.join(tmpdir(), "lead-intake-"));
const crm = await startCrm({ latency: 0, quota: { perSecond: 1e6, atOnce: 1e6 } });
const strictCrm = await startCrm({ latency: 0 });
const UNHURRIED = { CRM_URL: crm.url, CRM_RATE: "10000/s", CRM_CONCURRENCY: "1000" };
/** With the limits that are there where nothing is set. */
const STRICT = { CRM_URL: strictCrm.url };
after(async () => {
  await Promise.all([crm.close(), strictCrm.close()]);
  await rm(folder, { recursive: true });
});

type Started = ReturnType<typeof spawnMain>;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function spawnMain(flags: readonly string[], settings: Record<string, string> = UNHURRIED) {
  const main = path.join(import.meta.dirname, "../main.ts");
  const child = spawn(process.execPath, [main, ...flags], { env: { ...process.env, ...settings } });
  const code = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const ended = Promise.all([code, text(child.stdout), text(child.stderr)]);
  return { child, ended: ended.then(([code, stdout, stderr]): Ended => ({ code, stdout, stderr })) };
}

function spawnIntake(name: string, flags: readonly string[], settings?: Record<string, string>): Started {
  const places = ["--store", path.join(folder, `${name}.db`), "--outbox", path.join(folder, name)];
  return spawnMain([...places, ...flags], settings);
}

function takeIn(name: string, ...flags: string[]): Promise<Ended> {
  return spawnIntake(name, flags).ended;
}

/** Sends `signal` in the middle of the work: when some letters are written and most are not. */
async function stopInTheMiddle(name: string, signal: NodeJS.Signals, settings = {}): Promise<Ended> {
  const outbox = path.join(folder, name);
  await mkdir(outbox);
  const started = spawnIntake(name, [], settings);
  for await (const _ of watch(outbox)) if ((await lettersIn(outbox)).length >= 20) break;
  started.child.kill(signal);
  return await started.ended;
}

function reportIn({ code, stdout, stderr }: Ended): Report {
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Report;
}

test("every good row is one run and every letter one file; started again, nothing is done twice; --fresh starts over", async () => {
  const first = reportIn(await takeIn("all", "--json"));
  assert.equal(first.workflow, "lead-intake");
  assert.deepEqual([first.runs, first.completed, first.failed], [463, 463, 0]);
  assert.equal(first.outputs.rejected.length, 16);
  assert.deepEqual([first.outputs.existing, first.outputs.existingFromBefore], [21, 0]);
  assert.deepEqual(
    first.queues.map(({ queue, rate, waiting, running }) => [queue, rate, waiting, running]),
    [
      ["crm-api", "10000/s", 0, 0],
      ["enrich", null, 0, 0],
      ["register", null, 0, 0],
      ["nurture", "20/s burst 10", 0, 0],
    ],
  );
  assert.ok(first.steps >= 463 * 5 && first.sequentialMs > 0);
  assert.ok(Object.keys(first.outputs.perPath).length >= 6);
  assert.equal((await lettersIn(path.join(folder, "all"))).length, first.outputs.letters);

  const again = reportIn(await takeIn("all", "--json"));
  assert.deepEqual([again.runs, again.completed, again.steps, again.speedup], [463, 463, 0, null]);
  assert.equal(again.outputs.existingFromBefore, 463);
  assert.deepEqual(again.outputs.perTier, first.outputs.perTier);
  assert.equal((await lettersIn(path.join(folder, "all"))).length, first.outputs.letters);

  const fresh = reportIn(await takeIn("all", "--json", "--fresh"));
  assert.deepEqual([fresh.outputs.existingFromBefore, fresh.steps >= 463 * 5], [0, true]);
});

test("killed in the middle and started again, it goes on, no letter or deal is there twice, and the CRM never says 429", async () => {
  const killed = await stopInTheMiddle("killed", "SIGKILL", STRICT);
  assert.deepEqual([killed.code, killed.stdout], [null, ""]);
  const { completed, outputs } = reportIn(await spawnIntake("killed", ["--json"], STRICT).ended);
  assert.deepEqual([completed, outputs.existingFromBefore], [463, 463]);
  assert.equal(strictCrm.refusedCalls, 0);
  assert.deepEqual([strictCrm.deals.length, new Set(strictCrm.deals).size], [37, 37]);
  assert.equal((await lettersIn(path.join(folder, "killed"))).length, outputs.letters);
});

test("interrupted by Ctrl-C it drains and says how to go on, and goes on", async () => {
  const interrupted = await stopInTheMiddle("interrupted", "SIGINT", UNHURRIED);
  assert.equal(interrupted.code, 130);
  assert.match(
    interrupted.stderr,
    /^Stopping: [^]*^lead-intake: stopping; [^]*^lead-intake: stopped; [^]*the same command again goes on/m,
  );
  const { completed, outputs } = reportIn(await takeIn("interrupted", "--json"));
  assert.equal(completed, 463);
  assert.equal((await lettersIn(path.join(folder, "interrupted"))).length, outputs.letters);
});

test("a person reads tiers, owners, letters, bad rows with row, column and reason, and what the time was", async () => {
  const { code, stdout } = await takeIn("read");
  assert.equal(code, 0);
  for (const line of [
    /^463 of 463 leads taken in$/m,
    /^ {2}spam {2,}24 /m,
    /^ {2}Hugo Marchand {2,}\d+ /m,
    /^Letters written: \d+/m,
    /^ {2}row 235 +budget +must not be negative: "-5000"$/m,
    /^Wall time /m,
    /^One after another /m,
  ]) {
    assert.match(stdout, line);
  }
});

test("a CSV without the needed columns is refused before the store is touched", async () => {
  const leads = path.join(folder, "wrong.csv");
  await writeFile(leads, "name,mail\nZoë,zoe@nova.example\n");
  const { code, stdout, stderr } = await takeIn("never", "--fresh", "--leads", leads);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /ROWS_INVALID: .*lacks the columns .*email/);
});

test("an unknown flag is a usage error with the way out, with --json one document, and --help shows an example", async () => {
  const wrong = await spawnMain(["--frehs"]).ended;
  assert.equal(wrong.code, 4);
  assert.match(wrong.stderr, /USAGE: .*--frehs[^]*npm start -- --help/);
  const rate = await spawnIntake("rate", ["--json"], { ...UNHURRIED, CRM_RATE: "fast" }).ended;
  assert.equal((JSON.parse(rate.stdout) as { error: { code: string } }).error.code, "RATE_INVALID");
  const document = JSON.parse((await spawnMain(["--json", "--frehs"]).ended).stdout) as { error: { code: string } };
  assert.equal(document.error.code, "USAGE");
  const help = await spawnMain(["--help"]).ended;
  assert.equal(help.code, 0);
  assert.match(help.stdout, /Example: /);
});

test("--fresh leaves a file alone that is no store", async () => {
  await writeFile(path.join(folder, "mine.db"), "my diary, not to be deleted");
  const { code, stderr } = await takeIn("mine", "--fresh");
  assert.equal(code, 1);
  assert.match(stderr, /STORE_FOREIGN/);
});
