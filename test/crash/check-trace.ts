/**
 * Reads a trace of system calls (`strace -f -y`) of a program that runs on a SQLite store, and checks that whatever the
 * store acknowledged was on the disk by then: `check-trace.ts <trace>`. A kill does not show this, a power cut would.
 * LAW: between the asking for a start or a commit and its answer, the asking thread wrote to the write-ahead log and
 * then synced it, once for each answer; and nothing that it wrote there is unsynced at any answer.
 */
import { readFileSync } from "node:fs";

export interface TraceReport {
  readonly starts: number;
  readonly commits: number;
  /** Syncs of the log after something was written to it. */
  readonly syncs: number;
  /** Why the law is broken; none: it holds. */
  readonly breaches: readonly string[];
}

interface SystemCall {
  readonly thread: string;
  readonly name: string;
  readonly path: string;
  /** The text that was written, as strace quotes it. */
  readonly text: string;
  readonly result: number;
  readonly line: number;
}

const CALL = /^(\d+) +(\w+)\(\d+<([^>]*)>[^,)]*(?:, "((?:[^"\\]|\\.)*)")?.*\) += (-?\d+)/;
const UNFINISHED = /^(\d+) +(.*) <unfinished \.\.\.>$/;
const RESUMED = /^(\d+) +<\.\.\. \w+ resumed>(.*)$/;
const MARK = /^(asked|answered) (start|commit) (\d+)\\n$/;

export function checkTrace(trace: string): TraceReport {
  const calls = systemCalls(trace);
  const asker = calls.find(({ text }) => MARK.test(text))?.thread;
  const breaches: string[] = [];
  const answers = { start: 0, commit: 0 };
  const askedAt = new Map<string, number>();
  /** Lines of the syncs that no answer has used yet. */
  let unused: number[] = [];
  let syncs = 0;
  let unsyncedAt: number | null = null;
  for (const { thread, name, path, text, result, line } of calls) {
    if (thread !== asker) continue;
    const [, what, verb, number = ""] = MARK.exec(text) ?? [];
    if (what === "asked") {
      askedAt.set(number, line);
    } else if (what === "answered") {
      answers[verb as "start" | "commit"]++;
      const said = `line ${line}: ${verb} ${number} was acknowledged`;
      if (unsyncedAt !== null)
        breaches.push(`${said}, and what was written to the log in line ${unsyncedAt} is not synced`);
      const asked = askedAt.get(number) ?? Infinity;
      const used = unused.find((sync) => sync > asked);
      if (used === undefined)
        breaches.push(`${said}, and since it was asked for nothing was written to the log and synced`);
      unused = unused.filter((sync) => sync !== used);
    } else if (path.endsWith("-wal")) {
      if (name === "write" || name === "pwrite64") {
        unsyncedAt ??= line;
      } else if (result === 0 && unsyncedAt !== null) {
        unsyncedAt = null;
        syncs++;
        unused.push(line);
      }
    }
  }
  if (answers.start === 0 || answers.commit === 0)
    breaches.push("no start, or no commit, was acknowledged in this trace");
  return { starts: answers.start, commits: answers.commit, syncs, breaches };
}

/** The calls of a trace on named files; one that strace tells in two lines stands where it ended. */
function systemCalls(trace: string): readonly SystemCall[] {
  const begun = new Map<string, string>();
  return trace.split("\n").flatMap((told, index): SystemCall[] => {
    const [, unfinished, head] = UNFINISHED.exec(told) ?? [];
    if (unfinished !== undefined) {
      begun.set(unfinished, head!);
      return [];
    }
    const [, resumed, tail] = RESUMED.exec(told) ?? [];
    const whole = resumed === undefined ? told : `${resumed} ${begun.get(resumed) ?? ""}${tail}`;
    const [, thread, name, path, text = "", result] = CALL.exec(whole) ?? [];
    if (thread === undefined) return [];
    return [{ thread, name: name!, path: path!, text, result: Number(result), line: index + 1 }];
  });
}

if (import.meta.main) {
  const { starts, commits, syncs, breaches } = checkTrace(readFileSync(process.argv[2] ?? "", "utf8"));
  for (const breach of breaches.slice(0, 20)) process.stderr.write(`${breach}\n`);
  const said = `${starts} starts and ${commits} commits were acknowledged, the log was synced ${syncs} times`;
  process.stdout.write(`${said}; ${breaches.length} were acknowledged too early.\n`);
  process.exitCode = breaches.length === 0 ? 0 : 1;
}
