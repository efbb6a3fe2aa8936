/** `tenfold plan` and `tenfold upgrade`, the real program: a deploy, seen before and after. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { project, said, type Project, type Running } from "./project.ts";

const HEAD = (flows: string) => flows.match(/import .*\n/)![0].replace("match,", "match, waitFor,");

/** A workflow `wait` with these nodes behind its signal, in the place of the project's. */
function deploy(one: Project, head: string, behind: string): void {
  one.write(
    "flows.ts",
    `${head}
const greet = step("greet", { timeout: "5s", run: (input: { name: string }) => "Hello " + input.name });
const shout = step("shout", { timeout: "5s", run: (given: { text: string; go: unknown }) => given.text.toUpperCase() });
const whisper = step("whisper", { timeout: "5s", run: (given: { text: string; go: unknown }) => given.text.toLowerCase() });
export const hello = workflow<{ name: string }>("hello", { flow: (input) => ${behind} });
`,
  );
}

const OLD = `shout({ text: greet(input), go: waitFor("go") })`;
const NEW = `whisper({ text: greet(input), go: waitFor("go") })`;
const UNFIT = `shout({ text: greet.as("salute")(input), go: waitFor("go") })`;

/** A worker that has begun to work. */
async function working(t: TestContext, one: Project): Promise<Running> {
  const worker = one.begin("work");
  t.after(() => worker.kill("SIGKILL"));
  await said(worker, "working");
  return worker;
}

/** A run that waits for its signal. */
async function waiting(t: TestContext): Promise<{ one: Project; head: string; run: string }> {
  const one = project(t);
  const head = HEAD(one.read("flows.ts"));
  one.write(
    "tenfold.config.ts",
    `import { hello } from "./flows.ts";\nexport default { store: "runs.db", workflows: [hello] };\n`,
  );
  deploy(one, head, OLD);
  const run = (await one.call("run", "hello", `{"name":"Anna"}`, "--no-wait")).stdout.trim();
  const worker = await working(t, one);
  for (let left = 100; left > 0; left--) {
    if ((await one.call("why", run)).stdout.includes("waits for the signal go")) break;
  }
  worker.kill("SIGTERM");
  await new Promise((gone) => worker.once("close", gone));
  return { one, head, run };
}

test("a plan tells what changes and whom it would hold; an upgrade moves those that fit; show says so", async (t) => {
  const { one, head, run } = await waiting(t);
  const same = await one.call("plan");
  assert.equal(same.code, 0, same.stderr);
  assert.match(same.stdout, /^hello {2}unchanged\n {2}1 run in flight\n {4}1 on this graph: 1 at wait-go\n/);

  deploy(one, head, NEW.replaceAll("shout", "none"));
  one.write("flows.ts", one.read("flows.ts").replace(/const shout.*\n/, ""));
  const plan = await one.call("plan");
  assert.equal(plan.code, 1, plan.stderr);
  assert.match(plan.stdout, /^hello {2}changed\n {2}- shout \(step shout\)\n {2}\+ whisper \(step whisper\)\n/);
  assert.match(plan.stdout, /would be held: 1 once they get there, at shout: the step shout is gone/);
  assert.match(plan.stdout, /1 can go on with this graph: tenfold upgrade --workflow hello\n/);
  assert.match(plan.stdout, /1 of 1 workflow changed; 1 run would be held, or worked by nobody\.\n$/);
  const document = JSON.parse((await one.call("plan", "hello", "--json")).stdout) as {
    held: number;
    workflows: { graphs: { fit: number }[] }[];
  };
  assert.deepEqual([document.held, document.workflows[0]!.graphs[0]!.fit], [1, 1]);

  const dry = await one.call("upgrade", "--workflow", "hello", "--dry-run");
  assert.match(dry.stdout, /^1 run of 1 would go on with this code's graph; nothing was changed\.\n$/);
  assert.equal(dry.code, 0);
  const nobody = await one.call("upgrade", "--workflow", "hello");
  assert.equal(nobody.code, 4);
  assert.match(nobody.stderr, /there is nobody to ask; nothing was changed\. Add `--yes`/);

  const worker = await working(t, one);
  const moved = await one.call("upgrade", run);
  assert.match(moved.stdout, /^1 run of 1 goes on with this code's graph\.\n$/);
  assert.equal(moved.code, 0);
  assert.match((await one.call("show", run)).stdout, /^graph +[\w-]{8}\n +moved from [\w-]{8} to [\w-]{8}, /m);
  await one.call("signal", run, "go");
  for (let left = 100; left > 0; left--) {
    if ((await one.call("show", run)).stdout.includes("hello anna")) break;
  }
  assert.match((await one.call("show", run)).stdout, /"hello anna"/);
  worker.kill("SIGTERM");
  await new Promise((gone) => worker.once("close", gone));
});

test("runs that do not fit are told by node and reason, and mistakes are refused before anything is done", async (t) => {
  const { one, head, run } = await waiting(t);
  deploy(one, head, UNFIT);
  const refused = await one.call("upgrade", run);
  assert.equal(refused.code, 1);
  assert.match(
    refused.stdout,
    /^0 runs of 1 go on with this code's graph\.\n {2}1 cannot: greet: the new graph has no such node \(such as /,
  );
  assert.match((await one.call("plan")).stdout, /1 cannot: greet: the new graph has no such node/);
  for (const [words, message] of [
    [["upgrade"], /Which runs\? Nothing was changed/],
    [["upgrade", run, "--workflow", "hello"], /both given; nothing was changed/],
    [["upgrade", "--status", "failed"], /No run that is failed can be moved/],
    [["plan", "nobody"], /WORKFLOW_UNKNOWN/],
    [["upgrade", "nobody"], /RUN_UNKNOWN/],
  ] as const) {
    const answer = await one.call(...words);
    assert.match(answer.stderr, message);
    assert.notEqual(answer.code, 0);
  }
});
