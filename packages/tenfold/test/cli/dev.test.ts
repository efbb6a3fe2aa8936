/** `tenfold dev`, the real program: it works what others start, reloads, outlives an error in the code, and drains. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answerOf, project, said } from "./project.ts";

test("dev works what is started elsewhere, and Ctrl-C ends it with 130", async (t) => {
  const one = project(t);
  const dev = one.begin("dev");
  t.after(() => dev.kill("SIGKILL"));
  const answer = answerOf(dev);
  await said(dev, "Working");
  const completed = said(dev, "completed after");
  await one.call("run", "hello", `{"name":"Anna"}`, "--no-wait");
  await completed;
  dev.kill("SIGINT");
  const { code, stdout } = await answer;
  assert.match(stdout, /hello \w{24} started\n/);
  assert.equal(code, 130);
});

test("dev shows what bodies log, also what is only for information, and how far they are, once a second", async (t) => {
  const one = project(t);
  const flows = one.read("flows.ts").replace(`run: (input: { name: string }) =>`, `run: (input: { name: string }, ctx) => ctx.progress(5, 20) ?? ctx.progress(6, 20) ?? ctx.log.info("greeting", { whom: input.name }) ??`); // prettier-ignore
  one.write("flows.ts", flows);
  const dev = one.begin("dev", "--no-reload");
  t.after(() => dev.kill("SIGKILL"));
  const answer = answerOf(dev);
  await said(dev, "Working");
  const logged = said(dev, "info: greeting (workflow hello,");
  await one.call("run", "hello", `{"name":"Anna"}`, "--no-wait");
  await logged;
  dev.kill("SIGINT");
  const { stdout, stderr } = await answer;
  assert.match(stderr, /node greet, attempt 1, whom Anna\)/);
  assert.match(stdout, /hello \w{24} greet: 5 of 20\n/);
  assert.doesNotMatch(stdout, /6 of 20/);
});

test("dev reloads when a file that the config imports changes, and an error in it does not end dev", async (t) => {
  const one = project(t);
  const dev = one.begin("dev");
  t.after(() => dev.kill("SIGKILL"));
  const answer = answerOf(dev);
  await said(dev, "Working");
  const flows = one.read("flows.ts");
  const refused = said(dev, "It has stopped working");
  one.write("flows.ts", `${flows}\nconst broken: = 1;\n`);
  await refused;
  const again = said(dev, "Working");
  one.write("flows.ts", flows.replace("Hello ", "Hallo "));
  await again;
  assert.equal((await one.call("run", "hello", `{"name":"Anna"}`)).stdout, `"Hallo Anna"\n`);
  dev.kill("SIGTERM");
  const { code, stderr } = await answer;
  assert.match(stderr, /flows\.ts has changed: loading again/);
  assert.match(stderr, /CONFIG_INVALID.*flows\.ts:\d+/);
  assert.equal(code, 143);
});

test("dev cuts a message that is very long, wherever it tells it", async (t) => {
  const one = project(t);
  one.write("flows.ts", one.read("flows.ts").replace(`no such country: XX"`, `no such country: " + "x".repeat(9000)`));
  await one.call("run", "leads", `{"email":"a@example.com","country":"XX"}`, "--no-wait");
  const dev = one.begin("dev", "--no-reload");
  t.after(() => dev.kill("SIGKILL"));
  const answer = answerOf(dev);
  await said(dev, "failed after");
  dev.kill("SIGINT");
  const { stdout } = await answer;
  assert.equal(stdout.match(/no such country: x+ … \([\d,]+ more characters with --json\) … x+$/gm)?.length, 2);
});

test("dev tells of runs that wait for a workflow which its config has not, at its start and later", async (t) => {
  const one = project(t);
  one.write("both.config.ts", one.read("tenfold.config.ts"));
  one.write("tenfold.config.ts", one.read("tenfold.config.ts").replace("[hello, leads]", "[]"));
  const start = (...args: string[]) => one.call("run", ...args, "--no-wait", "--config", "both.config.ts");
  await start("leads", `{"email":"a@example.com","country":"DE"}`);
  const dev = one.begin("dev");
  t.after(() => dev.kill("SIGKILL"));
  const answer = answerOf(dev);
  await said(dev, "leads is not in tenfold.config.ts: 1 run waits until it is added to its `workflows`");
  const later = said(dev, "hello is not in tenfold.config.ts: 2 runs wait");
  one.write("two.jsonl", `{"name":"Anna"}\n{"name":"Bo"}\n`);
  await start("hello", "two.jsonl");
  await later;
  dev.kill("SIGINT");
  const { stdout } = await answer;
  assert.equal(stdout.match(/is not in/g)?.length, 2, "each is told once");
});

test("a file that changes while it is being loaded is loaded again", async (t) => {
  const one = project(t);
  const flows = one.read("flows.ts");
  one.write("changed.ts", flows.replace("Hello ", "Hallo "));
  one.write("flows.ts", `import { renameSync } from "node:fs";\nrenameSync("changed.ts", "flows.ts");\n${flows}`);
  const dev = one.begin("dev");
  t.after(() => dev.kill("SIGKILL"));
  await said(dev, "flows.ts has changed: loading again");
  await said(dev, "Working");
  assert.equal((await one.call("run", "hello", `{"name":"Anna"}`)).stdout, `"Hallo Anna"\n`);
});

test("a run that is interrupted drains, says how to go on, and goes on with the same command", async (t) => {
  const one = project(t);
  const flows = one.read("flows.ts");
  // A step that hangs until it is told to stop; the second time it does not.
  one.write(
    "flows.ts",
    flows.replace(
      `run: ({ country }: { country: string }) => {`,
      `run: async ({ country }: { country: string }, ctx) => {
    const { existsSync, writeFileSync } = await import("node:fs");
    if (!existsSync("second")) {
      writeFileSync("second", "");
      console.error("hanging");
      await new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)));
    }`,
    ),
  );
  one.write("tenfold.config.ts", one.read("tenfold.config.ts").replace("workflows:", `drain: "50ms", workflows:`));
  one.write("leads.jsonl", `{"email":"a@example.com","country":"DE"}\n`);
  const running = one.begin("run", "leads", "leads.jsonl");
  const answer = answerOf(running);
  await said(running, "hanging");
  running.kill("SIGINT");
  const { code, stderr } = await answer;
  assert.match(stderr, /Stopped\. What was done is kept in .*runs\.db\. The same command again goes on from here/);
  assert.equal(code, 130);
  const again = await one.call("run", "leads", "leads.jsonl");
  assert.match(again.stdout, /1 already known, 1 completed/);
});
