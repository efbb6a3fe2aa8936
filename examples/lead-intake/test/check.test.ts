/** `tenfold check` has nothing to say of the example, as it has nothing to say of a sound workflow. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAll } from "../../../packages/tenfold/src/cli/check-all.ts";
import { workflows } from "../tenfold.config.ts";

test("of lead intake nothing is found: its attempts fit into the time that its runs have", async () => {
  assert.deepEqual(await checkAll(workflows, Date.UTC(2026, 0, 1)), []);
});
