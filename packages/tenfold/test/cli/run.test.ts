/** `tenfold run`, the real program: one run and many, known keys, refused rows, from files and pipes. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { answerOf, project, said } from "./project.ts";

interface RowsCount {
  readonly rows: number;
  readonly started: number;
}

interface OneRun {
  readonly run: string;
  readonly status: string;
  readonly existing: boolean;
  readonly output: unknown;
}

test("one run prints its output, and nothing else, on standard output", async (t) => {
  const { call } = project(t);
  const { code, stdout, stderr } = await call("run", "hello", `{"name":"Anna"}`);
  assert.equal(stdout, `"Hello Anna"\n`);
  assert.match(stderr, /^Completed in .+: \w{24}$/m);
  assert.equal(code, 0);
});

test("with --json standard output is one JSON document", async (t) => {
  const { call } = project(t);
  const { code, stdout } = await call("run", "hello", `{"name":"Anna"}`, "--json");
  const { status, output, existing } = JSON.parse(stdout) as OneRun;
  assert.deepEqual(
    { code, status, output, existing },
    { code: 0, status: "completed", output: "Hello Anna", existing: false },
  );
});

test("a CSV is one run per row; a refused row is told with row, path and reason, and does not stop the rest", async (t) => {
  const { call, write } = project(t);
  write("leads.csv", `email,country\nanna@example.com,DE\nbroken,DE\n"bo@example.com","FR"\none,two,three\n`);
  const { code, stdout, stderr } = await call("run", "leads", "leads.csv");
  assert.match(stdout, /^leads: 4 rows, 2 started, 2 completed; /);
  assert.match(stderr, /row 3, email: is no e-mail address/);
  assert.match(stderr, /row 5: has 3 cells where the header has 2/);
  assert.equal(code, 1);
});

test("a second time the same keys start nothing, and it says so", async (t) => {
  const { call, write } = project(t);
  write("leads.csv", `email;country\nanna@example.com;DE\nbo@example.com;FR\nanna@example.com;DE\n`);
  const first = await call("run", "leads", "leads.csv", "--json");
  const second = await call("run", "leads", "leads.csv", "--json");
  const facts = (text: string) => {
    const { started, existing, repeated, completed } = JSON.parse(text) as Record<string, number>;
    return { started, existing, repeated, completed };
  };
  assert.deepEqual(facts(first.stdout), { started: 2, existing: 0, repeated: 1, completed: 2 });
  assert.deepEqual(facts(second.stdout), { started: 0, existing: 2, repeated: 1, completed: 2 });
  const third = await call("run", "leads", `{"email":"anna@example.com","country":"DE"}`);
  assert.match(third.stderr, /Already known/);
  assert.equal(third.stdout, `"called anna@example.com"\n`);
});

test("--if-running says what becomes of another input while the key's run is not finished", async (t) => {
  const { call } = project(t);
  const run = async (name: string, ...flags: string[]) => {
    const { code, stdout } = await call("run", "hello", `{"name":"${name}"}`, "--json", "--key", "a", ...flags);
    return { code, ...(JSON.parse(stdout) as OneRun & { readonly skipped?: boolean }) };
  };
  const first = await run("Anna", "--at", "2h");
  const skipped = await run("Bo", "--if-running", "skip");
  assert.deepEqual([skipped.code, skipped.run, skipped.skipped], [0, first.run, true]);
  const joined = await run("Bo", "--if-running", "join", "--no-wait");
  assert.deepEqual([joined.run, joined.existing, joined.skipped], [first.run, true, undefined]);
  const replaced = await run("Bo", "--if-running", "replace");
  assert.deepEqual([replaced.existing, replaced.status, replaced.output], [false, "completed", "Hello Bo"]);
  const { code, stderr } = await call("run", "hello", `{"name":"Bo"}`, "--key", "a", "--if-running", "wait");
  assert.equal(code, 4);
  assert.match(stderr, /none of join, replace, skip/);
});

test("of a debounced workflow, a start is said to be postponed, and a drawing says how long", async (t) => {
  const { call, write, read } = project(t);
  const flows = read("flows.ts");
  write("flows.ts", flows.replace("key: (lead) => lead.email,", 'key: (lead) => lead.email, debounce: "200ms",'));
  const first = await call("run", "leads", `{"email":"anna@example.com","country":"DE"}`, "--no-wait");
  assert.match(first.stderr, /begins on the last input of its key/);
  const { code, stderr, stdout } = await call("run", "leads", `{"email":"anna@example.com","country":"FR"}`);
  assert.match(stderr, /Postponed: \w{24} begins on this input/);
  assert.deepEqual([code, stdout], [0, `"none"\n`]);
  assert.match(
    (await call("graph", "leads")).stdout,
    /begins 200 ms after the last of them, 2\.0 s after the first at the latest/,
  );
});

test("--again starts the next run of a key, and --key is a key of its own", async (t) => {
  const { call } = project(t);
  const input = `{"name":"Anna"}`;
  const runs: OneRun[] = [];
  for (const flags of [
    ["--key", "a"],
    ["--key", "a"],
    ["--key", "a", "--again"],
    ["--key", "a", "--tenant", "b"],
  ]) {
    runs.push(JSON.parse((await call("run", "hello", input, "--json", ...flags)).stdout) as OneRun);
  }
  assert.deepEqual(
    runs.map(({ existing }) => existing),
    [false, true, false, false],
  );
  assert.equal(new Set(runs.map(({ run }) => run)).size, 3);
});

test("a failed run is exit code 1, with the node, the reason and the way on", async (t) => {
  const { call } = project(t);
  const { code, stdout, stderr } = await call("run", "leads", `{"email":"a@example.com","country":"XX"}`);
  assert.equal(stdout, "");
  assert.match(stderr, /Failed: \w{24} at rate: no such country: XX/);
  assert.match(stderr, /tenfold retry \w{24}/);
  assert.equal(code, 1);
});

test("a CSV without a needed column is refused before anything is written, with the column it has instead", async (t) => {
  const { call, write, folder } = project(t);
  write("leads.csv", `E-Mail,country\nanna@example.com,DE\nbo@example.com,FR\n`);
  const { code, stderr } = await call("run", "leads", "leads.csv");
  assert.match(stderr, /ROWS_INVALID: leads.csv lacks the column "email".*"E-Mail" may be meant for "email"/s);
  assert.equal(code, 1);
  assert.equal(existsSync(path.join(folder, "runs.db")), false);
});

test("standard input is JSON lines, or a CSV with --format csv", async (t) => {
  const { callWith } = project(t);
  const lines = await callWith(`{"name":"Anna"}\n\nno json\n{"name":"Bo"}`, "run", "hello", "-", "--json");
  const { started, refused } = JSON.parse(lines.stdout) as { started: number; refused: { row: number }[] };
  assert.deepEqual([started, refused.map(({ row }) => row), lines.code], [2, [3], 1]);
  const csv = await callWith("name\nCleo\n", "run", "hello", "-", "--format", "csv", "--json");
  const { runs } = JSON.parse(csv.stdout) as { runs: { output: string }[] };
  assert.deepEqual(
    runs.map(({ output }) => output),
    ["Hello Cleo"],
  );
});

test("what has no rows is said to have none, starts nothing, makes no store, and is no error", async (t) => {
  const { callWith, write, folder } = project(t);
  write("header.csv", "email,country\n");
  write("none.jsonl", "");
  write("list.json", "[]");
  for (const [input, says] of [
    ["header.csv", /^header\.csv has a header and no row below it; no run was started/m],
    ["none.jsonl", /^none\.jsonl has no rows; no run was started/m],
    ["list.json", /^list\.json has no rows; no run was started/m],
    ["-", /^standard input has no rows; no run was started/m],
  ] as const) {
    const { code, stdout, stderr } = await callWith("", "run", "leads", input);
    assert.match(stderr, says);
    assert.deepEqual([code, stdout], [0, ""]);
  }
  const { rows, started } = JSON.parse((await callWith("", "run", "leads", "-", "--json")).stdout) as RowsCount;
  assert.deepEqual([rows, started], [0, 0]);
  assert.equal(existsSync(path.join(folder, "runs.db")), false);
});

test("a message that is very long is cut for a person, wherever it is told, and whole with --json", async (t) => {
  const { call, read, write } = project(t);
  write("flows.ts", read("flows.ts").replace(`no such country: XX"`, `no such country: " + "x".repeat(9000)`));
  const ran = await call("run", "leads", `{"email":"a@example.com","country":"XX"}`);
  const run = /Failed: (\w{24})/.exec(ran.stderr)![1]!;
  const listed = await call("runs");
  const shown = await call("show", run);
  for (const text of [ran.stderr, listed.stdout, shown.stdout]) {
    assert.match(text, /no such country: x+ … \([\d,]+ more characters with --json\) … x+/);
    assert.ok(text.length < 3000, String(text.length));
  }
  const { error } = JSON.parse((await call("show", run, "--json")).stdout) as { error: { message: string } };
  assert.equal(error.message, `no such country: ${"x".repeat(9000)}`);
});

test("a .json file with a list is one run per item, and with anything else one run", async (t) => {
  const { call, write } = project(t);
  write("many.json", `[{"name":"Anna"},{"name":"Bo"}]`);
  write("one.json", `{"name":"Cleo"}`);
  assert.match((await call("run", "hello", "many.json")).stdout, /2 rows, 2 started, 2 completed/);
  assert.equal((await call("run", "hello", "one.json")).stdout, `"Hello Cleo"\n`);
});

test("a file that is not UTF-8 is refused, not stored with holes", async (t) => {
  const { call, write, folder } = project(t);
  write("leads.csv", "");
  const { writeFileSync } = await import("node:fs");
  writeFileSync(path.join(folder, "leads.csv"), Buffer.from([0x65, 0x0a, 0xfc, 0x0a]));
  const { code, stderr } = await call("run", "leads", "leads.csv");
  assert.match(stderr, /ROWS_INVALID.*not UTF-8.*CSV UTF-8/s);
  assert.equal(code, 1);
});

test("a run that waits for somebody is told, with what to type, and no time to go is guessed", async (t) => {
  const { begin, call, read, write } = project(t);
  const flows = read("flows.ts").replace("import { match,", "import { after, waitFor, match,");
  const flow = `after(greet(input), () => waitFor("paid"))`;
  write(
    "flows.ts",
    `${flows}\nexport const order = workflow<{ name: string }>("order", { key: (input) => input.name, flow: (input) => ${flow} });\n`,
  );
  write(
    "tenfold.config.ts",
    `import { order } from "./flows.ts";\nexport default { store: "runs.db", workflows: [order] };\n`,
  );
  const running = begin("run", "order", `{"name":"Anna"}`);
  const answer = answerOf(running);
  await said(running, "It waits: wait-paid waits for the signal paid");
  const again = begin("run", "order", `{"name":"Anna"}`);
  const second = answerOf(again);
  await said(again, "it has not ended, and is waited for");
  const run = (JSON.parse((await call("runs", "--json")).stdout) as { runs: { id: string }[] }).runs[0]!.id;
  await call("signal", run, "paid", "60");
  for (const { code, stdout } of [await answer, await second]) assert.deepEqual([code, stdout], [0, "60\n"]);
  const { stderr } = await answer;
  assert.match(stderr, new RegExp(`tenfold signal ${run} paid '<payload>'`));
  assert.equal(stderr.match(/It waits:/g)?.length, 1);
  assert.match((await call("run", "order", `{"name":"Anna"}`)).stderr, /Already known: .* this is how it ended/);
});

test("--no-wait only starts: the ids on standard output, and the runs wait in the store", async (t) => {
  const { call } = project(t);
  const { code, stdout } = await call("run", "hello", `{"name":"Anna"}`, "--no-wait");
  assert.match(stdout, /^\w{24}\n$/);
  assert.equal(code, 0);
  const shown = JSON.parse((await call("show", stdout.trim(), "--json")).stdout) as { status: string };
  assert.equal(shown.status, "waiting");
});

test("a run that is to start later is not waited for", async (t) => {
  const { call } = project(t);
  const { code, stdout } = await call("run", "hello", `{"name":"Anna"}`, "--at", "2h", "--json");
  const { run, at } = JSON.parse(stdout) as { run: string; at: string };
  assert.ok(new Date(at).getTime() > Date.now());
  assert.equal(code, 0);
  assert.match((await call("show", run)).stdout, /waits until .* \(in /);
});
