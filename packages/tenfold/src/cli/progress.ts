/** The progress of a workflow's runs while they run: painted in place on a terminal, a line a second in a pipe. */
import { styleText } from "node:util";
import type { Tenfold } from "../engine/client.ts";
import type { Graph } from "../flow/graph.ts";
import { TenfoldError } from "../value/error.ts";
import { LiveLines } from "./live-lines.ts";
import { countAttempt, countEnding, endedRuns, newCounts, type ProgressCounts } from "./progress-counts.ts";
import { followQueues } from "./progress-queues.ts";
import { progressLine, progressLines } from "./progress-lines.ts";
import type { Style } from "./terminal.ts";

export interface ProgressOptions {
  /** The name of the workflow whose runs are shown. */
  readonly workflow: string;
  /** Runs that there are to be done in all. */
  readonly total: number;
  /** Standard error by default. */
  readonly stream?: NodeJS.WriteStream;
}

export interface ShownProgress {
  /** From now on it says that nothing new is begun: for the time that `close` takes. */
  showStopping(): void;
  /** Shows the last state and leaves it there. */
  stop(): void;
}

/** Shows how far the runs of `workflow` are, in this process, until `stop` leaves the last state behind. */
export function showProgress(tenfold: Tenfold, { workflow, total, stream }: ProgressOptions): ShownProgress {
  const progress = startProgress(tenfold, workflow, total, stream ?? process.stderr);
  const unlisten = tenfold.on("run", (event) => {
    if (event.workflow === workflow) progress.ended(event.status, false);
  });
  return {
    showStopping: () => progress.showStopping(),
    stop() {
      unlisten();
      progress.stop();
    },
  };
}

export interface Progress extends ShownProgress {
  /** So many runs there are in all. */
  expect(total: number): void;
  /** A run has ended; `before`: before this display began. */
  ended(status: string, before: boolean): void;
  /** Whether all that is left is to wait: how long that takes is then not guessed. */
  showWaiting(isWaiting: boolean): void;
}

const PAINT_MS = 100;
const LINE_MS = 1000;

/** A display whose runs are counted by the caller; what takes less than `delayMs` is not shown at all. */
export function startProgress(
  tenfold: Tenfold,
  workflow: string,
  total: number | null,
  stream: NodeJS.WriteStream,
  delayMs = 0,
): Progress {
  const counts = newCounts(graphOf(tenfold, workflow), total, Date.now());
  const unlisten = tenfold.on("attempt", (event) => {
    if (event.workflow === workflow) countAttempt(counts, event);
  });
  const unfollow = followQueues(tenfold, counts);
  const display = stream.isTTY === true ? paintedDisplay(counts, stream) : lineDisplay(counts, stream);
  const show = (isLast: boolean): void => {
    if (Date.now() - counts.startedAt >= delayMs) display.show(isLast);
  };
  const timer = setInterval(() => show(false), display.everyMs);
  timer.unref();
  return {
    expect: (known) => void (counts.total = known),
    ended(status, before) {
      if (before) counts.before++;
      else countEnding(counts, status);
    },
    showWaiting(isWaiting) {
      if (counts.phase === "working" || counts.phase === "waiting") counts.phase = isWaiting ? "waiting" : "working";
    },
    showStopping() {
      counts.phase = "stopping";
      show(false);
    },
    stop() {
      if (counts.phase === "stopping") counts.phase = "stopped";
      clearInterval(timer);
      unlisten();
      unfollow();
      show(true);
      display.stop();
    },
  };
}

interface Display {
  readonly everyMs: number;
  show(isLast: boolean): void;
  stop(): void;
}

function paintedDisplay(counts: ProgressCounts, stream: NodeJS.WriteStream): Display {
  const tint = (style: Style, text: string): string => styleText(style, text, { stream });
  const live = new LiveLines(stream);
  return {
    everyMs: PAINT_MS,
    // One column less: a character in the last one makes some terminals break the line.
    show: () => live.paint(progressLines(counts, Date.now(), Math.max(20, stream.columns - 1), stream.rows, tint)),
    stop: () => live.stop(),
  };
}

function lineDisplay(counts: ProgressCounts, stream: NodeJS.WriteStream): Display {
  let last = "";
  return {
    everyMs: LINE_MS,
    show(isLast) {
      // A second in which nothing happened is worth no line.
      const facts = JSON.stringify([counts.phase, counts.total, endedRuns(counts), counts.held, moved(counts)]);
      if (facts !== last || isLast) stream.write(`${progressLine(counts, Date.now())}\n`);
      last = facts;
    },
    stop: () => undefined,
  };
}

function graphOf(tenfold: Tenfold, workflow: string): Graph {
  const definition = tenfold.workflows.find(({ name }) => name === workflow);
  if (definition !== undefined) return definition.graph;
  throw new TenfoldError(
    "WORKFLOW_UNKNOWN",
    `There is no workflow "${workflow}" open here, so its progress is not shown. Give one that \`open\` was given.`,
    { facts: { workflow } },
  );
}

/** What changes when something happens: attempts that were made, by step, and who is in line. */
function moved({ steps }: ProgressCounts): readonly unknown[] {
  return [...steps.values()].map(({ done, failedAttempts, queue }) => {
    return [done + failedAttempts, queue?.waiting, queue?.running];
  });
}
