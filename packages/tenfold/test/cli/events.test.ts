/** `tenfold emit` and `tenfold events`, the real program: what is started, what waits, what is refused. */
import assert from "node:assert/strict";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { project, said, type Project, type Running } from "./project.ts";

const SOURCES = pathToFileURL(path.resolve(import.meta.dirname, "../../src/index.ts")).href;

const configOf = (least: number): string => `
import { gte, on, step, workflow } from ${JSON.stringify(SOURCES)};
import { z } from ${JSON.stringify(import.meta.resolve("zod"))};
const note = step("note", { timeout: "5s", run: (text: string) => text });
const welcome = workflow<{ email: string }>("welcome", { triggers: [on("lead.created")], flow: (lead) => note(lead.email) });
const hot = workflow("hot", {
  input: z.object({ to: z.string().min(${least}) }),
  triggers: [on("lead.created", { where: (lead: any) => gte(lead.points, 80), input: (lead: any) => ({ to: lead.email }) })],
  flow: (input) => note(input.to),
});
export default { store: "runs.db", workflows: [welcome, hot] };
`;

/** A project whose workflows have subscribed, and a worker if it is to go on. */
async function subscribed(t: TestContext): Promise<Project> {
  const one = project(t);
  one.write("tenfold.config.ts", configOf(3));
  await stopped(await working(one));
  return one;
}

async function working({ begin }: Project): Promise<Running> {
  const worker = begin("work");
  await said(worker, "working");
  return worker;
}

async function stopped(worker: Running): Promise<void> {
  worker.kill("SIGTERM");
  await new Promise((resolve) => worker.once("close", resolve));
}

const ANN = '{"email":"ann","points":90}';

