/**
 * The laws of source files, each with breaches of it that must be found, and with what looks like one and is none: a
 * law that finds nothing anywhere proves nothing.
 */
import path from "node:path";
import * as form from "./form.ts";
import { brokenArrows, deadFiles, importCircles, missingImports } from "./imports.ts";
import { environmentReads, impurities } from "./purity.ts";
import { read, sourceFile, type SourceFile } from "./repository.ts";

const SRC = "packages/tenfold/src";
const exported = exportsOf(["packages/tenfold"]);

/** Which file each specifier of a package of this repository is. */
function exportsOf(folders: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    folders.flatMap((folder) => {
      const { name, exports } = JSON.parse(read(`${folder}/package.json`)) as {
        name: string;
        exports: Record<string, string>;
      };
      return Object.entries(exports).map(
        ([at, file]) => [path.posix.join(name, at), path.posix.join(folder, file)] as const,
      );
    }),
  );
}

/** What reaches a source file: all that ships, the programs of package.json, the bench; for the simulator also tests. */
function rootsOf(files: readonly SourceFile[]): readonly string[] {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  const programs = Object.values(scripts).flatMap((script) => script.match(/[\w./-]+\.ts\b/g) ?? []);
  const bench = files.map((file) => file.path).filter((at) => at.startsWith("bench/"));
  const commands = files.map((file) => file.path).filter((at) => at.includes("/bin/"));
  return [...exported.values(), ...programs, ...bench, ...commands];
}

/** Files of a repository that is made up, by path below the package's sources. */
export function planted(files: Readonly<Record<string, string>>): readonly SourceFile[] {
  return Object.entries(files).map(([at, text]) => sourceFile(at.includes("/src/") ? at : `${SRC}/${at}`, text));
}

export interface Law {
  readonly says: string;
  readonly finds: (files: readonly SourceFile[]) => readonly string[];
  /** Each is found out. */
  readonly breaches: readonly Readonly<Record<string, string>>[];
  /** None of it is a breach, though it looks like one. */
  readonly kept: Readonly<Record<string, string>>;
}

