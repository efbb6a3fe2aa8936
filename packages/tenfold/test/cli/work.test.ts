/** `tenfold work`, the real program: it says whether it is ready, drains, and deploys that roll over it lose nothing. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { startServer } from "../../src/cli/postgres-server.ts";
import { DEFAULT_SETTINGS } from "../../src/engine/engine.ts";
import { open, type RunHandle, type Tenfold } from "../../src/index.ts";
import type { Workflow } from "../../src/flow/index.ts";
import { newDatabase } from "../store/postgres-server.ts";
import { answerOf, project, type Project, type Running } from "./project.ts";

/** Every attempt leaves a line outside of the store; a body waits as long as a file says. */
const FLOWS = `
import { appendFileSync, existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
const attempted = (ctx) => appendFileSync("attempts", ctx.key + " " + Date.now() + "\\n");
const pick = step("pick", {
  async run({ ms }: { ms: number }, ctx) {
    attempted(ctx);
    await delay(ms);
    while (existsSync("hold")) await delay(1);
    return ms;
  },
});
const send = step("send", {
  run(ms: number, ctx) {
    attempted(ctx);
    return "sent after " + ms;
  },
});
export const parcel = workflow<{ ms: number }>("parcel", { flow: (input) => send(pick(input)) });
`;

type Parcel = Workflow<{ ms: number }, string>;

function parcels(t: TestContext): Project {
  const one = project(t);
  const imports = one
    .read("flows.ts")
    .split("\n")
    .find((line) => line.includes("{ match, step, workflow }"))!;
  one.write("flows.ts", imports.replace("match, ", "") + FLOWS);
  one.write(
    "tenfold.config.ts",
    `import { parcel } from "./flows.ts";\nexport default { store: "runs.db", workflows: [parcel] };\n`,
  );
  return one;
}

interface Worker {
  readonly program: Running;
  readonly answer: ReturnType<typeof answerOf>;
  /** What it answers to a question of its health: the status, and what it says. */
  ask(path: string, method?: string): Promise<readonly [status: number, text: string]>;
}

/** A worker that has said that it is ready. */
async function worker(t: TestContext, one: Project, ...args: readonly string[]): Promise<Worker> {
  const program = one.begin("work", "--health", "0", "--json", ...args);
  t.after(() => program.kill("SIGKILL"));
  const answer = answerOf(program);
  let heard = "";
  const ready = await new Promise<{ health: string }>((resolve, reject) => {
    program.stdout.on("data", (text: string) => {
      const line = (heard += text).split("\n").find((each) => each.includes(`"event":"ready"`));
      if (line !== undefined) resolve(JSON.parse(line) as { health: string });
    });
    void answer.then(({ stderr }) => reject(new Error(`It ended: ${heard}${stderr}`)));
  });
  const ask: Worker["ask"] = async (at, method = "GET") => {
    const response = await fetch(`${ready.health}${at}`, { method });
    return [response.status, (await response.text()).trim()];
  };
  return { program, answer, ask };
}

async function client(one: Project, store: string): Promise<{ tenfold: Tenfold; parcel: Parcel }> {
  const flows = (await import(pathToFileURL(path.join(one.folder, "flows.ts")).href)) as { parcel: Parcel };
  return { tenfold: await open({ store, workflows: [flows.parcel], work: false }), parcel: flows.parcel };
}

