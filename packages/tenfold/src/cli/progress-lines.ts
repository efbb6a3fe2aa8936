/** Progress as text: a bar per step for a terminal of any width, one line for a pipe. */
import { formatDuration } from "../value/duration.ts";
import { cut, pad, padLeft, widthOf } from "./columns.ts";
import {
  doneOf,
  endedRuns,
  expectedOf,
  rateOf,
  restMs,
  type ProgressCounts,
  type StepCounts,
} from "./progress-counts.ts";
import { countText, plural } from "./time-text.ts";
import type { Style } from "./terminal.ts";

export type Tint = (style: Style, text: string) => string;

const BAR_MOST = 30;
const BAR_LEAST = 6;
const NAME_MOST = 24;

/** A line about the runs and one for each step, none wider than `columns`; `rows` is how many lines there is room for. */
export function progressLines(
  counts: ProgressCounts,
  now: number,
  columns: number,
  rows: number,
  tint: Tint,
): readonly string[] {
  const steps = [...counts.steps.values()];
  const room = Math.max(1, rows - 2);
  const shown = steps.length <= room ? steps : mostActive(counts, steps, room - 1, now);
  const hidden = steps.length - shown.length;
  const lines = stepLines(counts, shown, now, columns, tint);
  if (hidden > 0) lines.push(cut(`  … and ${plural(hidden, "step")} more`, columns));
  return [headline(counts, now, columns, tint), ...lines];
}

/** One line without colours: the runs, and each step that was done, failed, or has somebody in line. */
export function progressLine(counts: ProgressCounts, now: number): string {
  const steps = [...counts.steps.values()]
    .filter(({ done, failedAttempts, queue }) => done + failedAttempts > 0 || queue !== null)
    .map((step) => `${step.step} ${stepText(counts, step, now)}`);
  const parts = [...headlineParts(counts, now), ...(steps.length === 0 ? [] : [steps.join(", ")])];
  return `${counts.workflow}: ${parts.join("; ")}`;
}

function headline(counts: ProgressCounts, now: number, columns: number, tint: Tint): string {
  const text = cut(`${counts.workflow}  ${headlineParts(counts, now).join(" · ")}`, columns);
  const name = counts.workflow;
  return text.startsWith(name) ? tint("bold", name) + text.slice(name.length) : text;
}

function headlineParts(counts: ProgressCounts, now: number): string[] {
  const { total, failed, cancelled, held, startedAt } = counts;
  const ended = endedRuns(counts);
  const parts: string[] = counts.phase === "working" ? [] : [counts.phase];
  parts.push(total === null ? `${plural(ended, "run")} ended` : `${countText(ended)} of ${plural(total, "run")}`);
  if (failed > 0) parts.push(`${countText(failed)} failed`);
  if (cancelled > 0) parts.push(`${countText(cancelled)} cancelled`);
  if (held > 0) parts.push(`${countText(held)} held`);
  parts.push(formatDuration(Math.max(1, now - startedAt)));
  const rest = restMs(counts, now);
  if (rest !== null) parts.push(`about ${formatDuration(Math.max(1000, rest))} to go`);
  return parts;
}

function stepText(counts: ProgressCounts, step: StepCounts, now: number): string {
  const queue = queueText(counts, step);
  const more = [queue, queue === "" ? "" : rateText(counts, step, now), failedText(step)];
  const told = more.filter((part) => part !== "").join("; ");
  return `${countTextOf(counts, step)}${told === "" ? "" : ` (${told})`}`;
}

function countTextOf(counts: ProgressCounts, step: StepCounts): string {
  const expected = expectedOf(counts, step);
  const done = countText(doneOf(counts, step));
  return expected === null ? done : `${done}/${countText(expected)}`;
}

function isFull(counts: ProgressCounts, step: StepCounts): boolean {
  const expected = expectedOf(counts, step);
  return expected !== null && doneOf(counts, step) >= expected;
}

