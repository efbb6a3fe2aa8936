/** Laws of logs: what cannot be written in one fails nobody's work. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { open, step, workflow } from "../../src/index.ts";

const charge = step("charge", {
  retry: { attempts: 1 },
  run: (cents: number, { log }) => {
    const response: Record<string, unknown> = { cents: BigInt(cents) };
    response["request"] = { response };
    log.warn("charged", { response });
    return cents;
  },
});
const pay = workflow<number>("pay", { flow: (cents) => charge(cents) });

test("a body that logs what is no JSON, or to a log that throws, has done its work all the same", async (t) => {
  const told: string[] = [];
  t.mock.method(console, "error", (line: string) => void told.push(line));
  const throwing = {
    write() {
      throw new Error("the disk is full");
    },
  };
  for (const given of [{}, { log: throwing }, { log: throwing, redact: ["cents"] }]) {
    const tenfold = await open({ store: ":memory:", workflows: [pay], ...given });
    t.after(() => tenfold.close());
    assert.equal(await (await tenfold.start(pay, 7)).result(), 7);
  }
  assert.match(told[0]!, /^\{"level":"warn","message":"charged",.*"response":\{"cents":"7","request":\{"response":"\[circular\]"\}\}\}$/); // prettier-ignore
  const missing = `{"level":"error","message":"the log threw; a line of it is missing","line":"charged","error":"the disk is full"}`;
  assert.deepEqual(told.slice(1), [missing, missing]);
});
