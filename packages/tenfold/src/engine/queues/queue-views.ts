/** Queues and limits as people see them: who waits and runs, how fast, what holds them up, and what was set. */
import type { Binding } from "../../core/queues/line-facts.ts";
import { rateOf } from "../../value/rate.ts";
import { knownLines, type KnownLine, type KnownQueue } from "./known-lines.ts";
import { limitTexts, type LimitTexts } from "../../core/queues/limit-texts.ts";
import type { TurnedAway } from "./backlogs.ts";
import type { QueueReport } from "./line-report.ts";
import { isPausedBy, type QueueSettings } from "../../core/queues/line-settings.ts";
import { limitsOf } from "../../core/queues/queue-of.ts";
import { RATE_WINDOW_MS } from "./start-rate.ts";
import type { Engine } from "../engine.ts";

export interface QueueView {
  /** The step's name, or the limit's. */
  readonly queue: string;
  /** "limit": one that steps share; its counts are those of all of their queues. */
  readonly kind: "queue" | "limit";
  /** The limit that a queue shares with others. */
  readonly limit: string | null;
  /** Attempts whose turn has not come, in the store and in memory. */
  readonly waiting: number;
  readonly running: number;
  /** Starts in a second, over the last ten. */
  readonly perSecond: number;
  /** Since when the first of them waits (ms since 1970); one of a higher priority counts as a minute older a class. */
  readonly oldest: number | null;
  /** What holds now; null: no limit. */
  readonly concurrency: number | null;
  readonly rate: string | null;
  /** What holds for each key; null: it has no keys. */
  readonly per: LimitTexts | null;
  /** How many may wait; null: as many as come, or its code is not open here. */
  readonly maxBacklog: number | null;
  /** How many were refused, or dropped, since its worker decides; null: nobody knows, or as many wait as come. */
  readonly turnedAway: TurnedAway | null;
  readonly isPaused: boolean;
  /** What keeps it from starting one: `until` is when time alone ends that (ms since 1970). */
  readonly binds: Binding | null;
  /** How long what waits now takes, at the speed of now (ms); null: nobody knows. */
  readonly drainsInMs: number | null;
  /** What was set, in the place of what the code says. */
  readonly settings: QueueSettings;
  /** The worker that decides; null: none does now. */
  readonly worker: string | null;
}

/** All of them, by their names, each limit before the queues that share it. */
export async function viewQueues(
  engine: Pick<Engine, "store" | "registry" | "ports" | "queueReport">,
): Promise<readonly QueueView[]> {
  const lines = await knownLines(engine);
  const now = engine.ports.clock.now();
  return lines.flatMap((line) => {
    const report = engine.queueReport(line.name);
    return viewsOf(report === null ? line : { ...line, isOwned: true, report }, now);
  });
}

function viewsOf(line: KnownLine, now: number): readonly QueueView[] {
  const queues = [...line.queues].map(([name, known]) => queueView(line, name, known, now));
  return line.isShared ? [limitView(line, queues), ...queues] : queues;
}

/** What nobody has said of a queue yet. */
const SILENT: Pick<QueueReport, "waiting" | "running" | "perSecond" | "first" | "binds"> = {
  waiting: 0,
  running: 0,
  perSecond: 0,
  first: null,
  binds: null,
};

function queueView(line: KnownLine, queue: string, known: KnownQueue, now: number): QueueView {
  const { name, isShared, isOwned, settings, report } = line;
  const said = report?.queues.find((each) => each.queue === queue);
  const { waiting, running, perSecond, first, binds } = isOwned && said !== undefined ? said : SILENT;
  const hasEnded = waiting + running === 0 && report !== null && now - report.at >= RATE_WINDOW_MS;
  const oldest = Math.min(known.oldest ?? Infinity, first ?? Infinity);
  const { own, per } = limitsNow(line, queue, known, said);
  const isPaused = isPausedBy(settings, name, queue);
  const counts = {
    waiting: known.places + waiting,
    running,
    perSecond: hasEnded ? 0 : perSecond,
    oldest: oldest === Infinity ? null : oldest,
  };
  return {
    queue,
    kind: "queue",
    limit: isShared ? name : null,
    ...counts,
    ...own,
    per,
    maxBacklog: known.step?.queue.backlog?.max ?? null,
    turnedAway: (isOwned && said?.turnedAway) || null,
    isPaused,
    binds,
    drainsInMs: drainsInMs(counts, own, isPaused),
    settings: isShared && queue === name ? {} : (settings.byName.get(queue) ?? {}),
    worker: workerOf(line),
  };
}

function limitView(line: KnownLine, queues: readonly QueueView[]): QueueView {
  const { name, settings, report, isOwned } = line;
  const [step] = [...line.queues.values()].flatMap((known) => known.step ?? []);
  const inCode = step === undefined ? NO_LIMIT : limitTexts(limitsOf(name, stepsOf(line), settings).shared!);
  const own = isOwned || step === undefined ? (report?.shared ?? inCode) : inCode;
  const sum = (of: (view: QueueView) => number): number => queues.reduce((all, view) => all + of(view), 0);
  const oldest = queues.reduce((least, view) => Math.min(least, view.oldest ?? Infinity), Infinity);
  const counts = {
    waiting: sum(({ waiting }) => waiting),
    running: sum(({ running }) => running),
    perSecond: Math.round(100 * sum(({ perSecond }) => perSecond)) / 100,
    oldest: oldest === Infinity ? null : oldest,
  };
  const isPaused = settings.byName.get(name)?.isPaused === true;
  return {
    queue: name,
    kind: "limit",
    limit: null,
    ...counts,
    ...own,
    ...{ per: null, maxBacklog: null, turnedAway: null },
    isPaused,
    binds: queues.find(({ binds }) => binds?.of === "shared")?.binds ?? null,
    drainsInMs: drainsInMs(counts, own, isPaused),
    settings: settings.byName.get(name) ?? {},
    worker: workerOf(line),
  };
}

const NO_LIMIT: LimitTexts = { concurrency: null, rate: null };

/** As the owner says; without one as the code here does, or as the last one did. */
function limitsNow(
  line: KnownLine,
  queue: string,
  { step }: KnownQueue,
  said: QueueReport | undefined,
): { readonly own: LimitTexts; readonly per: LimitTexts | null } {
  if (step === null || (line.isOwned && said !== undefined)) return said ?? { own: NO_LIMIT, per: null };
  const { queues } = limitsOf(line.name, stepsOf(line), line.settings);
  const { own, per } = queues.find((each) => each.queue === queue)!;
  return { own: limitTexts(own), per: per && limitTexts(per) };
}

function stepsOf({ queues }: KnownLine) {
  return [...queues.values()].flatMap(({ step }) => step ?? []);
}

/** By how fast it goes, or, where nothing has begun lately, by how fast it may. */
function drainsInMs(
  { waiting, perSecond }: Pick<QueueView, "waiting" | "perSecond">,
  { rate }: LimitTexts,
  isPaused: boolean,
): number | null {
  if (waiting === 0) return 0;
  if (isPaused) return null;
  const speed = perSecond > 0 ? perSecond : rate === null ? 0 : perSecondOf(rate);
  return speed === 0 ? null : Math.round((waiting * 1000) / speed);
}

export function perSecondOf(rate: string): number {
  const { count, perMs } = rateOf(rate);
  return (count * 1000) / perMs;
}

function workerOf({ isOwned, report }: KnownLine): string | null {
  return isOwned ? (report?.worker ?? null) : null;
}
