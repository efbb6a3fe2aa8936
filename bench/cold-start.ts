/** Child: from the shell to the first run done by the command line, against the bare runtime. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answer, asked, quantile } from "./child.ts";

const { times } = asked<{ times: number }>();
const folder = mkdtempSync(join(tmpdir(), "tenfold-cold-"));
const bin = join(import.meta.dirname, "../packages/tenfold/bin/tenfold.js");
const tenfold = join(import.meta.dirname, "../packages/tenfold/src/index.ts");
writeFileSync(
  join(folder, "tenfold.config.ts"),
  `import { step, workflow } from ${JSON.stringify(tenfold)};
const greet = step("greet", { run: (name: string) => "hello " + name });
export const store = ${JSON.stringify(join(folder, "cold.db"))};
export const workflows = [workflow<string, string>("hello", { flow: (name) => greet(name) })];
`,
);
const timed = (args: readonly string[]): number => {
  const startedAt = performance.now();
  execFileSync(process.execPath, args, { cwd: folder, stdio: "ignore" });
  return performance.now() - startedAt;
};
const engineMs: number[] = [];
const bareMs: number[] = [];
try {
  for (let index = 0; index < times; index++) {
    engineMs.push(timed([bin, "run", "hello", '"kim"']));
    bareMs.push(timed(["-e", "0"]));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
answer({ p50: quantile(engineMs.slice(1), 0.5), first: engineMs[0], bare: quantile(bareMs, 0.5) });
