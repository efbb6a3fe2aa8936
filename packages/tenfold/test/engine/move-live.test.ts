/** A store in the middle of its work, moved: every run goes on in the other one, to what would have come out here. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { test } from "node:test";
import { moveStore, openToMove } from "../../src/engine/move.ts";
import { systemClock, systemHost } from "../../src/engine/system.ts";
import { open, RunCancelled, step, TenfoldError, workflow, type Tenfold } from "../../src/index.ts";
import { inFile, inPostgres, using, type Place } from "./move-places.ts";
import { ordersOf } from "./move-orders.ts";

const log = { write: () => undefined };

/** A workflow whose step is there, or gone from the code. */
function invoice(isThere: boolean) {
  const write = step("write-invoice", { run: (id: string) => `${id} written` });
  const other = step("another", { run: () => "" });
  return workflow<{ id: string }>("invoice", { flow: ({ id }) => (isThere ? write(id) : other(id)) });
}

/** Leaves a run in every state that there is; answers them by name. */
async function leaveAll(store: string): Promise<Readonly<Record<string, string>>> {
  const { once: orders, soon, later } = ordersOf({ isBefore: true });
  const ids: Record<string, string> = {};
  const client = await open({ store, workflows: [invoice(true)], work: false, log });
  ids.held = (await client.start(invoiceOf(client), { id: "i-1" })).id;
  await client.close();

  const hanging = spawn(process.execPath, [path.resolve(import.meta.dirname, "move-hanging.ts"), store]);
  await once(hanging.stdout, "data");
  hanging.kill("SIGKILL");
  await once(hanging, "exit");

  const worker = await open({ store, workflows: [orders, soon, later, invoice(false)], drain: "50ms", log });
  const ended = new Map<string, string>();
  const failures = { later: 0, soon: 0 };
  worker.on("run", ({ run, status }) => void ended.set(run, status));
  worker.on("attempt", ({ workflow: name, outcome }) => {
    if (outcome === "failed" && name in failures) failures[name as keyof typeof failures]++;
  });
  const start = async (name: string, flow: typeof orders, goes: "well" | "fails", options = {}) =>
    (ids[name] = (await worker.start(flow, { id: `o-${name}`, goes }, options)).id);
  await start("completed", orders, "well", { key: "same" });
  await worker.run(ids.completed!).result();
  await start("again", orders, "well", { key: "same", again: true });
  await start("failed", orders, "fails");
  await start("parked", later, "fails");
  await start("retrying", soon, "fails");
  const isLeft = () =>
    ended.get(ids.held!) === "held" && ended.get(ids.failed!) === "failed" && failures.later + failures.soon === 2;
  while (!isLeft()) await new Promise((resolve) => setImmediate(resolve));
  await worker.run(ids.again!).result();
  // What the killed one hung in has come here, and hangs here too: it is given back.
  await worker.close();

  const last = await open({ store, workflows: [orders], work: false, log });
  ids.hangs = (await last.page({ key: "o-hangs" }, { limit: 1 }))[0]!.id;
  ids.waiting = (await last.start(orders, { id: "o-waiting", goes: "well" }, { tenant: "blue" })).id;
  ids.mailed = (await last.start(orders, { id: "o-mailed", goes: "well" })).id;
  await last.cancel(ids.mailed);
  await last.close();
  return ids;
}

function invoiceOf(tenfold: Tenfold) {
  return tenfold.workflows.find(({ name }) => name === "invoice") as ReturnType<typeof invoice>;
}

const WAYS: readonly (readonly [string, () => Promise<readonly [Place, Place]>])[] = [
  ["from a file to Postgres", async () => [inFile(), await inPostgres()]],
  ["from Postgres to a file", async () => [await inPostgres(), inFile()]],
];

for (const [way, places] of WAYS) {
  test(`runs in every state, moved ${way}, go on to the right results`, async () => {
    const [from, to] = await places();
    const ids = await leaveAll(from.name);
    const [source, target] = [await openToMove(from.name, null), await openToMove(to.name, 1)];
    await using(source, () =>
      using(target, () => moveStore(source, target, { clock: systemClock, host: systemHost(), leaseMs: 100 })),
    );

    const { once: orders, soon, later } = ordersOf({ isBefore: false });
    const tenfold = await open({ store: to.name, workflows: [orders, soon, later, invoice(true)], log });
    await using(tenfold as unknown as { close(): Promise<void> }, async () => {
      await tenfold.retry(ids.failed!);
      const paid = (name: string) => `o-${name}: 7 paid`;
      for (const name of ["completed", "again", "failed", "retrying", "hangs", "waiting"]) {
        assert.equal(await tenfold.run(ids[name]!).result(), paid(name), name);
      }
      assert.equal(await tenfold.run(ids.held!).result(), "i-1 written");
      await assert.rejects(tenfold.run(ids.mailed!).result(), RunCancelled);

      const parked = await tenfold.show(ids.parked!);
      assert.equal(parked.status, "running");
      assert.ok(parked.wakeAt! > Date.now(), "its next attempt is still to come");
      await tenfold.cancel(ids.parked!);
      await assert.rejects(tenfold.run(ids.parked!).result(), RunCancelled);

      const attempts = async (name: string) =>
        (await tenfold.show(ids[name]!)).entries.map((entry) => `${entry.kind} ${"node" in entry ? entry.node : ""}`);
      assert.deepEqual(await attempts("retrying"), ["done price", "failed charge", "done charge"]);

      const known = await tenfold.start(orders, { id: "o-again", goes: "well" }, { key: "same" });
      assert.deepEqual([known.existing, known.id], [true, ids.again]);
      const third = await tenfold.start(orders, { id: "o-third", goes: "well" }, { key: "same", again: true });
      assert.deepEqual([third.existing, await third.result()], [false, "o-third: 7 paid"]);
      await assert.rejects(tenfold.start(orders, { id: "another", goes: "well" }, { key: "same" }), (thrown) => {
        return thrown instanceof TenfoldError && thrown.code === "KEY_CONFLICT";
      });
      const found = await tenfold.page({ attribute: { name: "goes", value: "hangs" } }, { limit: 9 });
      assert.deepEqual(
        found.map(({ id }) => id),
        [ids.hangs],
      );
      const recount = new Map<string, number>();
      for await (const { workflow: name, status } of tenfold.runs()) {
        recount.set(`${name} ${status}`, (recount.get(`${name} ${status}`) ?? 0) + 1);
      }
      const counts = (await tenfold.counts()).map(({ workflow: name, status, runs }) => [`${name} ${status}`, runs]);
      assert.deepEqual(new Map(counts as [string, number][]), new Map([...recount].sort()));
    });
  });
}
