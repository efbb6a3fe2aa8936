/** Laws of payloads at rest: what is written tells nothing, and what cannot be decoded stops nothing else. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { aes256gcm, open, step, workflow } from "../../src/index.ts";
import { heldUnloaded } from "../../src/engine/held.ts";
import { EncodedStore } from "../../src/store/codec/encoded-store.ts";
import type { Codec } from "../../src/store/codec/codec.ts";
import type { ClaimedRun, Store } from "../../src/store/store.ts";
import { newFile } from "../store/files.ts";
import { Gate, rejects, stepOf, withVerbs, workflowOf, World } from "./world.ts";

const key = (name: string): Buffer => createHash("sha256").update(name).digest();
const [old, young] = [key("old"), key("young")];
const withOld = aes256gcm({ keys: { old }, use: "old" });
const withBoth = aes256gcm({ keys: { old, young }, use: "young" });
const withYoung = aes256gcm({ keys: { young }, use: "young" });

const flow = workflowOf("w", (input) => stepOf("shout", (text: string) => text.toUpperCase())(input.text));

/** A run that waits in the world's store, written with this codec, or plain. */
async function waiting(world: World, codec: Codec | null, text: string, workflows = [flow]): Promise<string> {
  const store = codec === null ? world.store : new EncodedStore(world.store, codec);
  const { tenfold } = await world.open(workflows, { work: false }, store);
  const run = await world.happens(tenfold.start(workflows[0]!, { text }));
  await world.happens(tenfold.close());
  return run.id;
}

function openWith(world: World, codec: Codec | null) {
  return world.open([flow], {}, codec === null ? world.store : new EncodedStore(world.store, codec));
}

for (const [sentence, codec, says] of [
  ["whose key is not there", withYoung, /The key \\"old\\".*the input of run/],
  ["that is encoded, where there is no codec", null, /is encoded, and the store was opened without a codec/],
] as const) {
  test(`a run ${sentence} is held, the others of its claim go on, and so does it once the key is back`, async () => {
    const world = new World();
    const before = await waiting(world, codec, "before");
    const lost = await waiting(world, withOld, "lost");
    const behind = await waiting(world, codec, "behind");
    const first = await openWith(world, codec);
    const { error } = await world.untilStatus(lost, "held");
    for (const run of [before, behind]) await world.untilStatus(run, "completed");
    const shown = await world.happens(first.tenfold.show(lost));
    assert.equal(shown.error?.code, "CODEC_KEY_MISSING");
    assert.match(JSON.stringify(shown.error), says);
    if (codec !== null) assert.match(error!, /^enc:aes256gcm:young:/);
    await world.happens(first.tenfold.retry(lost));
    await world.passes(5000);
    assert.equal(world.record(lost).status, "held", "a retry without the key holds it again");
    assert.equal(world.store.peek(0, lost)?.unread, 0, "and leaves no retry behind");
    await world.happens(first.tenfold.close());
    const second = await openWith(world, withBoth);
    await world.untilStatus(lost, "completed");
    assert.equal((await world.happens(second.tenfold.show(lost))).output, "LOST");
    await world.happens(second.tenfold.close());
  });
}

test("a run whose input cannot be read yet is not tried again by each worker that opens the store", async () => {
  const world = new World();
  const lost = await waiting(world, withOld, "lost");
  await openWith(world, withYoung);
  await world.untilStatus(lost, "held");
  let sent = 0;
  const send: Store["send"] = (...args) => (sent++, world.store.send(...args));
  const store = new EncodedStore(withVerbs(world.store, { send }), withYoung);
  await world.open([flow], {}, store);
  await world.passes(5000);
  assert.equal(sent, 0);
  assert.equal(world.record(lost).status, "held");
});

test("a worker tells of a run that it holds unread", async () => {
  const world = new World();
  const lost = await waiting(world, withOld, "lost");
  const opened = world.engineOf([flow], {}, new EncodedStore(world.store, withYoung));
  const told: string[] = [];
  opened.engine.events.on("run", ({ run, status }) => told.push(`${run} ${status}`));
  await world.happens(opened.engine.open());
  await world.untilStatus(lost, "held");
  assert.deepEqual(told, [`${lost} held`]);
});

