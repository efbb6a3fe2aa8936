/** Queues and their limits in words and columns. */
import type { LimitTexts } from "../core/queues/limit-texts.ts";
import type { QueueSettings } from "../core/queues/line-settings.ts";
import type { QueueView } from "../engine/queues/queue-views.ts";
import { formatDuration } from "../value/duration.ts";
import { oneLine, tableLines, type Column } from "./columns.ts";
import { timeJson } from "./run-json.ts";
import type { Terminal } from "./terminal.ts";
import { countText } from "./time-text.ts";

const COLUMNS: readonly Column[] = [
  { title: "queue", gives: true },
  { title: "waiting", align: "right" },
  { title: "running", align: "right" },
  { title: "a second", align: "right" },
  { title: "oldest", align: "right" },
  { title: "held up by" },
  { title: "done in", align: "right" },
  { title: "limits", gives: true },
  { title: "worker", gives: true },
];

/** A line for each; those that share a limit stand below it. */
export function queueLines({ columns, paint }: Terminal, views: readonly QueueView[], now: number): string[] {
  const cells = views.map((view) => [
    `${view.limit === null ? "" : "  "}${paint("bold", oneLine(view.queue))}`,
    waitingText(view),
    countText(view.running),
    view.perSecond === 0 ? "" : String(view.perSecond),
    view.oldest === null ? "" : formatDuration(Math.max(1, now - view.oldest)),
    heldUpText(view, now),
    view.waiting === 0 || view.drainsInMs === null ? "" : `about ${formatDuration(view.drainsInMs)}`,
    limitsText(view),
    view.worker ?? "",
  ]);
  return tableLines(COLUMNS, cells, columns);
}

/** "1000 of 1000". */
function waitingText({ waiting, maxBacklog }: QueueView): string {
  return maxBacklog === null ? countText(waiting) : `${countText(waiting)} of ${countText(maxBacklog)}`;
}

function heldUpText({ isPaused, binds, limit }: QueueView, now: number): string {
  if (isPaused) return "paused";
  if (binds === null) return "";
  if (binds.kind === "batch") return "a batch to be full";
  const of = { queue: "", key: " of a key", shared: limit === null ? "" : ` of ${limit}` }[binds.of];
  if (binds.kind !== "slow") return `${binds.kind}${of}`;
  return `told to wait ${formatDuration(Math.max(1, (binds.until ?? now) - now))}`;
}

/** "5 at once, 10/s, 1 at once of a key (set), 27 refused". */
function limitsText({ concurrency, rate, per, settings, turnedAway }: QueueView): string {
  const own = limitWords({ concurrency, rate });
  const ofKeys = per === null ? [] : limitWords(per).map((words) => `${words} of a key`);
  const all = [...own, ...ofKeys].join(", ") || "none";
  const { refused = 0, dropped = 0 } = turnedAway ?? {};
  const gone = [
    ...(refused === 0 ? [] : [`${countText(refused)} refused`]),
    ...(dropped === 0 ? [] : [`${countText(dropped)} dropped`]),
  ];
  return [hasLimits(settings) ? `${all} (set)` : all, ...gone].join(", ");
}

function limitWords({ concurrency, rate }: LimitTexts): string[] {
  return [...(concurrency === null ? [] : [`${countText(concurrency)} at once`]), ...(rate === null ? [] : [rate])];
}

function hasLimits({ isPaused: _isPaused, ...limits }: QueueSettings): boolean {
  return Object.keys(limits).length > 0;
}

/** What is set, in words: "5 at once, no rate". */
export function settingsText({ concurrency, rate, per = {} }: QueueSettings): string {
  const words = [
    ...setWords(concurrency, rate),
    ...setWords(per.concurrency, per.rate).map((each) => `${each} of a key`),
  ];
  return words.length === 0 ? "as the code says" : words.join(", ");
}

function setWords(concurrency: number | null | undefined, rate: string | null | undefined): string[] {
  const words: string[] = [];
  if (concurrency !== undefined) words.push(concurrency === null ? "any number at once" : `${concurrency} at once`);
  if (rate !== undefined) words.push(rate ?? "no rate");
  return words;
}

/** A queue as a program reads it: times as ISO 8601. */
export function queueJson({ oldest, binds, ...view }: QueueView): unknown {
  return { ...view, oldest: timeJson(oldest), binds: binds && { ...binds, until: timeJson(binds.until) } };
}
