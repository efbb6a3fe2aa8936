/** What came out of an intake: counted from the runs' outputs, as one JSON document or as text for a person. */
import type { QueueView } from "tenfold";
import type { RowProblem } from "./leads.ts";
import type { Path } from "./routing.ts";
import type { Tier } from "./scoring.ts";

/** What one run of lead intake yields. */
export interface IntakeOutput {
  readonly tier: Tier;
  readonly path: Path;
  readonly points: number;
  readonly owner: string | null;
  readonly letters: readonly string[];
}

/** What was seen while the leads were taken in. */
export interface Intake {
  readonly store: string;
  /** Each lead's own run once, however many rows named it. */
  readonly outputs: readonly IntakeOutput[];
  readonly failures: readonly { readonly run: string; readonly reason: string }[];
  /** Rows whose lead was known: from before, or from a row further up. */
  readonly existing: { readonly fromBefore: number; readonly inThisFile: number };
  readonly rejected: readonly RowProblem[];
  /** The attempts of this start, however they ended. */
  readonly attempts: { readonly count: number; readonly durationMs: number };
  /** As they were when all runs had finished. */
  readonly queues: readonly QueueView[];
  /** How often the local CRM said 429; null: another one was asked. */
  readonly crmRefusals: number | null;
  readonly wallMs: number;
}

export type Report = ReturnType<typeof reportOf>;

export function reportOf(intake: Intake) {
  const { outputs, failures, attempts } = intake;
  return {
    workflow: "lead-intake",
    runs: outputs.length + failures.length,
    completed: outputs.length,
    failed: failures.length,
    steps: attempts.count,
    wallMs: Math.round(intake.wallMs),
    sequentialMs: Math.round(attempts.durationMs),
    // Where nothing was left to do, nothing was sped up.
    speedup: attempts.count === 0 ? null : Math.round((attempts.durationMs / Math.max(1, intake.wallMs)) * 10) / 10,
    store: intake.store,
    crmRefusals: intake.crmRefusals,
    queues: intake.queues.map(({ queue, limit, rate, concurrency, perSecond, waiting, running }) => {
      return { queue, limit, rate, concurrency, perSecond, waiting, running };
    }),
    outputs: {
      perTier: counted(outputs.map((output) => output.tier)),
      perPath: counted(outputs.map((output) => output.path)),
      perOwner: counted(outputs.map((output) => output.owner ?? "nobody")),
      letters: outputs.reduce((sum, output) => sum + output.letters.length, 0),
      existing: intake.existing.fromBefore + intake.existing.inThisFile,
      existingFromBefore: intake.existing.fromBefore,
      failures: failures.map(({ run, reason }) => ({ run, reason })),
      rejected: intake.rejected,
    },
  };
}

/** How often each name is there, the most frequent first. */
function counted(names: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const sorted = [...counts].sort(([one, many], [other, few]) => few - many || one.localeCompare(other));
  return Object.fromEntries(sorted);
}

/** `next` are commands and what each does; `width` is the terminal's, Infinity where there is none. */
export function reportText(
  report: Report,
  lettersAt: string,
  next: readonly (readonly [command: string, does: string])[],
  width: number,
): string {
  const { outputs } = report;
  const rejected = outputs.rejected.map((row) => [`row ${row.row}`, row.column ?? "-", shortened(row.reason)] as const);
  return [
    "",
    `${report.completed} of ${report.runs} leads taken in${report.failed === 0 ? "" : `, ${report.failed} failed`}`,
    "",
    "Leads per tier",
    ...bars(outputs.perTier),
    "",
    "Leads per path",
    ...bars(outputs.perPath),
    "",
    "Leads per owner",
    ...bars(outputs.perOwner),
    "",
    `Letters written: ${outputs.letters}, ${lettersAt}`,
    ...existingText(report),
    "",
    ...(rejected.length === 0 ? [] : [`Rows not taken in: ${rejected.length}`, ...columns(rejected, width), ""]),
    ...(outputs.failures.length === 0
      ? []
      : ["Failed", ...outputs.failures.map((one) => `  ${one.run}  ${one.reason}`), ""]),
    ...timeText(report),
    "",
    "What to type next",
    ...next.flatMap(([command, does]) => [`  ${command}`, `      ${does}`]),
  ].join("\n");
}

function existingText(report: Report): string[] {
  const { existing, existingFromBefore } = report.outputs;
  const again = existing - existingFromBefore;
  return [
    ...(existingFromBefore === 0 ? [] : [`Known from before: ${existingFromBefore} rows started no second run`]),
    ...(again === 0 ? [] : [`Twice in this file: ${again} rows started no second run`]),
  ];
}

function timeText(report: Report): string[] {
  if (report.steps === 0) return [`Nothing was left to do: no step was run, in ${seconds(report.wallMs)}.`];
  return [
    `Wall time         ${seconds(report.wallMs)}`,
    `One after another ${seconds(report.sequentialMs)}  (the ${report.steps} attempts of this start, end to end)`,
    `Speedup           ${report.speedup} x`,
    ...(report.crmRefusals === null ? [] : [`Refused by CRM    ${plural(report.crmRefusals, "call")}`]),
  ];
}

function bars(counts: Readonly<Record<string, number>>): string[] {
  const most = Math.max(1, ...Object.values(counts));
  const width = Math.max(0, ...Object.keys(counts).map((name) => name.length));
  return Object.entries(counts).map(([name, count]) => {
    const bar = "█".repeat(Math.max(1, Math.round((count / most) * 30)));
    return `  ${name.padEnd(width)}  ${String(count).padStart(5)}  ${bar}`;
  });
}

/** Rows whose last cell goes on below itself where it is wider than what is left of `width`. */
function columns(rows: readonly (readonly [string, string, string])[], width: number): string[] {
  const [first, second] = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  const begin = 2 + first! + 2 + second! + 2;
  return rows.flatMap(([one, other, last]) => {
    const [line, ...rest] = broken(last, width - begin);
    return [
      `  ${one.padEnd(first!)}  ${other.padEnd(second!)}  ${line}`,
      ...rest.map((more) => " ".repeat(begin) + more),
    ];
  });
}

/** `text` in lines of at most `width`, broken between words. */
function broken(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** A cell of a file may be as long as it likes. */
function shortened(reason: string): string {
  return reason.length <= 300 ? reason : `${reason.slice(0, 200)} … ${reason.slice(-80)}`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function seconds(ms: number): string {
  return ms < 100_000
    ? `${(ms / 1000).toFixed(1)} s`
    : `${Math.floor(ms / 60_000)} m ${Math.round((ms % 60_000) / 1000)} s`;
}