test("a run that cannot be read can be cancelled, with the reason in its journal", async () => {
  const world = new World();
  const lost = await waiting(world, withOld, "lost");
  const { tenfold } = await openWith(world, withYoung);
  await world.untilStatus(lost, "held");
  await world.happens(tenfold.cancel(lost, { reason: "its key is lost for good" }));
  await world.untilStatus(lost, "cancelled");
  const shown = await world.happens(tenfold.show(lost));
  assert.equal(shown.error?.message, "its key is lost for good");
  assert.deepEqual(shown.entries.map(({ kind }) => kind), ["cancelled"]); // prettier-ignore
  const { code } = await rejects(world.happens(tenfold.run(lost).result()), "RUN_CANCELLED");
  assert.equal(code, "RUN_CANCELLED");
});

test("of what was said to a run that cannot be loaded, the last counts, and nothing of it stays in the mail", () => {
  const cancel = { kind: "cancel", reason: "enough" } as const;
  const retry = { kind: "retry" } as const;
  const released = { kind: "retry", unlessCancelled: true } as const;
  const cases = [
    [[], "held"],
    [[cancel], "cancelled"],
    [[retry, cancel], "cancelled"],
    [[cancel, retry], "held"],
    [[cancel, released], "cancelled"],
    [[released], "held"],
  ] as const;
  for (const [bodies, status] of cases) {
    const messages = bodies.map((body, index) => ({ key: `m${index}`, body, at: 1 }));
    const mail = { run: "r", messages, count: messages.length };
    const claimed = {
      id: "r",
      workflow: "w",
      graph: "g",
      tenant: "",
      key: null,
      input: "",
      deaths: 0,
      journal: [],
      mail,
    };
    const reason = { code: "CODEC_KEY_MISSING", message: "gone", node: "", attempt: 0 };
    const { then, absorbed, lines, mailSeen } = heldUnloaded(claimed, reason, 5);
    assert.ok(then.kind === "end");
    assert.deepEqual([then.status, absorbed.length, mailSeen], [status, messages.length, messages.length]);
    assert.equal(lines.length, status === "cancelled" ? 1 : 0);
    assert.match(then.error!, status === "cancelled" ? /enough/ : /gone/);
  }
});

test("a damaged run is held, and goes on by a retry once its row is back", async () => {
  const world = new World();
  const run = await waiting(world, withOld, "kept");
  const other = await waiting(world, withOld, "other");
  let isDamaged = true;
  const damage = (claimed: ClaimedRun): ClaimedRun => {
    const input = `${claimed.input.slice(0, -9)}A${claimed.input.slice(-8)}`;
    return isDamaged && claimed.id === run ? { ...claimed, input } : claimed;
  };
  const claim: Store["claim"] = async (...args) => (await world.store.claim(...args)).map(damage);
  const store = new EncodedStore(withVerbs(world.store, { claim }), withOld);
  const { tenfold } = await world.open([flow], {}, store);
  await world.untilStatus(run, "held");
  await world.untilStatus(other, "completed");
  assert.equal((await world.happens(tenfold.show(run))).error?.code, "CODEC_DAMAGED");
  isDamaged = false;
  await world.happens(tenfold.retry(run));
  await world.untilStatus(run, "completed");
});

test("a message that cannot be decoded holds its run; with the key, nothing of the mail is lost", async () => {
  const world = new World();
  const gate = new Gate();
  const slow = stepOf("slow", async (text: string) => {
    await gate.pass();
    return text;
  });
  const waits = workflowOf("w", (input) => slow(input.text));
  const behindOld = new EncodedStore(world.store, withOld);
  const first = await world.open([waits], {}, behindOld);
  const { id } = await world.happens(first.tenfold.start(waits, { text: "x" }));
  await world.until("the body runs", () => gate.entered === 1);
  const sender = await world.open([waits], { work: false }, new EncodedStore(world.store, withYoung));
  await world.happens(sender.tenfold.cancel(id, { reason: "by a newer program" }));
  await world.untilStatus(id, "held");
  const shown = await world.happens(first.tenfold.show(id));
  assert.match(shown.error?.message ?? "", /The key "young".*the message/);
  assert.equal(world.store.peek(0, id)?.unread, 1, "the message stays");
  await world.happens(first.tenfold.close());
  await world.open([waits], {}, new EncodedStore(world.store, withBoth));
  await world.untilStatus(id, "cancelled");
});

