/** A project in a folder of its own, and the real program called in it: what the tests of the command line stand on. */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import type { TestContext } from "node:test";
import { pathToFileURL } from "node:url";

export const PROGRAM = path.resolve(import.meta.dirname, "../../bin/tenfold.js");
const SOURCES = pathToFileURL(path.resolve(import.meta.dirname, "../../src/index.ts")).href;

const FLOWS = `
import { match, step, workflow } from ${JSON.stringify(SOURCES)};
import { z } from ${JSON.stringify(import.meta.resolve("zod"))};

const greet = step("greet", { timeout: "5s", run: (input: { name: string }) => "Hello " + input.name });
export const hello = workflow<{ name: string }>("hello", { flow: (input) => greet(input) });

const Lead = z.object({ email: z.email("is no e-mail address"), country: z.string() });
const rate = step("rate", {
  timeout: "5s",
  retry: { attempts: 1 },
  run: ({ country }: { country: string }) => {
    if (country === "XX") throw new Error("no such country: XX");
    return (country === "DE" ? "near" : "far") as "near" | "far";
  },
});
const call = step("call", { timeout: "5s", run: (lead: { email: string }) => "called " + lead.email });
export const leads = workflow("leads", {
  input: Lead,
  key: (lead) => lead.email,
  attributes: (lead) => ({ country: lead.country }),
  flow(lead) {
    const distance = rate(lead);
    return match(distance, { near: () => call(lead), far: () => "none" });
  },
});
`;

export interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type Running = ChildProcessByStdio<Writable, Readable, Readable>;

export interface Project {
  readonly folder: string;
  /** What the programs have in their environment beside that of the tests. */
  readonly environment: Record<string, string>;
  write(name: string, text: string): void;
  read(name: string): string;
  /** Calls \`tenfold\` with these words. */
  call(...args: readonly string[]): Promise<Answer>;
  /** The same with text on its standard input. */
  callWith(input: string, ...args: readonly string[]): Promise<Answer>;
  /** Starts it without waiting for its end. */
  begin(...args: readonly string[]): Running;
}

/** A folder with a config of two workflows, `hello` and `leads`; removed after the test. */
export function project(t: TestContext): Project {
  const folder = mkdtempSync(path.join(tmpdir(), "tenfold-cli-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, text: string): void => writeFileSync(path.join(folder, name), text);
  write("package.json", `{ "type": "module" }`);
  write("flows.ts", FLOWS);
  write(
    "tenfold.config.ts",
    `import { hello, leads } from "./flows.ts";\nexport default { store: "runs.db", workflows: [hello, leads] };\n`,
  );
  const environment: Record<string, string> = {};
  const begin = (...args: readonly string[]): Running => {
    const { NO_COLOR: _no, FORCE_COLOR: _force, ...env } = process.env;
    return spawn(process.execPath, [PROGRAM, ...args], {
      cwd: folder,
      env: { ...env, ...environment },
      stdio: ["pipe", "pipe", "pipe"],
    });
  };
  const callWith = async (input: string, ...args: readonly string[]): Promise<Answer> => {
    const child = begin(...args);
    child.stdin.end(input);
    return answerOf(child);
  };
  return {
    folder,
    environment,
    write,
    read: (name) => readFileSync(path.join(folder, name), "utf8"),
    call: (...args) => callWith("", ...args),
    callWith,
    begin,
  };
}

/** What a program said until it ended. */
export async function answerOf(child: Running): Promise<Answer> {
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout, stderr };
}

/** Long for any machine: what is not said by then will not be. */
const PATIENCE_MS = 60_000;

/** Resolves once `child` has said `text` on standard output or standard error. */
export async function said(child: Running, text: string): Promise<void> {
  let heard = "";
  let timer: NodeJS.Timeout | undefined;
  const hears = new Promise<void>((resolve, reject) => {
    const listen = (chunk: Buffer | string): void => {
      heard += String(chunk);
      if (heard.includes(text)) resolve();
    };
    const give = (why: string) => () => reject(new Error(`${why} ${JSON.stringify(text)}; it said:\n${heard}`));
    child.stdout.on("data", listen);
    child.stderr.on("data", listen);
    child.once("close", give("It ended without saying"));
    timer = setTimeout(give("It is still not saying"), PATIENCE_MS);
  });
  return hears.finally(() => clearTimeout(timer));
}