function rateText(counts: ProgressCounts, step: StepCounts, now: number): string {
  const rate = rateOf(step, counts.startedAt, now);
  return rate < 0.05 ? "" : `${rate < 10 ? rate.toFixed(1) : countText(Math.round(rate))}/s`;
}

function failedText({ failedAttempts }: StepCounts): string {
  return failedAttempts === 0 ? "" : `${plural(failedAttempts, "attempt")} failed`;
}

/** "12 wait, 300 run"; whoever is in line for a step that all runs have done belongs to others. */
function queueText(counts: ProgressCounts, step: StepCounts): string {
  const { queue } = step;
  return queue === null || isFull(counts, step)
    ? ""
    : `${countText(queue.waiting)} wait, ${countText(queue.running)} run`;
}

function stepLines(
  counts: ProgressCounts,
  steps: readonly StepCounts[],
  now: number,
  columns: number,
  tint: Tint,
): string[] {
  const cells = steps.map((step) => {
    const expected = expectedOf(counts, step);
    const done = doneOf(counts, step);
    return {
      name: step.step,
      share:
        expected === null
          ? counts.total === null
            ? 0
            : done / Math.max(1, counts.total - counts.before)
          : done / Math.max(1, expected),
      isFull: isFull(counts, step),
      count: countTextOf(counts, step),
      rate: rateText(counts, step, now),
      queue: queueText(counts, step),
      failed: failedText(step),
    };
  });
  const widest = (of: (cell: (typeof cells)[number]) => string): number =>
    cells.reduce((most, cell) => Math.max(most, widthOf(of(cell))), 0);
  const countWidth = widest((cell) => cell.count);
  const nameMost = Math.min(NAME_MOST, Math.max(8, Math.floor(columns / 3)), Math.max(1, columns - countWidth - 4));
  const nameWidth = Math.min(
    nameMost,
    widest((cell) => cell.name),
  );
  const queueWidth = widest((cell) => cell.queue);
  const tail = ({ rate, queue, failed }: (typeof cells)[number]): string =>
    `${padLeft(rate, 7)}  ${queueWidth === 0 ? "" : `${pad(queue, queueWidth)}  `}${failed}`.trimEnd();
  const spare = columns - nameWidth - countWidth - widest(tail) - 6;
  const barWidth = spare >= BAR_LEAST ? Math.min(BAR_MOST, spare) : 0;
  return cells.map((cell) => {
    const name = `  ${pad(cut(cell.name, nameWidth), nameWidth)}`;
    const bar = barWidth === 0 ? "" : `  ${barText(cell.share, barWidth, cell.isFull, tint)}`;
    const rest = `  ${padLeft(cell.count, countWidth)}`;
    const plain = name + rest + (barWidth === 0 ? "" : " ".repeat(barWidth + 2));
    if (widthOf(plain) > columns) return cut(plain, columns);
    const end = cut(tail(cell), Math.max(0, columns - widthOf(plain)));
    return (name + bar + rest + (cell.failed === "" ? end : tint("yellow", end))).trimEnd();
  });
}

function barText(share: number, width: number, isFull: boolean, tint: Tint): string {
  const filled = Math.min(width, Math.max(share > 0 ? 1 : 0, Math.floor(share * width)));
  return tint(isFull ? "green" : "cyan", "█".repeat(filled)) + tint("dim", "░".repeat(width - filled));
}

/** The steps that most happens in, in the order of the graph. */
function mostActive(counts: ProgressCounts, steps: readonly StepCounts[], most: number, now: number): StepCounts[] {
  const ranked = [...steps].sort((a, b) => activity(b) - activity(a));
  const chosen = new Set(ranked.slice(0, Math.max(0, most)));
  return steps.filter((step) => chosen.has(step));

  function activity(step: StepCounts): number {
    return (
      rateOf(step, counts.startedAt, now) * 1_000_000 + step.done + step.failedAttempts + (step.queue?.waiting ?? 0)
    );
  }
}