test("what cannot be decoded is told beside the rest: by show, by lists, and to whoever waits for the result", async () => {
  const world = new World();
  const run = await waiting(world, withOld, "x");
  const first = await openWith(world, withOld);
  await world.untilStatus(run, "completed");
  await world.happens(first.tenfold.close());
  for (const codec of [withYoung, null]) {
    const { tenfold } = await openWith(world, codec);
    const shown = await world.happens(tenfold.show(run));
    assert.deepEqual(
      shown.unread?.map(({ what, code: why }) => `${what}: ${why}`),
      ["input: CODEC_KEY_MISSING", "output: CODEC_KEY_MISSING", "entry 0 (done shout): CODEC_KEY_MISSING"],
    );
    assert.deepEqual([shown.status, shown.input, shown.output, shown.entries], ["completed", null, undefined, []]);
    const page = await world.happens(tenfold.page({}, { limit: 9 }));
    assert.deepEqual(page.map(({ id, unread }) => [id, unread?.length]), [[run, 2]]); // prettier-ignore
    await rejects(world.happens(tenfold.run(run).result()), "CODEC_KEY_MISSING", run, "output");
    assert.equal(await world.happens(tenfold.run(run).status()), "completed");
    await world.happens(tenfold.close());
  }
});

const MARKER = "Zanzibar";
const spoken = step("speak", { timeout: "5s", run: (text: string) => `heard: ${text}` });
const refuse = step("refuse", {
  retry: { attempts: 1 },
  run: (text: string): string => {
    throw new Error(`cannot bear ${text}`);
  },
});
const speaks = workflow<{ text: string }>("speaks", { key: ({ text }) => `${text.length}`, flow: (input) => spoken(input.text) }); // prettier-ignore
const refuses = workflow<{ text: string }>("refuses", { flow: (input) => refuse(input.text) });

/** The bytes of a store's file and of all that stands beside it: journal, write-ahead log, shared memory. */
function bytesOf(file: string): Buffer {
  const folder = path.dirname(file);
  const names = readdirSync(folder);
  assert.ok(names.includes(`${path.basename(file)}-wal`), names.join(", "));
  return Buffer.concat(names.map((name) => readFileSync(path.join(folder, name))));
}

test("a file has no word of what went in and came out, while it is worked, and another program reads it with the keys", async () => {
  for (const codec of [withOld, undefined]) {
    const file = newFile();
    const given = codec === undefined ? {} : { codec };
    const first = await open({ store: file, workflows: [speaks, refuses], ...given });
    const input = { text: MARKER };
    const run = await first.start(speaks, input);
    assert.equal(await run.result(), `heard: ${MARKER}`);
    const failed = await first.start(refuses, input);
    await rejects(failed.result(), "RUN_FAILED", MARKER);
    const later = await first.start(refuses, input, { at: Date.now() + 1e7 });
    await first.cancel(later.id, { reason: `not to ${MARKER}` });
    await rejects(later.result(), "RUN_CANCELLED", MARKER);
    const isPlain = bytesOf(file).includes(MARKER);
    assert.equal(isPlain, codec === undefined, "the search finds what is plain");
    await first.close();
    if (codec === undefined) continue;
    const second = await open({ store: file, workflows: [speaks, refuses], codec: withBoth });
    assert.equal(await second.run(run.id).result(), `heard: ${MARKER}`);
    assert.equal((await second.start(speaks, input)).existing, true, "the same input under its key, after a rotation");
    await rejects(second.start(speaks, { text: "Zanzibra" }), "KEY_CONFLICT");
    const details = await second.show(failed.id);
    assert.match(details.error?.message ?? "", /cannot bear Zanzibar/);
    await second.close();
  }
});

test("a codec that breaks the rules is refused, and nothing is opened", async () => {
  const options = { store: newFile(), workflows: [] };
  await rejects(open({ ...options, codec: {} as never }), "OPTION_UNSUPPORTED", "`codec`", "nothing was opened");
  const random = { ...withOld, encode: () => String(Math.random()) };
  await rejects(open({ ...options, codec: random }), "OPTION_UNSUPPORTED", "in two ways", "nothing was opened");
});
