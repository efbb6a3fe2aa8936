/** Laws of saying whether something has happened: who is heard, and about which attempt. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Resolution } from "../../src/engine/unsure.ts";
import { doubtful, orders, unsure } from "./doubtful.ts";
import { rejects, World } from "./world.ts";

test("whoever says what cannot be is told, and the run asks on", async () => {
  const isText = { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => (typeof value === "string" ? { value } : { issues: [{ message: "no text" }] }) } }; // prettier-ignore
  const asked = await doubtful(() => Promise.reject(new Error("?")), { output: isText });
  const { world, opened, run, resolve } = asked;
  const refused = (resolution: object, ...rest: [Parameters<typeof rejects>[1], ...string[]]) =>
    rejects(resolve(resolution as Resolution), ...rest);
  await refused({ happened: true, output: 7, by: "kim" }, "OUTPUT_INVALID", "no text", "nothing was resolved");
  await refused({ happened: false, output: "x", by: "kim" }, "OPTION_UNSUPPORTED", "no output");
  await refused({ happened: true }, "OPTION_UNSUPPORTED", "`by`");
  await refused({ by: "kim" }, "OPTION_UNSUPPORTED", "`happened`");
  await refused({ happened: true, output: "x".repeat(2_000_000), by: "kim" }, "PAYLOAD_TOO_LARGE");
  await rejects(resolve({ happened: false, by: "kim" }, `${run.id}:ship`), "UNSURE_UNKNOWN", `${run.id}:charge`);
  await rejects(resolve({ happened: false, by: "kim" }, "nonsense"), "RUN_UNKNOWN");
  for (const other of ["charge:2", "charge#1:1", "charge#1"])
    await rejects(resolve({ happened: false, by: "kim" }, `${run.id}:${other}`), "UNSURE_UNKNOWN", "not any more");
  const client = await world.open([], { work: false });
  const unknown = client.tenfold.resolve(run.id, { happened: true, output: "x", by: "kim" });
  await rejects(world.happens(unknown), "STEP_UNKNOWN", 'workflow "orders"');
  assert.deepEqual(world.journal(run.id), ["begun charge", "unsure charge"]);
  const why = await world.happens(opened.tenfold.why(run.id));
  assert.deepEqual(why.waits.map(({ kind }) => kind), ["unsure"]); // prettier-ignore
  await world.happens(opened.tenfold.cancel(run.id));
  await world.untilStatus(run.id, "cancelled");
  assert.deepEqual(await unsure(world, opened), []);
  await refused({ happened: false, by: "kim" }, "RUN_FINISHED", "tenfold retry");
});

test("of two that say something else the first counts, and who said it is in the journal", async () => {
  const { world, run, resolve, opened } = await doubtful(() => Promise.reject(new Error("?")));
  await Promise.allSettled([
    resolve({ happened: true, output: "ch_1", by: "kim" }),
    resolve({ happened: false, by: "lee" }),
  ]);
  const output = await world.happens(run.result());
  const { entries } = await world.happens(opened.tenfold.show(run.id));
  const said = entries.flatMap((entry) => (entry.kind === "resolved" ? [entry.by] : []));
  assert.deepEqual(said.toSorted(), ["kim", "lee"]);
  const isKims = said[0] === "kim";
  assert.deepEqual(output, { charged: isKims ? "ch_1" : `charged A-1 as ${run.id}/charge` });
});

test("an answer about an attempt that is over is none about the next one, also where its node began anew", async () => {
  const world = new World();
  const flow = orders(() => Promise.reject(new Error("the line went dead")));
  const opened = await world.open([flow]);
  const run = await world.happens(opened.tenfold.start(flow, "A-1"));
  const asked = (): number => world.journal(run.id).filter((line) => line === "unsure charge").length;
  const tokens: string[] = [];
  const resolve = (token: string) => world.happens(opened.tenfold.resolve(token, { happened: false, by: "kim" }));
  const anew = [
    () => resolve(tokens[0]!),
    async () => {
      await world.happens(opened.tenfold.cancel(run.id));
      await world.untilStatus(run.id, "cancelled");
      await world.happens(opened.tenfold.retry(run.id, { from: "charge", newKeys: true }));
    },
  ];
  for (const goOn of [...anew, () => undefined]) {
    await world.until("it is asked", () => asked() > tokens.length);
    tokens.push((await unsure(world, opened))[0]!.token);
    await goOn();
  }
  assert.deepEqual(tokens, ["charge:1", "charge:2", "charge#1:2"].map((of) => `${run.id}:${of}`)); // prettier-ignore
  for (const stale of tokens.slice(0, 2)) await rejects(resolve(stale), "UNSURE_UNKNOWN", "not any more");
  await resolve(`${run.id}:charge`);
  await world.until("it is called again", () => asked() === 4);
});

test("an output whose schema throws is refused as one that does not fit, and the run asks on", async () => {
  const validate = (value: unknown) => (value === "late" ? assert.fail("out of range") : { value });
  const output = { "~standard": { version: 1, vendor: "test", validate } };
  const { world, run, resolve } = await doubtful(() => Promise.reject(new Error("?")), { output });
  const late = resolve({ happened: true, output: "late", by: "kim" });
  await rejects(late, "OUTPUT_INVALID", "out of range", "nothing was resolved");
  assert.deepEqual(world.journal(run.id), ["begun charge", "unsure charge"]);
});
