/** Events: one starts a run of each workflow that it is for, once, whoever emits it, however often, and whoever dies. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { open } from "../../src/engine/open.ts";
import type { Tenfold } from "../../src/engine/client.ts";
import { gte, on, step, workflow, type Lifted } from "../../src/flow/index.ts";
import type { WorkflowDefinition } from "../../src/flow/definition.ts";
import { newFile } from "../store/files.ts";

interface Lead {
  readonly email: string;
  readonly points: number;
}

const note = step("note", { run: (text: string) => text });
const welcome = workflow<Lead>("welcome", { triggers: [on<Lead>("lead.created")], flow: (lead) => note(lead.email) });
const hot = workflow<{ to: string }>("hot", {
  triggers: [
    on("lead.created", {
      where: (lead: Lifted<Lead>) => gte(lead.points, 80),
      input: (lead: Lifted<Lead>) => ({ to: lead.email }),
    }),
  ],
  flow: (input) => note(input.to),
});
const ann: Lead = { email: "ann@x", points: 90 };
const bob: Lead = { email: "bob@x", points: 10 };

const QUIET = { log: { write: () => {} } };

async function opened(
  t: { after(act: () => unknown): void },
  store: string,
  workflows: readonly WorkflowDefinition[],
  work = true,
): Promise<Tenfold> {
  const tenfold = await open({ store, workflows, work, ...QUIET });
  t.after(() => tenfold.close());
  return tenfold;
}

/** The runs of each workflow, once nothing waits. */
async function runsOf(tenfold: Tenfold): Promise<Record<string, unknown[]>> {
  for (;;) {
    const waiting = await Array.fromAsync(tenfold.undelivered("waiting"));
    if (waiting.length === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const found: Record<string, unknown[]> = {};
  for await (const run of tenfold.runs()) (found[run.workflow] ??= []).push(run.input);
  return found;
}

test("an event starts one run of each workflow that it is for, and an event that comes again none", async (t) => {
  const tenfold = await opened(t, ":memory:", [welcome, hot]);
  const emitted = await tenfold.emit("lead.created", ann, { id: "1" });
  assert.deepEqual(emitted, { id: "1", isNew: true, workflows: ["hot", "welcome"], filtered: [] });
  assert.deepEqual(await tenfold.emit("lead.created", ann, { id: "1" }), { ...emitted, isNew: false });
  assert.deepEqual(await tenfold.emit("lead.created", { ...ann, points: 1 }, { id: "1" }), {
    ...emitted,
    isNew: false,
  });
  const second = await tenfold.emit("lead.created", bob, { id: "2" });
  assert.deepEqual(second, { id: "2", isNew: true, workflows: ["welcome"], filtered: ["hot"] });
  assert.deepEqual(await runsOf(tenfold), { welcome: [bob, ann], hot: [{ to: "ann@x" }] });
  const [first, last] = (await tenfold.event("lead.created", "1"))!;
  assert.deepEqual(
    [first!.workflow, first!.state, last!.workflow, last!.state],
    ["hot", "started", "welcome", "started"],
  );
  assert.equal(await tenfold.run(first!.run!).result(), "ann@x");
  const [run] = await Array.fromAsync(tenfold.runs({ workflow: "hot" }));
  assert.equal(run!.key, "event/lead.created/1");
});

test("without an id each event is another, and one that nobody subscribes to is not kept", async (t) => {
  const tenfold = await opened(t, ":memory:", [welcome]);
  const [one, other] = [await tenfold.emit("lead.created", ann), await tenfold.emit("lead.created", ann)];
  assert.notEqual(one.id, other.id);
  assert.equal((await runsOf(tenfold))["welcome"]!.length, 2);
  assert.deepEqual(await tenfold.emit("lead.lost", ann, { id: "1" }), {
    id: "1",
    isNew: true,
    workflows: [],
    filtered: [],
  });
  assert.equal(await tenfold.event("lead.lost", "1"), undefined);
});

test("an emitter needs no code of the workflows, nor that a worker lives", async (t) => {
  const file = newFile();
  await (await open({ store: file, workflows: [welcome, hot], ...QUIET })).close();
  const emitter = await opened(t, file, [], false);
  assert.deepEqual((await emitter.emit("lead.created", bob, { id: "1", tenant: "blue" })).workflows, ["welcome"]);
  assert.deepEqual((await emitter.emit("lead.created", bob, { id: "1" })).isNew, true);
  assert.equal((await Array.fromAsync(emitter.undelivered("waiting"))).length, 2);
  assert.deepEqual((await emitter.subscriptions()).map(({ event, workflow }) => `${event} ${workflow}`), ["lead.created hot", "lead.created welcome"]); // prettier-ignore
  const worker = await opened(t, file, [welcome, hot]);
  assert.deepEqual(await runsOf(worker), { welcome: [bob, bob] });
  assert.deepEqual((await Array.fromAsync(worker.runs())).map(({ tenant }) => tenant).sort(), ["", "blue"]);
});

test("thousands are emitted in batches, each answered for itself", async (t) => {
  const tenfold = await opened(t, ":memory:", [welcome]);
  const leads = Array.from({ length: 2500 }, (_, nth) => (nth === 7 ? { email: "x", points: NaN } : { email: `${nth}`, points: nth })); // prettier-ignore
  const answers = await Array.fromAsync(tenfold.emitMany("lead.created", leads, { id: ({ email }) => email }));
  assert.deepEqual(answers.flatMap((answer, nth) => (answer.kind === "refused" ? [nth, answer.error.code] : [])), [7, "NOT_JSON"]); // prettier-ignore
  assert.equal((await runsOf(tenfold))["welcome"]!.length, 2499);
});

test("of many, one whose id cannot be told is refused alone, and what came before the payloads broke off is answered", async (t) => {
  const tenfold = await opened(t, ":memory:", [welcome]);
  const id = (lead: any): string => lead.email.trim();
  const answers = await Array.fromAsync(tenfold.emitMany("lead.created", [ann, {}, bob], { id }));
  assert.deepEqual(
    answers.map((answer) => (answer.kind === "refused" ? answer.error.code : answer.id)),
    ["ann@x", "INPUT_INVALID", "bob@x"],
  );
  async function* broken(): AsyncGenerator<Lead> {
    yield { ...ann, email: "cid@x" };
    throw new Error("the file ends here");
  }
  const told: unknown[] = [];
  const all = async (): Promise<void> => {
    for await (const answer of tenfold.emitMany("lead.created", broken(), { id })) told.push(answer.kind);
  };
  await assert.rejects(all(), /the file ends here/);
  assert.deepEqual(told, ["emitted"]);
});

test("a workflow's own key holds for events too: the same lead is one run, another input under it is refused", async (t) => {
  const keyed = workflow<Lead>("keyed", {
    key: ({ email }) => email,
    triggers: [on<Lead>("lead.created")],
    flow: (lead) => note(lead.email),
  });
  const tenfold = await opened(t, ":memory:", [keyed]);
  await tenfold.emit("lead.created", ann, { id: "1" });
  await runsOf(tenfold);
  await tenfold.emit("lead.created", ann, { id: "2" });
  await tenfold.emit("lead.created", { ...ann, points: 1 }, { id: "3" });
  assert.deepEqual(await runsOf(tenfold), { keyed: [ann] });
  const [[first], [second], [third]] = [await tenfold.event("lead.created", "1"), await tenfold.event("lead.created", "2"), await tenfold.event("lead.created", "3")] as any; // prettier-ignore
  assert.equal(first.run, second.run);
  assert.deepEqual([third.state, third.error.code, third.run], ["refused", "KEY_CONFLICT", null]);
});

test("what a workflow's schema refuses is listed, and delivered again when its code is better", async (t) => {
  const file = newFile();
  const strict = (least: number) =>
    workflow("strict", {
      input: z.object({ email: z.string(), points: z.number().min(least) }),
      triggers: [on<Lead>("lead.created")],
      flow: (lead) => note(lead.email),
    });
  const told: string[] = [];
  const log = { write: (_: unknown, message: string) => void told.push(message) };
  const before = await open({ store: file, workflows: [strict(50), welcome], log });
  await before.emit("lead.created", bob, { id: "1" });
  assert.deepEqual(await runsOf(before), { welcome: [bob] });
  assert.deepEqual(told.filter((message) => message.includes("refused")).length, 1);
  const [refused] = await Array.fromAsync(before.undelivered("refused", { workflow: "strict" }));
  assert.deepEqual([refused!.event, refused!.id, refused!.error!.code], ["lead.created", "1", "INPUT_INVALID"]);
  assert.match(refused!.error!.message, /points/);
  await before.close();
  const tenfold = await opened(t, file, [strict(5), welcome]);
  assert.deepEqual(await tenfold.redeliver({ workflow: "other" }), { found: 0, redelivered: 0 });
  assert.deepEqual(await tenfold.redeliver({}, { dryRun: true }), { found: 1, redelivered: 0 });
  assert.deepEqual(await tenfold.redeliver({ event: "lead.created" }), { found: 1, redelivered: 1 });
  assert.deepEqual(await runsOf(tenfold), { welcome: [bob], strict: [bob] });
  assert.deepEqual(await Array.fromAsync(tenfold.undelivered("refused")), []);
});

test("an event's runs begin not before the time that it was given", async (t) => {
  const tenfold = await opened(t, ":memory:", [welcome]);
  await tenfold.emit("lead.created", ann, { id: "1", at: Date.now() + 3_600_000 });
  await runsOf(tenfold);
  const [run] = await Array.fromAsync(tenfold.runs());
  assert.equal(run!.status, "waiting");
});

const REFUSED: readonly (readonly [unknown[], string, RegExp])[] = [
  [["lead created", ann], "EVENT_INVALID", /lead created.*nothing was emitted/],
  [["x", { at: new Date() }], "NOT_JSON", /at at.*nothing was emitted/],
  [["x", "y".repeat(1024 * 1024)], "PAYLOAD_TOO_LARGE", /nothing was emitted/],
  [["x", ann, { id: "" }], "OPTION_UNSUPPORTED", /`id`.*1 to 400/],
  [["x", ann, { id: "a".repeat(401) }], "OPTION_UNSUPPORTED", /`id`/],
  [["x", ann, { key: "k" }], "OPTION_UNSUPPORTED", /no option `key`.*nothing was emitted/],
  [["x", ann, { id: "\ud83d" }], "OPTION_UNSUPPORTED", /`id`/],
  [["x", ann, { tenant: "a\0" }], "OPTION_UNSUPPORTED", /`tenant`.*NUL/],
  [["x", ann, { tenant: "t".repeat(257) }], "OPTION_UNSUPPORTED", /`tenant`.*256/],
  [["x", ann, { at: 1e300 }], "INPUT_INVALID", /`at` is no time.*nothing was emitted/],
  [["x", ann, { at: "tomorrow" }], "INPUT_INVALID", /`at` is no time.*nothing was emitted/],
  [["x", ann, { tenant: 7 }], "OPTION_UNSUPPORTED", /`tenant`/],
];

test("what cannot be emitted is refused before anything is kept, with the way out", async (t) => {
  const tenfold = await opened(t, ":memory:", [workflow<unknown>("all", { triggers: [on("x")], flow: () => 7 })]);
  for (const [given, code, message] of REFUSED) {
    await assert.rejects(tenfold.emit(...(given as Parameters<Tenfold["emit"]>)), (error: any) => {
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });
  }
  await assert.rejects(Array.fromAsync(tenfold.emitMany("x", "text" as never)), { code: "INPUT_INVALID" });
  assert.deepEqual(await runsOf(tenfold), {});
  await tenfold.close();
  await assert.rejects(tenfold.emit("x"), { code: "CLOSED" });
});
