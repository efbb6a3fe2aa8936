/** Letters and the sink that keeps them: one file a letter, however often it is sent. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { isFinalRejection, letterPostAt, messageIdOf } from "../letters.ts";
import type { Letter } from "../letters.ts";
import { lettersIn, startMailSink } from "../mail-sink.ts";

const folder = await mkdtemp(path.join(tmpdir(), "outbox-"));
const sink = await startMailSink(folder);
const post = letterPostAt(sink.url);
after(async () => {
  post.close();
  await sink.close();
  await rm(folder, { recursive: true });
});

const LETTER: Letter = {
  to: { name: "Łukasz Wiśniewski", address: "lukasz@nova.example" },
  subject: "Dzień dobry, 王伟",
  text: "First line\n.\nA line that is a dot must not end the letter.",
};

function call(key: string) {
  return { key, signal: AbortSignal.timeout(30_000), now: () => Date.UTC(2026, 0, 15) };
}

function fileOf(messageId: string): string {
  return path.join(folder, `${messageId.slice(1, messageId.indexOf("@"))}.eml`);
}

test("the same letter sent twice, and twice at once, is one file of the same bytes", async () => {
  const { messageId } = await post.send(LETTER, call("run/introduce"));
  const first = await readFile(fileOf(messageId));
  await Promise.all([post.send(LETTER, call("run/introduce")), post.send(LETTER, call("run/introduce"))]);
  assert.deepEqual(await readFile(fileOf(messageId)), first);
  assert.deepEqual(await lettersIn(folder), [path.basename(fileOf(messageId))]);
});

test("another key is another letter, and no unfinished file stays behind", async () => {
  const sent = await Promise.all(["a", "b", "c"].map((key) => post.send(LETTER, call(key))));
  const kept = await readdir(folder);
  for (const { messageId } of sent) assert.ok(kept.includes(path.basename(fileOf(messageId))));
  assert.deepEqual(
    kept.filter((name) => !name.endsWith(".eml")),
    [],
  );
});

test("a Message-ID depends on the key alone, and holds nothing that a mail server would refuse", () => {
  assert.equal(messageIdOf("run:1/a b"), messageIdOf("run:1/a b"));
  assert.notEqual(messageIdOf("run:1/a b"), messageIdOf("run:1/a c"));
  assert.match(messageIdOf("Ünï/…\n"), /^<[0-9a-f]{32}@tenfold\.example>$/);
});

test("a letter whose caller has given up is not sent", async () => {
  const given = { ...call("late"), signal: AbortSignal.abort() };
  await assert.rejects(post.send(LETTER, given), { name: "AbortError" });
  assert.ok(!(await lettersIn(folder)).includes(path.basename(fileOf(messageIdOf("late")))));
});

test("only a 5xx reply is final", () => {
  assert.ok(isFinalRejection(Object.assign(new Error("no such mailbox"), { responseCode: 550 })));
  assert.ok(!isFinalRejection(Object.assign(new Error("try later"), { responseCode: 451 })));
  assert.ok(!isFinalRejection(new Error("connection lost")));
});

test("a folder that does not exist holds no letters", async () => {
  assert.deepEqual(await lettersIn(path.join(folder, "nowhere")), []);
});