test("a deploy that rolls over two workers loses no run, does nothing twice, and keeps none waiting for a lease", async (t) => {
  const [one, store] = [parcels(t), await newDatabase()];
  let [first, second] = [await worker(t, one, "--store", store), await worker(t, one, "--store", store)];
  const { tenfold, parcel } = await client(one, store);
  const runs: RunHandle<string>[] = [];
  const load = { goesOn: true };
  const starting = (async () => {
    while (load.goesOn) {
      runs.push(await tenfold.start(parcel, { ms: runs.length % 50 }));
      await delay(2);
    }
  })();
  const seen = async (more: number): Promise<void> => {
    for (const until = runs.length + more; runs.length < until;) await delay(2);
  };
  await seen(50);
  for (const which of [0, 1]) {
    const old = which === 0 ? first : second;
    old.program.kill("SIGTERM");
    const { code, stdout } = await old.answer;
    assert.equal(code, 0);
    assert.match(stdout, /"event":"stopped".*"bodiesCutShort":0/);
    const next = await worker(t, one, "--store", store);
    assert.deepEqual(await next.ask("/ready"), [200, "ready"]);
    if (which === 0) first = next;
    else second = next;
    await seen(50);
  }
  load.goesOn = false;
  await starting;
  for (const run of runs) assert.match(await run.result(), /^sent after \d+$/);
  await tenfold.close();

  const attempts = one
    .read("attempts")
    .trim()
    .split("\n")
    .map((line) => line.split(" ") as [string, string]);
  const keys = attempts.map(([key]) => key);
  assert.equal(new Set(keys).size, keys.length, "no body was called twice");
  assert.equal(keys.length, 2 * runs.length, "and each was called");
  const begun = new Map(attempts.map(([key, at]) => [key, Number(at)]));
  const waits: number[] = [];
  const looking = await client(one, store);
  for await (const { id, startedAt } of looking.tenfold.runs()) {
    const [picked, sent] = [begun.get(`${id}/pick`)!, begun.get(`${id}/send`)!];
    waits.push(picked - startedAt, sent - picked);
  }
  await looking.tenfold.close();
  assert.equal(waits.length, 2 * runs.length);
  const longest = Math.max(...waits);
  t.diagnostic(`${runs.length} runs; the longest wait for an attempt was ${longest} ms`);
  assert.ok(longest < DEFAULT_SETTINGS.leaseMs, `${longest} ms`);
  for (const { program, answer } of [first, second]) {
    program.kill("SIGTERM");
    await answer;
  }
});

test("a worker that drains is alive and not ready, finishes what runs, and ends as it was told", async (t) => {
  const one = parcels(t);
  one.write("hold", "");
  const { tenfold, parcel } = await client(one, path.join(one.folder, "runs.db"));
  const run = await tenfold.start(parcel, { ms: 0 });
  const { program, answer, ask } = await worker(t, one, "--drain", "1h", "--slots", "3");
  while (!existsSync(path.join(one.folder, "attempts"))) await delay(1);
  assert.deepEqual(await ask("/ready"), [200, "ready"]);
  const draining = once(program.stdout, "data");
  program.kill("SIGINT");
  await draining;
  assert.deepEqual(await ask("/ready"), [503, "draining"]);
  assert.deepEqual(await ask("/live"), [200, "live"]);
  assert.deepEqual(await ask("/live", "HEAD"), [200, ""]);
  assert.equal((await ask("/live", "POST"))[0], 405);
  assert.deepEqual(await ask("/"), [404, "There are /live and /ready."]);
  rmSync(path.join(one.folder, "hold"));
  const { code, stdout } = await answer;
  assert.equal(code, 0);
  const events = stdout
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { event: string }).event);
  assert.deepEqual(events, ["ready", "draining", "sum", "stopped"]);
  const again = await worker(t, one);
  assert.equal(await run.result(), "sent after 0");
  assert.equal(one.read("attempts").match(/\/pick /g)?.length, 1, "it had been finished");
  again.program.kill("SIGTERM");
  await again.answer;
  await tenfold.close();
});

test("a second signal ends a worker that drains at once, and what it held is done by the next one", async (t) => {
  const one = parcels(t);
  one.write("hold", "");
  const { tenfold, parcel } = await client(one, path.join(one.folder, "runs.db"));
  const run = await tenfold.start(parcel, { ms: 0 });
  const { program, answer } = await worker(t, one, "--drain", "1h");
  while (!existsSync(path.join(one.folder, "attempts"))) await delay(1);
  const draining = once(program.stdout, "data");
  program.kill("SIGTERM");
  await draining;
  program.kill("SIGTERM");
  assert.equal((await answer).code, 143);
  rmSync(path.join(one.folder, "hold"));
  const next = await worker(t, one);
  assert.equal(await run.result(), "sent after 0");
  next.program.kill("SIGTERM");
  assert.equal((await next.answer).code, 0);
  await tenfold.close();
});

