/** Measurements in processes of their own, so that their memory and their warm-up are their own. */
import { fork, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Runs a script of `folder`, this one, with `options` and answers what it measured; ended, with an error, where that takes too long. */
export function measure<T>(
  script: string,
  options: Readonly<Record<string, unknown>>,
  { atMostSeconds = 900, folder = import.meta.dirname } = {},
): Promise<T> {
  return measured<T>(begin(script, options, folder), script, atMostSeconds);
}

/** Starts a script; what it prints goes where progress is told, so that stdout is the report alone. */
export function begin(
  script: string,
  options: Readonly<Record<string, unknown>>,
  folder = import.meta.dirname,
): ChildProcess {
  return fork(join(folder, script), [JSON.stringify(options)], { cwd: folder, stdio: ["ignore", 2, 2, "ipc"] });
}

/** The last message of `child`, once it has ended. */
export function measured<T>(child: ChildProcess, script: string, atMostSeconds = 900): Promise<T> {
  return new Promise((resolve, reject) => {
    let answer: T | undefined;
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, atMostSeconds * 1000);
    child.on("message", (message) => (answer = message as T));
    child.on("error", reject);
    child.on("exit", (code) => {
      clearTimeout(limit);
      if (late) reject(new Error(`${script} was ended after ${atMostSeconds} seconds and measured nothing`));
      else if (code !== 0 || answer === undefined)
        reject(new Error(`${script} ended with ${code} and measured nothing`));
      else resolve(answer);
    });
  });
}

/** What this process was asked to measure; it ends when nobody is left to be told. */
export function asked<T>(): T {
  process.once("disconnect", () => process.exit(1));
  return JSON.parse(process.argv[2] ?? "{}") as T;
}

/** Hands over what was measured, and ends this process. */
export function answer(measured: unknown): void {
  process.send!(measured, () => process.exit(0));
}

/** The most memory that this process ever had (MiB). */
export function peakMemoryMiB(): number {
  const status = readFileSync("/proc/self/status", "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? NaN) / 1024;
}

/** The value below which `share` of the sorted `values` lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}
