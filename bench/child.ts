/** One measurement in a process of its own, so that its memory and its warm-up are its own. */
import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Runs `bench/<script>` with `options` and answers what it measured. */
export function measure<T>(script: string, options: Readonly<Record<string, unknown>>): Promise<T> {
  return new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, script), [JSON.stringify(options)], { stdio: "inherit" });
    let answer: T | undefined;
    child.on("message", (message) => (answer = message as T));
    child.on("error", reject);
    child.on("exit", (code) => {
      if (answer === undefined) reject(new Error(`${script} ended with ${code} and measured nothing`));
      else resolve(answer);
    });
  });
}

/** What this process was asked to measure. */
export function asked<T>(): T {
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
