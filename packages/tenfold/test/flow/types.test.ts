/** The types of the flow: they check, and they stay cheap at two hundred nodes. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const REPO = fileURLToPath(new URL("../../../../", import.meta.url));
const SRC = fileURLToPath(new URL("../../src/", import.meta.url));
const FLOW = join(SRC, "flow", "index.ts");
const TYPES = fileURLToPath(new URL("../types/", import.meta.url));
const TSC = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");

/** Runs the repository's compiler and settings over files and what they import; answers its report. */
function compile(files: Readonly<Record<string, string>>, include: readonly string[], options: object = {}) {
  const folder = mkdtempSync(join(tmpdir(), "tenfold-types-"));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const compilerOptions = { types: ["node"], typeRoots: [join(REPO, "node_modules", "@types")], ...options };
    const config = { extends: join(REPO, "tsconfig.json"), compilerOptions, include };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    const { stdout, status } = spawnSync(process.execPath, [TSC, "-p", folder, "--extendedDiagnostics"], {
      encoding: "utf8",
    });
    const figure = (name: string): string => new RegExp(`^${name}:\\s+(\\S+)`, "m").exec(stdout)?.[1] ?? "";
    return { status, stdout, instantiations: Number(figure("Instantiations")), checkTime: figure("Check time") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A workflow in which each node uses the one before it, and every fifth opens a branch, a list, or a derive. */
function longWorkflow(nodes: number): string {
  const lines = Array.from({ length: nodes }, (_, index) => {
    const [at, before] = [`v${index + 1}`, `v${index}`];
    switch (index % 10) {
      case 4:
        return `const ${at} = match.as("n${index}")(${before}.tier, { hot: () => grow.as("a")(${before}), warm: () => grow.as("b")(${before}), null: () => ({ size: 1, tier: "hot" as const, tags: ["x"], parent: null }) });`;
      case 6:
        return `const ${at} = derive.as("n${index}")(${before}, lead, (one, lead) => ({ ...one, size: one.size + lead.points }));`;
      case 8:
        return `const l${index} = each.as("l${index}")(${before}.tags, (tag) => name({ tag, of: ${before} }));
      const ${at} = when.as("n${index}")(all(gte(${before}.size, 80), present(lead.name)), () => join.as("c")({ one: ${before}, names: l${index} }), () => grow.as("d")(${before}));`;
      default:
        return `const ${at} = ${index % 2 === 0 ? "grow" : "shrink"}.as("n${index}")({ size: ${before}.size, tier: ${before}.tier, tags: ${before}.tags, parent: ${before}.parent });`;
    }
  });
  return `import { all, derive, each, gte, match, present, step, when, workflow, type Lifted } from ${JSON.stringify(FLOW)};
    interface Company { size: number; tier: "hot" | "warm" | null; tags: string[]; parent: { name: string; at: { city: string } } | null }
    interface Lead { email: string; points: number; name?: string; company: Company }
    const grow = step("grow", { retry: { attempts: 3 }, async run(one: Company): Promise<Company> { return { ...one, size: one.size + 1 }; } });
    const shrink = step("shrink", { async run(one: Company): Promise<Company> { return { ...one, size: one.size - 1 }; } });
    const name = step("name", { async run({ tag, of }: { tag: string; of: Company }) { return tag + of.size; } });
    const join = step("join", { async run({ one, names }: { one: Company; names: string[] }): Promise<Company> { return { ...one, tags: names }; } });
    export const long = workflow("long", {
      flow(lead: Lifted<Lead>) {
        const v0 = lead.company;
        ${lines.join("\n        ")}
        return { last: v${nodes}, email: lead.email };
      },
    });
    export const proof: typeof long extends { readonly name: string } ? true : false = true;
  `;
}

test("the type tests hold: what should compile does, what should not does not", () => {
  const { status, stdout } = compile({}, [join(TYPES, "*.ts")]);
  assert.equal(status, 0, stdout);
});

test("a program with the types of browsers, which TypeScript has by default, sees no error in the package", () => {
  const text = ["index", "cli/index", "testing/index"]
    .map((path, index) => `export * as of${index} from ${JSON.stringify(join(SRC, `${path}.ts`))};`)
    .join("\n");
  const { status, stdout } = compile({ "all.mts": text }, ["all.mts"], { lib: ["esnext", "dom", "dom.iterable"] });
  assert.equal(status, 0, stdout);
});

test("an option that does not fit beside a schema, or a timeout that is missing, is told by what is wrong", () => {
  const text = `import { schedule, step, waitFor, workflow } from ${JSON.stringify(FLOW)};
    import type { Schema } from ${JSON.stringify(join(SRC, "value", "schema.ts"))};
    declare const input: Schema<{ a: number }, { a: number }>;
    const triggers = [schedule("0 9 * * *", { timeZone: "UTC" })];
    workflow("w", { input, triggers, flow: (given) => given });
    step("s", { output: input, run: () => ({ b: 1 }) });
    workflow("o", { flow: () => waitFor("x", { otherwise: () => 3 }) });
  `;
  const { stdout } = compile({ "wrong.mts": text }, ["wrong.mts"]);
  for (const part of [
    "beside its schema another option does not fit: `triggers`, `key`, `attributes`",
    "beside its schema another option does not fit: `run`, `input`, `retry`",
    "`otherwise` is drawn after a `timeout`: give that too",
  ]) {
    assert.ok(stdout.includes(part), `${part}: ${stdout}`);
  }
});

test("a workflow of 200 nodes costs the compiler a fixed amount a node", (t) => {
  const small = compile({ "long.mts": longWorkflow(100) }, ["long.mts"]);
  const large = compile({ "long.mts": longWorkflow(200) }, ["long.mts"]);
  assert.equal(small.status, 0, small.stdout);
  assert.equal(large.status, 0, large.stdout);
  const perNode = (large.instantiations - small.instantiations) / 100;
  t.diagnostic(`check time ${large.checkTime}, ${large.instantiations} instantiations, ${perNode} for one more node`);
  assert.ok(large.instantiations > 0);
  assert.ok(large.instantiations < 60_000, `${large.instantiations} instantiations`);
  assert.ok(perNode < 150, `${perNode} instantiations for one more node`);
});
