/** Payloads on the command line, the real program: encrypted in the file, decoded for commands, redacted for people. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { project, type Project } from "./project.ts";

const SOURCES = pathToFileURL(path.resolve(import.meta.dirname, "../../src/index.ts")).href;
const [OLD, YOUNG] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString("base64")) as [string, string];

/** A config whose keys are those of the environment. */
function withCodec(t: TestContext, redact: readonly string[]): Project {
  const one = project(t);
  one.write(
    "tenfold.config.ts",
    `import { hello, leads } from "./flows.ts";
import { aes256gcm } from ${JSON.stringify(SOURCES)};
const { OLD, YOUNG } = process.env;
const keys = { ...(OLD === undefined ? {} : { old: OLD }), ...(YOUNG === undefined ? {} : { young: YOUNG }) };
export default {
  store: "runs.db",
  workflows: [hello, leads],
  codec: aes256gcm({ keys, use: YOUNG === undefined ? "old" : "young" }),
  redact: ${JSON.stringify(redact)},
};
`,
  );
  one.environment["OLD"] = OLD;
  return one;
}

test("commands read and write through the config's codec, also beside --store, and the file tells nothing", async (t) => {
  const one = withCodec(t, []);
  const { stdout } = await one.call("run", "hello", `{"name":"Zanzibar"}`);
  assert.match(stdout, /Hello Zanzibar/);
  const file = readFileSync(path.join(one.folder, "runs.db"));
  assert.ok(file.includes("enc:aes256gcm:old:") && !file.includes("Zanzibar"));
  for (const flags of [[], ["--store", "runs.db"], ["--store", path.join(one.folder, "runs.db")]]) {
    const [run] = (JSON.parse((await one.call("runs", "--json", ...flags)).stdout) as { runs: { id: string }[] }).runs;
    const shown = await one.call("show", run!.id, ...flags);
    assert.match(shown.stdout, /"name": "Zanzibar"[^]*Hello Zanzibar/, flags.join(" "));
  }
});

test("what is not to be shown is hidden in run, show, runs and export, as text and as JSON; errors are texts", async (t) => {
  const one = withCodec(t, ["name", "output", "country"]);
  const ran = await one.call("run", "hello", `{"name":"Zanzibar"}`);
  const ranJson = await one.call("run", "hello", `{"name":"Zanzibar"}`, "--json");
  const failed = await one.call("run", "leads", `{"email":"a@example.com","country":"XX"}`);
  const runs = await one.call("runs", "--json");
  const id = (JSON.parse(ranJson.stdout) as { run: string }).run;
  const seen = [ran, ranJson, runs];
  for (const flags of [[], ["--json"], ["--all"]]) seen.push(await one.call("show", id, ...flags));
  seen.push(await one.call("export", "--journal"), await one.call("export", "--store", "runs.db"));
  for (const { code, stdout, stderr } of seen) {
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stdout + stderr, /Zanzibar|"XX"/);
    assert.match(stdout, /\[redacted\]/);
  }
  assert.match(failed.stderr, /no such country: XX/);
  assert.match((await one.call("show", id)).stdout, /greet +█/, "the timeline is that of the run as it is");
});

test("without its key a run is shown without its payloads, and what is missing is said", async (t) => {
  const one = withCodec(t, []);
  await one.call("run", "hello", `{"name":"Zanzibar"}`);
  delete one.environment["OLD"];
  one.environment["YOUNG"] = YOUNG;
  await one.call("run", "hello", `{"name":"Anna"}`);
  const listed = await one.call("runs");
  assert.equal(listed.code, 0);
  assert.match(listed.stdout, /not decoded: CODEC_KEY_MISSING/);
  const { runs } = JSON.parse((await one.call("runs", "--json")).stdout) as { runs: { id: string; input: unknown }[] };
  assert.deepEqual(runs.map(({ input }) => input), [{ name: "Anna" }, null]); // prettier-ignore
  const shown = await one.call("show", runs[1]!.id);
  assert.equal(shown.code, 0);
  assert.match(
    shown.stdout,
    /No timeline\.\n\nNot decoded\n +CODEC_KEY_MISSING: input, output, entry 0 \(done greet\)\n +The key "old"/,
  );
  assert.doesNotMatch(shown.stdout, /^Input/m);
  const exported = await one.call("export", "--journal");
  assert.equal(exported.code, 2);
  assert.match(exported.stderr, /not decoded: parts of 1 run, which have `unread`/);
  const lines = exported.stdout.trim().split("\n").map((line) => JSON.parse(line) as { unread?: { what: string }[] }); // prettier-ignore
  assert.deepEqual(lines.map(({ unread }) => unread?.length), [undefined, 3]); // prettier-ignore
  one.environment["OLD"] = OLD;
  assert.match((await one.call("show", runs[1]!.id)).stdout, /Hello Zanzibar/);
});

test("a key that is not set, and a field that is none, are told by the config's file", async (t) => {
  const one = withCodec(t, []);
  one.environment["OLD"] = "";
  const { code, stderr } = await one.call("runs", "--store", "runs.db");
  assert.equal(code, 4);
  assert.match(stderr, /tenfold\.config\.ts:8.*aes256gcm was given a key "old" that is not set/);
  const other = withCodec(t, ["a..b"]);
  const refused = await other.call("run", "hello", `{"name":"Anna"}`);
  assert.equal(refused.code, 4);
  assert.match(refused.stderr, /`redact`.*nothing was opened/);
});

test("a move carries what is encrypted as it is, and needs no key", async (t) => {
  const one = withCodec(t, []);
  await one.call("run", "hello", `{"name":"Zanzibar"}`);
  const [run] = (JSON.parse((await one.call("runs", "--json")).stdout) as { runs: { id: string }[] }).runs;
  delete one.environment["OLD"];
  const moved = await one.call("move", "runs.db", "other.db");
  assert.equal(moved.code, 0, moved.stderr);
  one.environment["OLD"] = OLD;
  assert.match((await one.call("show", run!.id, "--store", "other.db")).stdout, /Hello Zanzibar/);
});
