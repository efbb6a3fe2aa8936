/** The command line as such: help, versions, and a table of command lines that cannot be meant. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { COMMANDS } from "../../src/cli/commands.ts";
import { helpOf, overview } from "../../src/cli/help.ts";
import { project } from "./project.ts";

test("every command has a help with an example, and stands in the overview", async () => {
  for (const { name, load } of COMMANDS) {
    const command = await load();
    assert.match(helpOf(command), new RegExp(`Examples?:\\n  .*tenfold ${name}\\b`), name);
    assert.match(overview(), new RegExp(`tenfold ${name} `));
  }
});

test("--help, --version and no arguments at all are answered with exit code 0", async (t) => {
  const { call } = project(t);
  assert.match((await call()).stdout, /tenfold run /);
  assert.match((await call("--version")).stdout, /^\d+\.\d+\.\d+\n$/);
  for (const line of [
    ["run", "--help"],
    ["help", "run"],
  ]) {
    const { code, stdout } = await call(...line);
    assert.match(stdout, /Examples:/);
    assert.equal(code, 0);
  }
});

/** What is typed, and what the answer has to name. */
const WRONG: readonly (readonly [readonly string[], RegExp])[] = [
  [["rnu"], /Did you mean `tenfold run`\?/],
  [["--json", "runs"], /The command comes first.*`tenfold runs --json/],
  [["runs", "--stats", "failed"], /Did you mean `--status`\?/],
  [["runs", "--status", "fialed"], /Did you mean `--status failed`\?/],
  [["runs", "--since", "yesterday"], /a duration ago such as "1h"/],
  [["runs", "--since", "1h", "--until", "2h"], /Exchange the two/],
  [["runs", "--limit", "0"], /a whole number from 1/],
  [["runs", "--limit", "-1"], /`--limit -1` is no count.*a whole number from 1/],
  [["runs", "--before", "zzz"], /`--before zzz` is no run's id.*the first column of `tenfold runs`/],
  [["runs", "--attribute", "DE"], /--attribute country=DE/],
  [["runs", "--store"], /needs a value/],
  [["runs", "--json=1"], /takes no value/],
  [["runs", "more"], /more than `tenfold runs` takes/],
  [["runs", "--store", "none.db"], /There is no store .*none\.db yet/],
  [["run"], /<workflow> is missing/],
  [["run", "hello"], /<input> is missing/],
  [["run", "helo", "{}"], /Did you mean "hello"\?/],
  [["run", "hello", "{"], /single quotes/],
  [["run", "hello", "Anna"], /`'"Anna"'`/],
  [["run", "hello", ""], /The input is empty.*`null`.*standard input/],
  [["run", "hello", ".", "--format", "csv"], /There is no file/],
  [["run", "hello", "none.csv"], /There is no file .*none\.csv/],
  [["run", "hello", "{}", "--format", "xml"], /csv, jsonl or json/],
  [["run", "hello", "{}", "--at", "someday"], /a duration from now/],
  [["run", "hello", "{}", "--at", "2020-02-01"], /`--at 2020-02-01` is past.*Leave it out to start at once/],
  [["run", "hello", "{}", "--no-wait", "--store", ":memory:"], /--store runs\.db/],
  [["dev", "--store", ":memory:"], /reaches one in memory/],
  [["cancel"], /Which runs\?/],
  [["cancel", "x", "--workflow", "y"], /or the flags alone/],
  [["retry", "--status", "completed"], /`--status failed`/],
  [["graph", "hello", "--format", "svg"], /--format mermaid/],
  [["graph", "leeds"], /Did you mean "leads"\?/],
  [["check", "--config", "none.ts"], /There is no config .*none\.ts/],
];

for (const [args, wayOut] of WRONG) {
  test(`\`tenfold ${args.join(" ")}\` is a usage error that names the way out`, async (t) => {
    const { code, stdout, stderr } = await project(t).call(...args);
    assert.match(stderr, wayOut);
    assert.doesNotMatch(stderr, /\n\s+at /, "no stack");
    assert.equal(code, 4);
    if (!args.includes("--json")) assert.equal(stdout, "");
  });
}

test("with --json an error is one JSON document on standard output", async (t) => {
  const { call } = project(t);
  const { stdout, stderr } = await call("run", "helo", "{}", "--json");
  const { error } = JSON.parse(stdout) as { error: { code: string; facts: { nearest: string } } };
  assert.deepEqual([error.code, error.facts.nearest], ["WORKFLOW_UNKNOWN", "hello"]);
  assert.match(stderr, /WORKFLOW_UNKNOWN/);
});

test("an unknown run, a foreign file and a bad input are a no, not a usage error", async (t) => {
  const one = project(t);
  await one.call("run", "hello", `{"name":"Anna"}`);
  assert.equal((await one.call("show", "nope")).code, 1);
  assert.equal((await one.call("runs", "--store", "flows.ts")).code, 1);
  const bad = await one.call("run", "leads", `{"email":"x","country":"DE"}`);
  assert.match(bad.stderr, /INPUT_INVALID.*email: is no e-mail address/);
  assert.equal(bad.code, 1);
});

test("a pipe gets no colours", async (t) => {
  const { call } = project(t);
  assert.ok(!(await call("rnu")).stderr.includes("\u001b"));
});
