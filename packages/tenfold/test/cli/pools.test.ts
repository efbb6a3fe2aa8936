/** `tenfold work --only` and `--except`, the real program: bodies are called where they may be. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { open, type Workflow } from "../../src/index.ts";
import { project, type Project } from "./project.ts";

const FLOWS = `
const light = step("light", { run: (pids: number[]) => [...pids, process.pid] });
const heavy = step("heavy", { queue: { pool: "heavy" }, run: (pids: number[]) => [...pids, process.pid] });
export const line = workflow<number[]>("line", { flow: (pids) => light.as("last")(heavy(light(pids))) });
`;

function pooled(t: TestContext): Project {
  const one = project(t);
  const imports = one
    .read("flows.ts")
    .split("\n")
    .find((each) => each.includes("{ match, step, workflow }"))!;
  one.write("flows.ts", imports.replace("match, ", "") + FLOWS);
  const config = `import { line } from "./flows.ts";\nexport default { store: "runs.db", workflows: [line] };\n`;
  one.write("tenfold.config.ts", config);
  return one;
}

test("a worker of a pool calls the bodies of its steps, and one for all but the pool calls the others", async (t) => {
  const one = pooled(t);
  const pidOf = (...args: string[]): number => {
    const program = one.begin("work", ...args);
    t.after(() => program.kill("SIGKILL"));
    return program.pid!;
  };
  const [heavy, plain] = [pidOf("--only", "heavy"), pidOf("--except", "heavy")];
  const { line } = (await import(pathToFileURL(path.join(one.folder, "flows.ts")).href)) as {
    line: Workflow<number[], number[]>;
  };
  await using tenfold = await open({ store: path.join(one.folder, "runs.db"), workflows: [line], work: false });
  const run = await tenfold.start(line, []);
  assert.deepEqual(await run.result(), [plain, heavy, plain]);
});

test("a pool that there is not, and one that is named from both ends, are refused before anything is worked", async (t) => {
  const one = pooled(t);
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [["--only", "havy"], /POOL_UNKNOWN.*no pool "havy".*Did you mean "heavy".*default, heavy/s],
    [["--except", "gpu"], /no pool "gpu".*default, heavy/s],
    [["--only", "heavy", "--except", "default"], /`--only` and `--except` say the same/],
    [["--only", "heavy,"], /`--only heavy,` names no pools.*`--only heavy,gpu`/s],
    [["--except", "default,heavy"], /would do nothing/],
  ];
  for (const [args, says] of wrong) {
    const { code, stdout, stderr } = await one.call("work", ...args);
    assert.match(stderr, says);
    assert.deepEqual([code, stdout], [4, ""]);
  }
  assert.ok(!existsSync(path.join(one.folder, "runs.db")));
});

test("what the command says of pools comes in the place of what the config says", async (t) => {
  const one = pooled(t);
  one.write(
    "tenfold.config.ts",
    `import { line } from "./flows.ts";\nexport default { store: "runs.db", workflows: [line], pools: ["heavy"] };\n`,
  );
  const { stderr } = await one.call("work", "--except", "gpu");
  assert.match(stderr, /no pool "gpu"/);
});
