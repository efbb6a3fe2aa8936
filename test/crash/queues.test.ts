/**
 * Real workers with queues are killed by SIGKILL, owners of lines among them, and stopped for longer than their lease: all runs
 * end, and what their bodies did, by notes outside of the store, never exceeds the limits.
 */
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { open } from "../../packages/tenfold/src/index.ts";
import { seededRandom } from "../../packages/tenfold/src/value/random.ts";
import { newDatabase } from "../../packages/tenfold/test/store/postgres-server.ts";
import type { Workflow } from "../../packages/tenfold/src/flow/index.ts";
import { auditQueues, type QueueFindings } from "./queue-audit.ts";
import { effectsOf } from "./queue-log.ts";
import { QueuedFleet } from "./queued-fleet.ts";
import { PROMISED, queuedFlows, type Letter } from "./queued-flows.ts";

const LEASE_MS = 1500;
/** Every so many blows are a stop instead of a kill. */
const STOP_EVERY = 4;
const PATIENCE_MS = 25_000;
/** Runs of another workflow that are started beside the letters. */
const MAILS = 4;

const inFile = async (folder: string): Promise<string> => path.join(folder, "store.db");

interface Play {
  readonly store: (folder: string) => Promise<string>;
  readonly workers: number;
  readonly blows: number;
  /** Each time before a blow. */
  readonly letters: number;
}

/** A folder with a store, a client of it that does no work, and a fleet on it that has not been started. */
async function staged(t: TestContext, storeIn: Play["store"]) {
  const folder = mkdtempSync(path.join(tmpdir(), "tenfold-queues-"));
  chmodSync(folder, 0o755);
  const store = await storeIn(folder);
  const flows = queuedFlows(() => assert.fail("the client works"));
  const tenfold = await open({ store, workflows: Object.values(flows), work: false });
  const fleet = new QueuedFleet(store, folder, LEASE_MS);
  t.after(async () => {
    await fleet.close();
    await tenfold.close();
  });
  const until = async (what: string, holds: () => Promise<boolean> | boolean): Promise<void> => {
    for (const from = performance.now(); !(await holds()); await pause(20)) {
      assert.deepEqual(fleet.failures, []);
      if (performance.now() - from < PATIENCE_MS) continue;
      assert.fail(
        `after ${PATIENCE_MS} ms not so: ${what}; left are ${await fleet.left()}; the notes are in ${folder}`,
      );
    }
  };
  const opened = async (workers: number): Promise<void> => {
    for (let nth = 0; nth < workers; nth++) fleet.start();
    await until("all workers opened", () => fleet.alive.every((each) => fleet.hasOpened(each)));
  };
  const startAll = async (flow: Workflow<Letter, any>, letters: readonly Letter[]): Promise<void> => {
    for await (const { kind } of tenfold.startMany(flow, letters)) assert.equal(kind, "started");
  };
  const allDone = (runs: number): Promise<void> =>
    until("all runs completed", async () => {
      const counts = await tenfold.counts();
      return counts.reduce((sum, each) => sum + (each.status === "completed" ? each.runs : 0), 0) === runs;
    });
  /** The bodies that there were, once they have been judged. */
  const judged = async (tasks: number): Promise<QueueFindings> => {
    await fleet.close();
    const findings = auditQueues({ lives: fleet.lives, leaseMs: LEASE_MS, promised: PROMISED, tasks });
    assert.deepEqual(findings.breaches, [], `the notes are in ${folder}`);
    rmSync(folder, { recursive: true });
    return findings;
  };
  return { flows, tenfold, fleet, until, opened, startAll, allDone, judged };
}

/** Blows while runs are started, and after them until all is done. */
async function play(t: TestContext, { store, workers, blows, letters }: Play): Promise<void> {
  const seed = Math.floor(Math.random() * 1_000_000);
  t.diagnostic(`seed ${seed}`);
  const random = seededRandom(`queues ${seed}`);
  const { flows, fleet, opened, startAll, allDone, judged } = await staged(t, store);
  const anyOf = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const lettersOf = (count: number): Letter[] =>
    Array.from({ length: count }, (_, n) => ({ tenant: n % 10 === 9 ? "small" : "large", n }));
  const startSome = async (): Promise<void> => {
    await startAll(flows.letters, lettersOf(letters));
    await startAll(flows.mails, lettersOf(MAILS));
    await startAll(flows.posts, lettersOf(1));
  };

  await opened(workers);
  let [ofOwners, stops] = [0, 0];
  for (let blow = 0; blow < blows; blow++) {
    await startSome();
    await pause(100 + random() * 600);
    const owners = await fleet.owners();
    const isOwner = owners.length > 0 && blow % 2 === 0;
    const victim = anyOf(isOwner ? owners : fleet.alive);
    if (isOwner) ofOwners++;
    if (blow % STOP_EVERY === STOP_EVERY - 2) {
      stops++;
      fleet.freeze(victim);
      await pause(LEASE_MS * (1.2 + random()));
      fleet.thaw(victim);
    } else {
      await fleet.kill(victim);
      fleet.start();
    }
  }
  await startSome();
  const lastAt = performance.now();
  const times = blows + 1;
  await allDone(times * (letters + MAILS + 1));
  const tookMs = Math.round(performance.now() - lastAt);
  t.diagnostic(
    `${blows} blows, ${ofOwners} to owners of lines, ${stops} stops; all was done ${tookMs} ms after the last`,
  );
  const { effects, again, overlaps } = await judged(times * (3 * letters + 3 * MAILS + 1));
  t.diagnostic(
    `${effects.length} bodies, ${again} of them again, ${overlaps} in frozen programs beside what was counted`,
  );
}

test(
  "eight workers on one Postgres die and freeze, and the limits of queues hold over all of them",
  { timeout: 120_000 },
  (t) => play(t, { store: () => newDatabase(), workers: 8, blows: 12, letters: 20 }),
);

test(
  "three workers on one file die and freeze, and the limits of queues hold over all of them",
  { timeout: 120_000 },
  (t) => play(t, { store: inFile, workers: 3, blows: 10, letters: 20 }),
);

test(
  "of two tenants with the same share, one run does not wait for two thousand of the other",
  { timeout: 120_000 },
  async (t) => {
    const { flows, tenfold, fleet, until, opened, startAll, allDone, judged } = await staged(t, inFile);
    const many = Array.from({ length: 1000 }, (_, n) => ({ tenant: "large", n }));
    await opened(2);
    const from = performance.now();
    await startAll(flows.shares, many);
    await until("many are at work", () => effectsOf(fleet.lives).length > 100);
    const askedAt = performance.now();
    const one = await tenfold.start(flows.shares, { tenant: "small", n: 0 });
    await startAll(flows.shares, many);
    await one.result();
    const oneMs = performance.now() - askedAt;
    await allDone(2 * many.length + 1);
    const allMs = performance.now() - askedAt;
    const { effects } = await judged(2 * many.length + 1);
    const before = effects.findIndex(({ key }) => key === "small");
    t.diagnostic(
      `the one was done ${Math.round(oneMs)} ms after it was started, as the ${before + 1}th; the many ${Math.round(allMs)} ms; ` +
        `${Math.round((2 * many.length * 1000) / (allMs + askedAt - from))} runs/s`,
    );
    assert.ok(oneMs < allMs / 3, `${oneMs} ms of ${allMs} ms`);
  },
);