test("a worker gives back what does not finish within its drain, and says so", async (t) => {
  const one = parcels(t);
  one.write("hold", "");
  const { tenfold, parcel } = await client(one, path.join(one.folder, "runs.db"));
  const run = await tenfold.start(parcel, { ms: 0 });
  const { program, answer } = await worker(t, one, "--drain", "20ms");
  while (!existsSync(path.join(one.folder, "attempts"))) await delay(1);
  program.kill("SIGTERM");
  const { code, stdout } = await answer;
  assert.match(stdout, /"level":"warn","event":"stopped".*"bodiesCutShort":1/);
  assert.equal(code, 0);
  assert.equal((await tenfold.show(run.id)).status, "running", "it is the next one's");
  await tenfold.close();
});

test("a worker whose store takes no writes is not ready until it takes them again", async (t) => {
  const root = mkdtempSync(path.join(tmpdir(), "tenfold-stall-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  chmodSync(root, 0o755);
  const folder = path.join(root, "server");
  const before = await startServer(folder);
  const one = parcels(t);
  one.write("hold", "");
  const { program, answer, ask } = await worker(t, one, "--store", before.url);
  const starting = await client(one, before.url);
  const { id } = await starting.tenfold.start(starting.parcel, { ms: 0 });
  await starting.tenfold.close();
  while (!existsSync(path.join(one.folder, "attempts"))) await delay(1);
  await before.stop();
  rmSync(path.join(one.folder, "hold"));
  while ((await ask("/ready"))[0] === 200) await delay(5);
  assert.deepEqual(await ask("/ready"), [503, "stalled"]);
  assert.deepEqual(await ask("/live"), [200, "live"]);
  const after = await startServer(folder);
  assert.equal(after.url, before.url);
  while ((await ask("/ready"))[0] !== 200) await delay(5);
  const { tenfold } = await client(one, after.url);
  assert.equal(await tenfold.run(id).result(), "sent after 0");
  await tenfold.close();
  program.kill("SIGTERM");
  assert.match((await answer).stdout, /"level":"error".*takes no writes[^]*"level":"warn".*takes writes again/);
  await after.stop();
});

test("without --json a worker writes lines with their times, and tells of runs that failed", async (t) => {
  const one = project(t);
  await one.call("run", "leads", `{"email":"a@example.com","country":"XX"}`, "--no-wait");
  const program = one.begin("work");
  t.after(() => program.kill("SIGKILL"));
  const answer = answerOf(program);
  let heard = "";
  while (!heard.includes("failed")) heard += String((await once(program.stdout, "data"))[0]);
  program.kill("SIGTERM");
  const { code, stdout, stderr } = await answer;
  const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/.source;
  assert.match(stdout, new RegExp(`^${time} info working store=.*runs\\.db workflows=\\["hello","leads"\\]\n`));
  assert.match(
    stdout,
    new RegExp(`\n${time} warn a run failed workflow=leads run=\\w{24} node=rate message=no such country: XX\n`),
  );
  assert.match(stdout, new RegExp(`\n${time} info done since the last sum failedAttempts=1 failed=1\n`));
  assert.match(stdout, new RegExp(`\n${time} info stopped bodiesCutShort=0\n$`));
  assert.equal(stderr, "");
  assert.equal(code, 0);
});

test("a health that cannot be served is refused before anything is worked", async (t) => {
  const one = project(t);
  const taken = createServer().listen(0, "127.0.0.1");
  t.after(() => taken.close());
  await once(taken, "listening");
  const { port } = taken.address() as { port: number };
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [["--health", `${port}`], /another program listens there. Name another port/],
    [["--health", "http"], /`--health http` is not meant.*a whole number from 0 to 65535/],
    [["--health", "0", "--host", "203.0.113.7"], /no such address.*0\.0\.0\.0 for all/],
    [["--host", "0.0.0.0"], /Add `--health <port>`/],
    [["--slots", "0"], /a whole number from 1/],
    [["--drain", "soon"], /--drain/],
    [["--store", ":memory:"], /nobody else reaches one in memory/],
  ];
  for (const [args, says] of wrong) {
    const { code, stdout, stderr } = await one.call("work", ...args);
    assert.match(stderr, says);
    assert.deepEqual([code, stdout], [4, ""]);
  }
  assert.ok(!existsSync(path.join(one.folder, "runs.db")));
});
