/** What `check` finds in a flow's source: values that are tested as if they were data, and no data under their names. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { step, workflow } from "../../src/index.ts";
import { checkWorkflow } from "../../src/cli/check.ts";
import { testedValues } from "../../src/cli/check-source.ts";
import { plainCode } from "../../src/cli/source-code.ts";

interface Lead {
  readonly points: number;
}

const one = step("one", { timeout: "1s", run: (input: number) => input });
const read = step("read", { timeout: "1s", run: (lead: Lead) => lead.points });

/** A flow's source, and what of it tests a value as if it were data. */
const SOURCES: readonly (readonly [string, readonly string[]])[] = [
  ["flow(lead) { const company = read(lead); if (!company) return one(1); }", ["!company"]],
  ["flow(lead) { return one(lead.points ?? 5); }", ["lead.points ?? …"]],
  ["(lead) => one(lead.points || 5)", ["lead.points || …"]],
  ["lead => one(!lead.flag)", ["!lead.flag"]],
  ["flow({ points }) { return one(points ?? 1); }", ["points ?? …"]],
  ['flow(lead) { const { tier } = read.as("x")(lead); return tier || 1; }', ["tier || …"]],
  [
    "flow(lead) { if (lead.flag) return one(1); else if ( lead . points ) return one(2); }",
    ["if (lead.flag)", "if (lead.points)"],
  ],
  ["flow(lead) { while (lead) one(1); }", ["while (lead)"]],
  [
    "flow(lead) { const company = read(lead); return company.size ? one(company.size) : one(2); }",
    ["company.size ? …"],
  ],
  ["lead => lead?.flag ? one(1) : one(2)", ["lead?.flag ? …"]],
  ["flow(lead) { const company = read(lead); return company && one(company); }", ["company && …"]],
  [
    "flow(lead) { if (settings.eu && lead.flag && one(2)) return one(1); return x === 1 || lead ? 1 : 2; }",
    ["lead.flag && …", "lead ? …"],
  ],
  ["flow(lead) { if (!lead.flag && eu) return one(1); }", ["!lead.flag"]],
  ["flow(lead) { return one(`${lead.flag ? 1 : 2} lead ? 1 : 2`); }", ["lead.flag ? …"]],
  ["flow(lead) { return { a: lead?.points, b: other.lead ? 1 : 2, c: one(lead) }; }", []],
  ["flow(lead) { if (one(lead)) return { if: lead, while: (lead) }; return x === lead ? 1 : x > lead && 2; }", []],
  [
    "flow(lead) { // if (lead)\n /* while (lead) */ return one('lead ? 1 : 2', \"lead && 3\", /lead ? lead && b/); }",
    [],
  ],
  [
    "flow(lead) { const two = step('two', { run: (lead) => (lead.flag ? 1 : lead.points && 2) }); return two(lead); }",
    [],
  ],
  [
    "flow(lead) { return derive.as('x')(lead, (lead) => { if (lead.flag) return 1; while (lead.points) f(lead); }); }",
    [],
  ],
  ["flow(lead) { const pick = (lead) => lead.flag ? 1 : 2; return derive(lead, pick); }", []],
  ["flow(lead) { function pick(lead) { if (lead) return 1; } return derive(lead, pick); }", []],
  ["flow(lead) { const { company } = load(); return company ? one(lead) : one(1); }", []],
  ["flow(lead) { return names.map((lead) => lead ? 1 : 2).concat(one(lead)); }", []],
  ["flow(lead) { return derive(lead, (lead) => lead.points ?? (lead.flag || 0)); }", []],
  ["flow(lead) { // lead ?? 1\n /* !lead */ return one('lead || 2'); }", []],
  ["flow(lead) { const config = load(); return config ?? one(lead); }", []],
  ["flow(lead) { return one(other.lead ?? 1, lead !== x, lead != y); }", []],
  ["flow(lead) { return one(`${lead.points ?? 1} lead ?? 2`); }", ["lead.points ?? …"]],
];

for (const [source, expected] of SOURCES) {
  test(`in \`${source.replaceAll("\n", " ")}\` ${expected.length === 0 ? "nothing is found" : `${expected.join(", ")} is found`}`, () => {
    const { name, graph, hash, steps, code, signals, warnings } = workflow<Lead>("x", { flow: (lead) => read(lead) });
    const found = testedValues({ name, graph, hash, steps, code, signals, warnings, source });
    assert.deepEqual(
      found.map(({ message }) => /has `([^`]+)`/.exec(message)![1]),
      expected,
    );
  });
}

test("a finding in the source names its line in the flow", () => {
  const definition = workflow<Lead>("lines", {
    flow(lead) {
      const points = read(lead);
      return one(points ?? 1);
    },
  });
  const findings = checkWorkflow(definition);
  assert.deepEqual(
    findings.map(({ code, level }) => [code, level]),
    [["VALUE_TESTED", "error"]],
  );
  assert.match(findings[0]!.message, /Line 3 of its `flow` has `points \?\? …`/);
});

test("code without texts and comments keeps its length and lines", () => {
  const source = "a; /* b\n c */ x = 'd\\'e' / 2; // f\n/[/]g/.test(h) / 2 / i + `j${k + `l`}m`";
  const plain = plainCode(source);
  assert.equal(plain.length, source.length);
  assert.equal(plain.split("\n").length, source.split("\n").length);
  assert.equal(
    plain.replaceAll(/" *"/g, '""').replaceAll(/\s+/g, " "),
    `a; x = "" / 2; "".test(h) / 2 / i + ""k + """"`,
  );
});
