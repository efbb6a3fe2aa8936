/** What lies in the folder of a Postgres server that tenfold keeps, and whether that server runs now. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import path from "node:path";

export interface ServerFiles {
  /** The database's URL, with its password: for its owner only. */
  readonly url: string;
  readonly data: string;
  /** Made by Postgres: its first line is the number of its program. */
  readonly pid: string;
  readonly log: string;
}

export function serverFiles(folder: string): ServerFiles {
  const data = path.join(folder, "data");
  return {
    url: path.join(folder, "url"),
    data,
    pid: path.join(data, "postmaster.pid"),
    log: path.join(folder, "log"),
  };
}

/** The URL of the folder's server, if it takes connections. */
export function runningServer(folder: string): string | undefined {
  if (!existsSync(folder)) return undefined;
  const files = serverFiles(realpathSync(folder));
  const pid = alivePid(files.pid);
  if (pid === undefined || !/^ready/m.test(read(files.pid))) return undefined;
  const isServer = commandOf(pid)?.includes(files.data) ?? true;
  return isServer ? read(files.url).trim() : undefined;
}

/** The program that a file of Postgres names, if there is one of that number. */
export function alivePid(file: string): number | undefined {
  const pid = Number.parseInt(read(file), 10);
  return !Number.isNaN(pid) && isAlive(pid) ? pid : undefined;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** The command line of a program, or undefined where nobody can tell. */
export function commandOf(pid: number): string | undefined {
  if (existsSync("/proc/self/cmdline")) return read(`/proc/${pid}/cmdline`);
  const { status, stdout } = spawnSync("ps", ["-o", "args=", "-p", `${pid}`], { encoding: "utf8" });
  return status === 0 ? stdout : undefined;
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
