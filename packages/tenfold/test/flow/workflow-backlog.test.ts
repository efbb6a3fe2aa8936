/** What a workflow's queue takes of how many of its runs may wait. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { step, workflow } from "../../src/flow/index.ts";
import { refuses } from "./refuses.ts";

const note = step("note", { run: (text: string) => text });

function queued(queue: object) {
  return workflow<string>("notes", { queue, flow: (text) => note(text) });
}

test("a workflow's backlog is refused or waited for, and what was started is not dropped", () => {
  assert.deepEqual(queued({ maxBacklog: 5 }).queue?.backlog, { max: 5, whenFull: "refuse" });
  assert.deepEqual(queued({ maxBacklog: 5, whenFull: "park" }).queue?.backlog, { max: 5, whenFull: "park" });
  assert.equal(queued({ concurrency: 5 }).queue?.backlog, null);
  const dropping = () => queued({ maxBacklog: 5, whenFull: "drop-oldest" });
  refuses(dropping, "QUEUE_INVALID", 'workflow "notes"', '"drop-oldest"', "tenfold cancel");
  refuses(() => queued({ maxBacklog: 0 }), "QUEUE_INVALID", 'workflow "notes"', "`queue.maxBacklog` is 0");
  refuses(() => queued({ whenFull: "park" }), "QUEUE_INVALID", 'workflow "notes"', "no `maxBacklog`");
});
