/** `tenfold why`, the real program: a run in each of its states. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { project } from "./project.ts";

test("it says why a run is where it is, and who can change that", async (t) => {
  const one = project(t);
  const waiting = (await one.call("run", "hello", `{"name":"Anna"}`, "--no-wait")).stdout.trim();
  const unworked = await one.call("why", waiting);
  assert.match(unworked.stdout, /is waiting: no worker has taken it up yet\n.*`tenfold dev`/);
  one.write("leads.csv", "email,country\na@example.com,DE\nb@example.com,XX\n");
  await one.call("run", "leads", "leads.csv");
  const { runs } = JSON.parse((await one.call("runs", "--json")).stdout) as { runs: { id: string; status: string }[] };
  const idOf = (status: string): string => runs.find((run) => run.status === status)!.id;
  assert.match((await one.call("why", idOf("completed"))).stdout, /is completed, and waits for nothing/);
  assert.match(
    (await one.call("why", idOf("failed"))).stdout,
    /is failed at rate: no such country: XX\n.*tenfold retry/,
  );
  const document = JSON.parse((await one.call("why", waiting, "--json")).stdout) as { run: string; waits: unknown[] };
  assert.deepEqual([document.run, document.waits], [waiting, []]);
  const unknown = await one.call("why", "nonsense");
  assert.match(unknown.stderr, /RUN_UNKNOWN/);
  assert.equal(unknown.code, 1);
});
