/** The report for a person: it fits a terminal, and loses no word of what is wrong with a row. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CUSTOMER_TYPES } from "../customer-types.ts";
import { reportOf, reportText } from "../report.ts";

const reason = `is none of ${CUSTOMER_TYPES.join(", ")}: "SME"`;
const report = reportOf({
  store: "my.db",
  outputs: [],
  failures: [],
  existing: { fromBefore: 0, inThisFile: 0 },
  rejected: [
    { row: 12, column: "name", reason: "is missing" },
    { row: 205, column: "customer_type", reason },
  ],
  attempts: { count: 0, durationMs: 0 },
  queues: [],
  crmRefusals: 0,
  wallMs: 100,
});
const next = [["npm start", "takes in new leads; one that is known starts no second run"]] as const;

for (const width of [80, 100]) {
  test(`at ${width} columns no line breaks, and a long reason goes on below itself, with every word`, () => {
    const lines = reportText(report, "kept as files", next, width).split("\n");
    for (const line of lines) assert.ok(line.length <= width, line);
    const from = lines.findIndex((line) => line.includes("row 205"));
    const told = lines.slice(from, lines.indexOf("", from)).join(" ").replaceAll(/ +/g, " ");
    assert.equal(told, ` row 205 customer_type ${reason}`);
  });
}

test("in a pipe a row is one line", () => {
  const text = reportText(report, "kept as files", next, Infinity);
  assert.ok(text.split("\n").includes(`  row 205  customer_type  ${reason}`));
});
