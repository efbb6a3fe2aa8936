/** The ports on a real machine: its clock, its processes, its standard error. */
import { readFileSync, readlinkSync } from "node:fs";
import { availableParallelism, hostname } from "node:os";
import { logText } from "../value/log-text.ts";
import type { Clock, Executor, Host, Log } from "./ports.ts";

/** Timers look at the clock again this often, so that a clock that was set is followed. */
const TIMER_MAX_MS = 60_000;

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  at(at, callback) {
    let timer: NodeJS.Timeout;
    const arm = () => {
      const delayMs = at - Date.now();
      if (delayMs > 0) timer = setTimeout(arm, Math.min(delayMs, TIMER_MAX_MS));
      else callback();
    };
    timer = setTimeout(arm, Math.min(Math.max(0, at - Date.now()), TIMER_MAX_MS));
    return () => clearTimeout(timer);
  },
  soon: (callback) => void setImmediate(callback),
};

/** How many threads may compute while the loop turns: at least one. */
export function coresToSpare(): number {
  return Math.max(1, availableParallelism() - 1);
}

/** Resolves when the loop has turned. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** Calls the body in this thread. */
export const inlineExecutor: Executor = {
  execute: (step, input, ctx, undoes) =>
    undoes === null ? step.run(input as never, ctx) : step.undo?.(input as never, undoes.output as never, ctx),
};

/** One line of JSON a message on standard error, from `warn` up. */
export const stderrLog: Log = {
  write(level, message, facts) {
    if (level === "debug" || level === "info") return;
    // It passes over what a full disk refuses, where a write of the stream's own ends the process.
    // oxlint-disable-next-line no-console
    console.error(logText({ level, message, ...facts }));
  },
};

/** Names the machine since its start and the process space, so that a process id is compared only where it means the same. */
export function systemHost(): Host {
  const boot = readText("/proc/sys/kernel/random/boot_id") ?? "unknown-boot";
  const space = readLink("/proc/self/ns/pid") ?? "";
  return {
    worker: hostname(),
    host: `${hostname()} ${boot} ${space}`,
    process: `${process.pid} ${startTimeOf(process.pid) ?? "?"}`,
    isGone(other) {
      const [pid, started] = other.split(" ");
      if (started === undefined || started === "?") return !isAlive(Number(pid));
      return startTimeOf(Number(pid)) !== started;
    },
  };
}

/** When a process was started, in ticks since boot (field 22 of /proc/pid/stat); its id may be used anew. */
function startTimeOf(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  const isDead = fields?.[0] === "Z" || fields?.[0] === "X";
  return isDead ? undefined : fields?.[19];
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === "EPERM";
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
