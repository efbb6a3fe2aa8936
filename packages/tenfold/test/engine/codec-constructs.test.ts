/** Nothing of a payload stands plain in a store with a codec, whatever construct it went through. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import {
  aes256gcm,
  after,
  approval,
  attempt,
  call,
  derive,
  each,
  on,
  open,
  script,
  step,
  waitFor,
  workflow,
} from "../../src/index.ts";
import { newFile } from "../store/files.ts";

const MARKER = "Zanzibar";
const codec = aes256gcm({ keys: { one: Buffer.alloc(32, 7) }, use: "one" });

type Text = { text: string };

/** A schema that refuses everything, with what it was given in the message. */
const nothing = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value: unknown) => ({ issues: [{ message: `not ${JSON.stringify(value)}` }] }),
  },
} as const;

const say = step("say", { timeout: "5s", run: (text: string) => `said ${text}`, undo: (text, output) => void [text, output] }); // prettier-ignore
const breaks = step("break", {
  retry: { attempts: 2, first: "1ms" },
  run: (text: string): string => {
    throw new Error(`broke on ${text}`);
  },
});
const write = step("write", {
  timeout: "5s",
  run: (text: string, { files }) => files.write(`${text}.txt`, `${text}\n`.repeat(50_000)),
});
const book = step("book", { tx: "sqlite", run: (text: string) => `booked ${text}` });
const pay = step("pay", {
  once: true,
  run: (text: string): string => {
    throw new Error(`no answer for ${text}`);
  },
});
const child = workflow<Text>("child", { flow: ({ text }) => say(text) });
const agent = script("agent", async (ctx, text: string) => {
  const told = await ctx.call(say, text);
  return { told, heard: (await ctx.waitFor("heard")) as string };
});
const all = workflow<Text>("all", {
  flow: (input) => {
    const { text } = input;
    const words = derive(text, (word) => [word, `${word}!`]);
    const undone = attempt(
      () => after(say.as("undone")(text), () => breaks(text)),
      (error) => say.as("caught")(error.message),
    );
    return {
      said: each(words, (word) => say.as("each-word")(word)),
      child: call(child, input),
      undone,
      file: write(text),
      booked: book(text),
      paid: pay(text),
      agent: agent(text),
      asked: approval({ ask: text, by: "kim" }),
      sent: waitFor("sent"),
    } as never;
  },
});
const started = workflow<Text>("started", { triggers: [on<Text>("told")], flow: ({ text }) => say(text) });
const refused = workflow<Text>("refused", { input: nothing as never, triggers: [on<Text>("told")], flow: (input) => say.as("never")((input as any).text) }); // prettier-ignore

/** The bytes of a store's file and of all that stands beside it. */
function bytesBeside(file: string): Buffer {
  const folder = path.dirname(file);
  return Buffer.concat(readdirSync(folder).map((name) => readFileSync(path.join(folder, name))));
}

for (const isEncoded of [true, false]) {
  test(`a run through every construct leaves ${isEncoded ? "no" : "a"} word of its payloads in a file ${isEncoded ? "with a" : "without"} codec`, async () => {
    const store = newFile();
    const workflows = [all, child, started, refused];
    const tenfold = await open({ store, workflows, lanes: 3, ...(isEncoded ? { codec } : {}), log: { write() {} } });
    await tenfold.emit("told", { text: MARKER }, { id: "E-1" });
    const run = await tenfold.start(all, { text: MARKER });
    await tenfold.signal(run.id, "sent", { text: MARKER });
    await tenfold.signal(run.id, "heard", MARKER);
    const unsure = await firstOf(() => tenfold.unsure());
    const { error } = await firstOf(() => tenfold.undelivered("refused"));
    const seen = [bytesBeside(store)];
    await tenfold.resolve(unsure.token, { happened: true, output: `paid ${MARKER}`, by: "kim", comment: MARKER });
    const asked = await firstOf(() => tenfold.approvals());
    await tenfold.approve(asked.token, { by: "kim", comment: MARKER });
    const output = JSON.stringify(await run.result());
    assert.equal(output.split(MARKER).length > 8, true, output);
    seen.push(bytesBeside(store));
    assert.ok(error?.message.includes(MARKER) === true, "the refusal tells why");
    await tenfold.close();
    seen.push(bytesBeside(store));
    for (const bytes of seen) assert.equal(bytes.includes(MARKER), !isEncoded);
  });
}

/** The first that there is, once there is one. */
async function firstOf<T>(ask: () => AsyncIterable<T>): Promise<T> {
  for (;;) {
    for await (const found of ask()) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
