/** Laws of fields that are not to be shown: logs hide them, programs have them whole. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { open, step, workflow } from "../../src/index.ts";
import { redactedRun } from "../../src/engine/run-view.ts";
import type { Entry } from "../../src/index.ts";
import { redactor } from "../../src/value/redact.ts";
import { rejects } from "./world.ts";

const login = step("login", {
  timeout: "5s",
  run: (lead: { user: string; password: string }, { log }) => {
    log.warn("signing in", { lead, attempts: [{ password: "tried" }], user: lead.user });
    return { session: "s-1", user: lead.user };
  },
});
const signIn = workflow<{ user: string; password: string }>("sign-in", { flow: (lead) => login(lead) });

test("logs hide the fields, bodies and programs have them, and `redacted` answers what people may see", async () => {
  const lines: unknown[] = [];
  const log = { write: (_level: string, message: string, facts: object) => void lines.push({ message, ...facts }) };
  const redact = ["password", "output.session"];
  const tenfold = await open({ store: ":memory:", workflows: [signIn], redact, log });
  const run = await tenfold.start(signIn, { user: "kim", password: "hunter2" });
  assert.deepEqual(await run.result(), { session: "s-1", user: "kim" });
  assert.doesNotMatch(JSON.stringify(lines), /hunter2|tried/);
  const [line] = lines;
  assert.deepEqual(line, {
    message: "signing in",
    workflow: "sign-in",
    run: run.id,
    node: "login",
    attempt: 1,
    lead: { user: "kim", password: "[redacted]" },
    attempts: [{ password: "[redacted]" }],
    user: "kim",
  });
  const whole = await tenfold.show(run.id);
  assert.deepEqual(whole.input, { user: "kim", password: "hunter2" });
  const shown = tenfold.redacted(whole);
  assert.deepEqual(shown.input, { user: "kim", password: "[redacted]" });
  assert.deepEqual(shown.output, { session: "[redacted]", user: "kim" });
  const [entry] = shown.entries;
  assert.ok(entry?.kind === "done");
  assert.deepEqual(entry.output, shown.output);
  assert.deepEqual({ ...shown, input: 0, output: 0, entries: 0 }, { ...whole, input: 0, output: 0, entries: 0 });
  assert.doesNotMatch(JSON.stringify(tenfold.redacted(await run.outcome())), /s-1/);
  await tenfold.close();
});

test("of an entry all is hidden that is named so, and nothing of tenfold's own", () => {
  const entries: readonly Entry[] = [
    { kind: "done", node: "a", at: 1, attempt: 2, output: "o", tookMs: 3 },
    { kind: "signalled", at: 1, message: "m", signal: "paid", for: "x", payload: { iban: "i", node: "n" } },
    { kind: "signalled", at: 1, message: "m", signal: "paid", for: null, payload: "p" },
    { kind: "failed", node: "a", at: 1, attempt: 1, error: { code: "c", message: "iban", node: "a", attempt: 1 }, retryAt: null, tookMs: 1 }, // prettier-ignore
  ];
  const shown = redactedRun({ entries }, redactor(["output", "iban", "payload.node", "error", "message", "attempt"]));
  assert.deepEqual(shown.entries, [
    { ...entries[0], output: "[redacted]" },
    { ...entries[1], payload: { iban: "[redacted]", node: "[redacted]" } },
    entries[2],
    entries[3],
  ]);
  assert.deepEqual(redactedRun({ entries }, redactor(["payload"])).entries[2], {
    ...entries[2],
    payload: "[redacted]",
  });
});

test("a list that is none, or has what is no path, is refused, and nothing is opened", async () => {
  for (const redact of ["password", [1], ["a..b"], ["card."], [""]]) {
    await rejects(
      open({ store: ":memory:", workflows: [], redact } as never),
      "OPTION_UNSUPPORTED",
      "`redact`",
      '["password", "card.number", "*.ssn"]',
      "nothing was opened",
    );
  }
});