test("an event is emitted, waits for a worker, is started once, and told of", async (t) => {
  const one = await subscribed(t);
  const { call } = one;
  const listed = await call("events");
  assert.match(listed.stdout, /^event +starts +where +on\nlead\.created +hot +gte\(points, 80\) +\{ to: email \}\nlead\.created +welcome/); // prettier-ignore
  const first = await call("emit", "lead.created", ANN, "--id", "1", "--no-wait");
  assert.deepEqual([first.code, first.stdout.split("\n")[0]], [0, "Emitted lead.created 1."]);
  assert.match(first.stdout, /hot +waits for a worker that has its code/);
  assert.match((await call("events")).stdout, /Waiting for a worker that has the workflow's code: 2 deliveries\./);
  assert.match((await call("events", "--waiting", "--workflow", "hot")).stdout, /lead\.created +1 +hot +/);
  const worker = await working(one);
  const again = await call("emit", "lead.created", ANN, "--id", "1", "--json");
  const { isNew, workflows, deliveries } = JSON.parse(again.stdout) as any;
  assert.deepEqual([isNew, workflows, deliveries.map(({ state }: any) => state)], [false, ["hot", "welcome"], ["started", "started"]]); // prettier-ignore
  await stopped(worker);
  const runs = JSON.parse((await call("runs", "--json")).stdout) as any;
  assert.deepEqual(
    runs.runs.map(({ key }: any) => key),
    ["event/lead.created/1", "event/lead.created/1"],
  );
  assert.match((await call("events", "show", "lead.created", "1")).stdout, /hot +run \w+\nwelcome +run \w+/);
  const unknown = await call("events", "show", "lead.created", "2");
  assert.deepEqual([unknown.code, /is known/.test(unknown.stdout)], [1, true]);
});

test("a workflow that is gone is ended: no event is kept for it, and what waited is refused", async (t) => {
  const { call } = await subscribed(t);
  await call("emit", "lead.created", ANN, "--id", "1", "--no-wait");
  const ended = await call("events", "end", "hot", "--json");
  assert.deepEqual(JSON.parse(ended.stdout), { workflow: "hot", events: ["lead.created"], refused: 1 });
  const { workflows } = JSON.parse((await call("emit", "lead.created", ANN, "--no-wait", "--json")).stdout) as any;
  assert.deepEqual(workflows, ["welcome"]);
  assert.match((await call("events", "--refused")).stdout, /hot .*WORKFLOW_UNKNOWN/);
  assert.match((await call("events", "end", "hot")).stderr, /nothing was done/);
});

test("what nobody wants is said so, and why", async (t) => {
  const { call } = await subscribed(t);
  assert.match((await call("emit", "lead.lost", "7")).stdout, /for nobody: no workflow subscribes to it/);
  assert.match((await call("emit", "lead.creatd", "7")).stdout, /Did you mean lead\.created\?/);
  const broken = await call("emit", "lead.created", "{x");
  assert.match(broken.stderr, /The payload is no JSON: .*; nothing was emitted\./);
  const cold = JSON.parse((await call("emit", "lead.created", '{"points":1}', "--no-wait", "--json")).stdout) as any;
  assert.deepEqual([cold.workflows, cold.filtered], [["welcome"], ["hot"]]);
});

test("what a workflow refuses is told, listed, and delivered again by better code", async (t) => {
  const one = await subscribed(t);
  const { call } = one;
  const strict = await working(one);
  const refused = await call("emit", "lead.created", '{"email":"x","points":90}', "--id", "1");
  assert.equal(refused.code, 1);
  assert.match(refused.stdout, /hot +refused: INPUT_INVALID .*to/);
  await stopped(strict);
  assert.match((await call("events", "--refused")).stdout, /lead\.created +1 +hot .*INPUT_INVALID/);
  assert.match((await call("events", "retry", "--dry-run")).stdout, /1 delivery would be made again; nothing was done/);
  assert.match((await call("events", "retry")).stderr, /nobody to ask; nothing was done.*--yes/);
  one.write("tenfold.config.ts", configOf(1));
  assert.deepEqual(JSON.parse((await call("events", "retry", "--yes", "--json")).stdout), { found: 1, redelivered: 1 });
  const lenient = await working(one);
  const again = await call("emit", "lead.created", "null", "--id", "1");
  assert.deepEqual([again.code, /Emitted before/.test(again.stdout), /hot +run/.test(again.stdout)], [0, true, true]);
  await stopped(lenient);
  assert.equal((await call("events", "retry")).code, 1);
});

test("a file has one event per row, named by a field, and a row that came before starts nothing", async (t) => {
  const one = await subscribed(t);
  one.write("leads.csv", "email,points\nann,1\nbob,2\n,3\n");
  const emit = async () => one.call("emit", "lead.created", "leads.csv", "--id-from", "email", "--json");
  const first = JSON.parse((await emit()).stdout) as any;
  assert.deepEqual([first.emitted, first.repeated, first.refused.map(({ row }: any) => row)], [2, 0, [4]]);
  const second = JSON.parse((await emit()).stdout) as any;
  assert.deepEqual([second.emitted, second.repeated], [0, 2]);
});

const REFUSED: readonly (readonly [readonly string[], RegExp])[] = [
  [["emit", "lead created"], /EVENT_INVALID.*nothing was emitted/],
  [["emit", "lead.created", "{"], /USAGE.*no JSON/],
  [["emit", "lead.created", "{}", "--id-from", "email"], /`--id-from` belongs to a file of rows; nothing was emitted/],
  [["events", "shw"], /There is no `tenfold events shw`/],
  [["events", "show", "lead.created"], /`show` takes an event's name and its id/],
  [["events", "retry", "lead.created"], /`retry` flags alone/],
  [["events", "retry", "--tenant", "acme", "--yes"], /`--tenant` belongs to `tenfold events show`; nothing was done/],
  [["events", "end", "welcome", "--event", "lead.created"], /`--event` belongs to `tenfold events` and `tenfold events retry`/], // prettier-ignore
  [["events", "--waiting", "--refused"], /Either what waits is listed, or what was refused/],
  [["events", "--event", "nope"], /^No subscription is of that name/],
  [["events", "--yes"], /`--yes` belongs to `tenfold events retry`/],
];

test("what cannot be meant is refused with the way out", async (t) => {
  const { call } = await subscribed(t);
  for (const [words, message] of REFUSED) {
    const { code, stderr } = await call(...words);
    assert.match(stderr, message, words.join(" "));
    assert.ok(code === 4 || code === 1 || words.includes("nope"), words.join(" "));
  }
});
