/** `tenfold runs`, `show`, `cancel` and `retry`, the real program, on one store. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { project, type Project } from "./project.ts";

interface Page {
  readonly runs: readonly { readonly id: string; readonly status: string; readonly key: string | null }[];
  readonly next: string | null;
}

const LEADS = `email,country\na@example.com,DE\nb@example.com,XX\nc@example.com,FR\nd@example.com,XX\n`;

async function withLeads(project: Project): Promise<void> {
  project.write("leads.csv", LEADS);
  await project.call("run", "leads", "leads.csv");
}

test("runs are listed newest first, page by page, each once", async (t) => {
  const one = project(t);
  await withLeads(one);
  const page = async (...flags: string[]): Promise<Page> =>
    JSON.parse((await one.call("runs", "--json", "--limit", "3", ...flags)).stdout) as Page;
  const first = await page();
  const second = await page("--before", first.next!);
  const ids = [...first.runs, ...second.runs].map(({ id }) => id);
  assert.deepEqual(ids, [...ids].sort().reverse());
  assert.equal(new Set(ids).size, 4);
  assert.equal(second.next, null);
  const text = await one.call("runs", "--limit", "3");
  assert.match(text.stdout, /^run +workflow +status +started +took +key +error\n/);
  assert.match(text.stderr, /The next page: tenfold runs --limit 3 --before \w{24}/);
});

test("runs are found by workflow, status, key, attribute and time", async (t) => {
  const one = project(t);
  await withLeads(one);
  const keys = async (...flags: string[]): Promise<readonly (string | null)[]> => {
    const { runs } = JSON.parse((await one.call("runs", "--json", ...flags)).stdout) as Page;
    return runs.map(({ key }) => key).sort();
  };
  assert.deepEqual(await keys("--status", "failed"), ["b@example.com", "d@example.com"]);
  assert.deepEqual(await keys("--key", "a@example.com"), ["a@example.com"]);
  assert.deepEqual(await keys("--attribute", "country=FR"), ["c@example.com"]);
  assert.deepEqual(await keys("--workflow", "hello"), []);
  assert.equal((await keys("--since", "1h")).length, 4);
  assert.equal((await keys("--until", "1h")).length, 0);
});

test("--count counts by workflow and status", async (t) => {
  const one = project(t);
  await withLeads(one);
  const { total, counts } = JSON.parse((await one.call("runs", "--count", "--json")).stdout) as {
    total: number;
    counts: { workflow: string; status: string; runs: number }[];
  };
  assert.equal(total, 4);
  assert.deepEqual(
    counts.map(({ workflow, status, runs }) => [workflow, status, runs]),
    [
      ["leads", "completed", 2],
      ["leads", "failed", 2],
    ],
  );
});

test("a run is shown with its timeline, input and error, without its workflow's code", async (t) => {
  const one = project(t);
  const { stdout } = await one.call("run", "leads", `{"email":"b@example.com","country":"XX"}`, "--json");
  const { run } = JSON.parse(stdout) as { run: string };
  one.write("tenfold.config.ts", `export default { store: "runs.db", workflows: [] };\n`);
  const shown = await one.call("show", run);
  assert.match(shown.stdout, /^status +failed$/m);
  assert.match(shown.stdout, /^ +rate .* failed$/m);
  assert.match(shown.stdout, /attempt 1 failed after .+: no such country: XX/);
  assert.match(shown.stdout, /"email": "b@example.com"/);
  const json = JSON.parse((await one.call("show", run, "--json")).stdout) as {
    timeline: unknown[];
    entries: unknown[];
  };
  assert.equal(json.timeline.length, 1);
  assert.equal(json.entries.length, 1);
});

test("a change of many runs is refused in a pipe unless --yes is given, and a dry run only counts", async (t) => {
  const one = project(t);
  await withLeads(one);
  const refused = await one.call("retry", "--status", "failed");
  assert.match(refused.stderr, /2 runs would be told to go on.*--yes/);
  assert.equal(refused.code, 4);
  const dry = await one.call("retry", "--status", "failed", "--dry-run", "--json");
  assert.deepEqual(JSON.parse(dry.stdout), {
    found: 2,
    changed: 0,
    dryRun: true,
    counts: [{ workflow: "leads", status: "failed", runs: 2 }],
  });
  const done = await one.call("retry", "--status", "failed", "--yes", "--json");
  assert.deepEqual([JSON.parse(done.stdout), done.code], [{ found: 2, changed: 2 }, 0]);
  const none = await one.call("retry", "--workflow", "hello", "--yes");
  assert.equal(none.code, 1);
});

test("a waiting run is cancelled with a reason, and cannot be cancelled again once it is", async (t) => {
  const one = project(t);
  const run = (await one.call("run", "hello", `{"name":"Anna"}`, "--no-wait")).stdout.trim();
  const cancelled = await one.call("cancel", run, "--reason", "wrong list");
  assert.match(cancelled.stdout, /was told to stop/);
  // Working the store ends it.
  await one.call("run", "hello", `{"name":"Bo"}`);
  assert.match((await one.call("show", run)).stdout, /wrong list/);
  const again = await one.call("cancel", run);
  assert.match(again.stderr, /RUN_FINISHED/);
  assert.equal(again.code, 1);
});