export const LAWS: readonly Law[] = [
  {
    says: "imports only point down, or stay in their folder; testing alone also knows the engine",
    finds: (files) => brokenArrows(files, exported),
    breaches: [
      { "core/a.ts": `import { b } from "../store/b.ts";` },
      { "flow/a.ts": `import type { B } from "../core/b.ts";` },
      { "engine/a.ts": `export * from "../testing/b.ts";` },
      { "engine/a.ts": `import "../prove/b.ts";` },
      { "value/a.ts": `const b = import("../flow/b.ts");` },
      { "store/a.ts": `import {\n  b,\n} from "../index.ts";` },
      { "core/a.ts": `import { step } from "tenfold";` },
      { "store/a.ts": `new Worker(new URL("../engine/b.ts", import.meta.url));` },
      { "store/a.ts": "new Worker(new URL(`../engine/b.${ending}`, import.meta.url));" },
      { "engine/a.ts": `import { b } from "../../test/b.ts";` },
      { "cellar/a.ts": `export const a = 1;` },
    ],
    kept: {
      "core/a.ts": `import { b } from "../value/b.ts";\nimport { c } from "./c.ts"; // from "../engine/d.ts"`,
      "engine/sub/a.ts": `import { b } from "../b.ts"; const text = 'from "../cli/c.ts"';`,
      "testing/a.ts": `import { b } from "../engine/b.ts";`,
      "index.ts": `export { b } from "./cli/b.ts";`,
    },
  },
  {
    says: "every import leads to a file that is there",
    finds: (files) => missingImports(files, exported),
    breaches: [{ "core/a.ts": `import { b } from "./b.ts";` }],
    kept: { "core/a.ts": `import { b } from "./b.ts";`, "core/b.ts": `import fs from "node:fs";` },
  },
  {
    says: "imports make no circle, type imports included",
    finds: (files) => importCircles(files, exported),
    breaches: [
      { "core/a.ts": `import type { B } from "./b.ts";`, "core/b.ts": `export { a } from "./a.ts";` },
      { "core/a.ts": `import "./a.ts";` },
    ],
    kept: {
      "core/a.ts": `import "./b.ts"; import "./c.ts";`,
      "core/b.ts": `import "./c.ts";`,
      "core/c.ts": `new Worker(new URL("./a.ts", import.meta.url));`,
    },
  },
  {
    says: "every source file is reached from what ships, from a program or, for the simulator, from a test",
    finds(files) {
      const tests = files.map((file) => file.path).filter((at) => /\/test\/|^test\//.test(at));
      const shipped = deadFiles(files, exported, rootsOf(files));
      const tested = new Set(deadFiles(files, exported, tests));
      return shipped.filter((told) => !told.startsWith(`${SRC}/testing/`) || tested.has(told));
    },
    breaches: [
      { "index.ts": "", "core/a.ts": "" },
      { "index.ts": `// import "./core/a.ts";`, "core/a.ts": "" },
      { "core/a.ts": "", "packages/tenfold/test/src/a.test.ts": `import "../../src/core/a.ts";` },
    ],
    kept: {
      "index.ts": `export { a } from "./core/a.ts";`,
      "core/a.ts": `new URL("./b.ts", import.meta.url);`,
      "core/b.ts": "new URL(`./b-thread.${ending}`, import.meta.url);",
      "core/b-thread.ts": "",
      "testing/c.ts": "",
      "packages/tenfold/test/src/a.test.ts": `import "../../src/testing/c.ts";`,
    },
  },
  {
    says: "floors 1 to 3 know no clock, chance, timer, I/O or waiting",
    finds: impurities,
    breaches: [
      "Date.now()",
      "new Date(0)",
      "performance.now()",
      "Math.random()",
      "setTimeout(f, 1)",
      "setInterval(f, 1)",
      "setImmediate(f)",
      "queueMicrotask(f)",
      "AbortSignal.timeout(1)",
      "process.argv",
      "console.log(1)",
      "fetch(url)",
      "crypto.randomUUID()",
      "globalThis.x",
      "async () => {}",
      "await it",
      "new Promise(f)",
      "Promise.resolve(1)",
      "`${Date.now()}`",
      `import { readFileSync } from "node:fs";`,
      `import { connect } from "node:net";`,
      `import { request } from "node:http";`,
      `import { randomBytes } from "node:crypto";`,
      `import { createHash, randomBytes } from "node:crypto";`,
      `import { parse } from "csv-parse";`,
    ].map((text) => ({ "flow/a.ts": text })),
    kept: {
      "core/a.ts": `import { createHash } from "node:crypto";\nimport type { S } from "@standard-schema/spec";`,
      "flow/a.ts": `// Date.now()\nconst text = "await fetch()" + \`new Date\`; const r = /Math.random()/;`,
      "value/a.ts": "result instanceof Promise; run.process; plan.fetch(store); clock.now();",
      "engine/a.ts": "await Date.now();",
    },
  },
  {
    says: "nothing below the command line reads the environment",
    finds: environmentReads,
    breaches: [
      { "engine/a.ts": "process.env.HOME" },
      { "store/a.ts": `process["env"]` },
      { "store/a.ts": "const { env } = process;" },
      { "engine/a.ts": `import { env } from "node:process";` },
    ],
    kept: { "cli/a.ts": "process.env.NO_COLOR", "engine/a.ts": `process.pid; const s = "process.env";` },
  },
  {
    says: "nothing is exported as a default",
    finds: form.defaultExports,
    breaches: [{ "core/a.ts": "export default class {}" }, { "core/a.ts": "export { a as default };" }],
    kept: { "core/a.ts": `import { default as a } from "x"; // export default` },
  },
  {
    says: "no module keeps state, but for the stack of workflows being drawn",
    finds: form.moduleState,
    breaches: [
      { "core/a.ts": "let count = 0;" },
      { "core/a.ts": "export var count = 0;" },
      { "core/a.ts": "const seen = new Map<string, number>();" },
      { "core/a.ts": "const seen = new Set;" },
      { "core/a.ts": "function f() {}\nexport const all: string[] = [];" },
      { "core/a.ts": "const byName: Record<string, number> = {};" },
      { "core/a.ts": "type Known = Map<string, number>;\nconst known: Known = new Map();" },
    ],
    kept: {
      "core/a.ts": "const NONE: readonly string[] = [];\nconst UNITS = new Map([[1, 2]]);",
      "core/b.ts": "export function f(): void {\n  let count = 0;\n  const seen = new Set();\n}",
      "core/d.ts": "type Known = ReadonlyMap<string, number>;\nconst NOTHING: Known = new Map();",
      "core/c.ts": "const text = `let x = 1`; // let y\nfor (const a of b) { let z; }",
      "flow/current-drawing.ts": "const drawings: Drawing[] = [];",
    },
  },
  {
    says: "a file's name says which idea is in it",
    finds: form.emptyFileNames,
    breaches: ["utils.ts", "string-helpers.ts", "types.ts", "common.ts", "misc.ts", "runState.ts"].map((name) => ({
      [`core/${name}`]: "",
    })),
    kept: {
      "core/run-state.ts": "",
      "core/types.test.ts": "",
      "core/customer-types.ts": "",
      "a/src/tenfold.config.ts": "",
    },
  },
  {
    says: "every file opens with a sentence that says what it is responsible for",
    finds: form.silentFiles,
    breaches: [
      { "core/a.ts": `import { b } from "./b.ts";\n/** Late. */` },
      { "core/a.ts": "/** todo */\n" },
      { "core/a.ts": "// eslint-disable\n" },
      { "core/a.ts": "" },
    ],
    kept: {
      "core/a.ts": "/** Which arm a match takes. */\n",
      "core/b.ts": "/**\n * `match` and `when`: branches.\n */\n",
      "core/c.ts": "#!/usr/bin/env node\n// Starts the command line.\n",
    },
  },
  {
    says: "no file is longer than 350 lines",
    finds: (files) => form.longFiles(files),
    breaches: [{ "core/a.ts": "x;\n".repeat(351) }],
    kept: { "core/a.ts": "x;\n".repeat(350) },
  },
  {
    says: "no exported name has a word in it that the design does not use",
    finds: form.unusedWords,
    breaches: [
      { "core/a.ts": "export function helper(): void {}" },
      { "core/a.ts": "export class RunManager {}" },
      { "core/a.ts": "export const JOB_MAX = 1;" },
      { "core/a.ts": "export type StepExecution = 1;" },
      { "core/a.ts": "export { a, type b as JSONService };" },
    ],
    kept: { "core/a.ts": "const job = 1; export const processed = 1; export { job as step };" },
  },
  {
    says: "no test is passed over",
    finds: form.passedOverTests,
    breaches: [
      { "core/a.test.ts": `test.skip("it holds", () => {});` },
      { "core/a.test.ts": `test("it holds", { skip: true }, () => {});` },
      { "core/a.test.ts": `it.only("it holds", () => {});` },
      { "core/a.test.ts": `test("it holds", (t) => t.todo());` },
    ],
    kept: { "core/a.test.ts": `test("no test.skip here", () => {});`, "core/a.ts": "const skip = 1; f({ skip: 1 });" },
  },
];
