/** `tenfold queues`, the real program: a line that another program works is shown, paused, set and drained. */
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { answerOf, project, type Answer, type Project } from "./project.ts";

const SOURCES = pathToFileURL(path.resolve(import.meta.dirname, "../../src/index.ts")).href;
/** A body lasts as long as the file `hold` is there. */
const CONFIG = `
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { limit, step, workflow } from ${JSON.stringify(SOURCES)};
const crm = limit("crm", { concurrency: 2 });
const enrich = step("enrich", {
  queue: { limit: crm, per: { key: (n: number) => String(n), concurrency: 1 } },
  timeout: "1h",
  async run(n: number, { signal }): Promise<number> {
    while (existsSync(new URL("hold", import.meta.url))) await sleep(20, undefined, { signal });
    return n;
  },
});
const leads = workflow<number>("leads", { flow: (n) => enrich(n) });
export default { store: "runs.db", workflows: [leads] };
`;

interface Shown {
  readonly queue: string;
  readonly kind: string;
  readonly waiting: number;
  readonly running: number;
  readonly concurrency: number | null;
  readonly isPaused: boolean;
  readonly settings: object;
}

async function shownIn(one: Project): Promise<readonly Shown[]> {
  return (JSON.parse((await one.call("queues", "--json")).stdout) as { queues: Shown[] }).queues;
}

/** Asks until it holds of the limit. */
async function until(one: Project, holds: (limit: Shown) => boolean): Promise<void> {
  let shown: readonly Shown[] = [];
  for (let tries = 0; tries < 100; tries++) {
    shown = await shownIn(one);
    if (shown[0] !== undefined && holds(shown[0])) return;
  }
  assert.fail(`it is still ${JSON.stringify(shown)}`);
}

test("a line is shown, paused, set, told of by why, and drained, while another program works it", async (t) => {
  const one = project(t);
  one.write("tenfold.config.ts", CONFIG);
  one.write("hold", "");
  one.write("leads.jsonl", Array.from({ length: 12 }, (_, n) => String(n)).join("\n"));
  await one.call("run", "leads", "leads.jsonl", "--no-wait");
  const silent = await one.call("queues");
  assert.match(silent.stdout, /^queue +waiting[^\n]*\ncrm +0 +0[^\n]* 2 at once\n {2}enrich +0 +0[^\n]* 1 at once of a key\n$/); // prettier-ignore
  const dev = one.begin("dev");
  t.after(() => void dev.kill());
  await until(one, ({ running, waiting }) => running === 2 && waiting === 10);
  const text = (await one.call("queues")).stdout;
  assert.match(text, /\ncrm +10 +2 .*concurrency of crm|\n {2}enrich +10 +2 .*concurrency of crm/);
  const { runs } = JSON.parse((await one.call("runs", "--json")).stdout) as { runs: { id: string }[] };
  const whys = await Promise.all(runs.slice(0, 4).map(({ id }) => one.call("why", id)));
  const waits = whys.find(({ stdout }) => stdout.includes("its turn in the queue"))!;
  assert.match(
    waits.stdout,
    /enrich waits for its turn in the queue enrich: 2 at once of the limit crm is what holds it up.*\n +tenfold queues set crm --concurrency <n>/,
  );

  const paused = await one.call("queues", "pause", "crm");
  assert.equal(paused.stdout, "crm is paused: what runs goes on, and nothing starts until `tenfold queues resume crm`.\n"); // prettier-ignore
  const why = whys.indexOf(waits);
  assert.match((await one.call("why", runs[why]!.id)).stdout, /whose limit crm is paused\n +tenfold queues resume crm/);
  assert.match((await one.call("queues")).stdout, /\ncrm .*paused/);
  const set = await one.call("queues", "set", "crm", "--concurrency", "5", "--rate", "1000/s", "--json");
  const settings = { concurrency: 5, rate: "1000/s", isPaused: true };
  assert.deepEqual(JSON.parse(set.stdout), { queue: "crm", settings });
  assert.equal((await one.call("queues", "resume", "crm")).stdout, "crm goes on.\n");
  await until(one, ({ running, concurrency }) => running === 5 && concurrency === 5);
  assert.match((await one.call("queues")).stdout, /5 at once, 1000\/s \(set\)/);
  const unset = await one.call("queues", "set", "crm", "--unset");
  assert.equal(unset.stdout, "The limits of crm are set: as the code says.\n");
  await until(one, ({ concurrency, settings: now }) => concurrency === 2 && Object.keys(now).length === 0);

  const cut = one.begin("queues", "drain", "crm", "--json");
  setTimeout(() => cut.kill("SIGINT"), 1500);
  const stopped = await answerOf(cut);
  assert.deepEqual([stopped.code, (JSON.parse(stopped.stdout) as { drained: boolean }).drained], [130, false]);
  const draining = one.call("queues", "drain", "enrich");
  await one.call("queues");
  await import("node:fs").then(({ rmSync }) => rmSync(path.join(one.folder, "hold")));
  const drained = await draining;
  assert.match(drained.stdout, /^Nobody waits or runs in enrich any more, after /);
  assert.equal(drained.code, 0);
  const counts = await one.call("runs", "--count", "--json");
  assert.match(counts.stdout, /"status": ?"completed",\s*"runs": ?12/);
});

test("what cannot be meant is refused with the way out, and changes nothing", async (t) => {
  const one = project(t);
  one.write("tenfold.config.ts", CONFIG);
  await one.call("run", "leads", "1", "--no-wait");
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["stop", "crm"], /There is no `tenfold queues stop`.*There are pause, resume, drain, set/],
    [["pause"], /`pause` takes the name of a queue or a limit/],
    [["pause", "cmr"], /QUEUE_UNKNOWN: There is no queue and no limit "cmr"; nothing was set\. Did you mean `crm`\?/],
    [["drain", "nothing-like-it"], /QUEUE_UNKNOWN: .*nothing was done\. There are crm, enrich\./],
    [["set", "crm"], /What is to be set of crm is not said/],
    [["set", "crm", "--concurrency", "many"], /`--concurrency many` is no number of bodies/],
    [["set", "crm", "--rate", "fast"], /RATE_INVALID: .*"fast".*"100\/s"/],
    [["set", "crm", "--unset", "--rate", "1/s"], /`--unset` leaves no limit to be set/],
    [
      ["set", "crm", "--per-rate", "1/s"],
      /which has no keys; nothing was set\. Set it of a queue that shares it: enrich\./,
    ],
    [["pause", "crm", "--rate", "1/s"], /`--rate` belongs to a `set`, not to a `pause`/],
    [["--rate", "1/s"], /`--rate` belongs to a `set`/],
  ];
  const answers = await Promise.all(cases.map(([words]) => one.call("queues", ...words)));
  answers.forEach(({ code, stderr }: Answer, nth) => {
    assert.match(stderr.replaceAll(/\s+/g, " "), cases[nth]![1]);
    assert.equal(code, 4, cases[nth]![0].join(" "));
  });
  assert.deepEqual((await shownIn(one)).map(({ settings, isPaused }) => [settings, isPaused]), [[{}, false], [{}, false]]); // prettier-ignore
  const none = project(t);
  await none.call("run", "hello", `{"name":"Anna"}`, "--no-wait");
  assert.match((await none.call("queues")).stderr, /No step has a queue/);
});
