/** Changes what is set of a queue or a limit; what cannot be meant is refused before anything is written. */
import { TenfoldError } from "../../value/error.ts";
import { wayToName } from "../../value/nearest.ts";
import { rateOf } from "../../value/rate.ts";
import { checkOptions, isFlag, isText, isWholeFrom, optional, type OptionForm } from "../caller-checks.ts";
import type { Engine } from "../engine.ts";
import { knownLines, type KnownLine } from "./known-lines.ts";
import type { LimitTexts } from "../../core/queues/limit-texts.ts";
import { readSettings, settingsWith, type QueueSettings } from "../../core/queues/line-settings.ts";
import { laneOfLine, runsOf } from "../../core/queues/queue-of.ts";

/** What is left out stays as it is; "code" is as the code says again, and null is no limit. */
export interface QueueChange {
  /** True: nothing starts, until it is false again; what runs goes on. */
  readonly isPaused?: boolean;
  /** How many run at once. */
  readonly concurrency?: number | "code" | null;
  /** How fast they start: "10/s burst 5". */
  readonly rate?: string | null;
  /** What holds for each key. */
  readonly per?: { readonly concurrency?: number | "code" | null; readonly rate?: string | null };
}

const IN_CODE = "code";
const NOTHING_SET = "nothing was set";
const isLimit = isWholeFrom(1);

const LIMITS = {
  concurrency: optional(
    (value) => value === null || value === IN_CODE || isLimit(value),
    'Give how many may run at once, a whole number from 1; null for no limit, or "code" for what the code says. `isPaused: true` lets none start.',
  ),
  // What it says is checked by `rateOf`, which has a code of its own.
  rate: optional(
    (value) => value === null || isText(value),
    'Give a rate such as "10/s"; null for no limit, or "code" for what the code says.',
  ),
};

const CHANGE: Readonly<Record<keyof QueueChange, OptionForm>> = {
  isPaused: optional(isFlag, "Give true or false."),
  ...LIMITS,
  per: optional(
    (value) => typeof value === "object" && value !== null,
    "Give what holds for each key: `per: { concurrency: 2 }`.",
  ),
};

/** What is set of it from now on. */
export async function setQueue(engine: Engine, name: unknown, change: QueueChange): Promise<QueueSettings> {
  checkChange(change);
  const lines = await knownLines(engine);
  const line = lines.find(
    ({ name: each, isShared, queues }) => queues.has(name as string) || (isShared && each === name),
  );
  if (line === undefined) throw queueUnknown(name, namesOf(lines), NOTHING_SET);
  const queue = name as string;
  const setsKeys = Object.values(change.per ?? {}).some((value) => value !== undefined && value !== IN_CODE);
  if (setsKeys) checkKeys(line, queue, change.per!);
  const { store } = engine;
  const lane = laneOfLine(line.name, store.lanes);
  const [row] = await store.queues.rows(lane, [line.name]);
  const settings = readSettings(row?.settings ?? null);
  const after = changed(settings.byName.get(queue) ?? {}, change);
  await store.queues.setSettings(lane, line.name, settingsWith(settings, queue, after));
  engine.queuesSet();
  return after;
}

function checkChange(change: QueueChange): void {
  checkOptions("`setQueue`", change, CHANGE, NOTHING_SET);
  if (change.per !== undefined) checkOptions("`setQueue`'s `per`", change.per, LIMITS, NOTHING_SET);
  for (const [what, rate] of [
    ["`rate`", change.rate],
    ["`per.rate`", change.per?.rate],
  ] as const) {
    if (typeof rate === "string" && rate !== IN_CODE) rateOf(rate, what);
  }
  const said = [...Object.values({ ...change, per: undefined }), ...Object.values(change.per ?? {})];
  if (said.some((value) => value !== undefined)) return;
  const message = `\`setQueue\` was given nothing to change; ${NOTHING_SET}. Give one of ${Object.keys(CHANGE).join(", ")}.`;
  throw new TenfoldError("OPTION_UNSUPPORTED", message);
}

/** Whether it has keys is known where its code is open, or its owner has said so. */
function checkKeys(line: KnownLine, queue: string, { concurrency }: NonNullable<QueueChange["per"]>): void {
  const { step } = line.queues.get(queue) ?? { step: null };
  const said = line.report?.queues.find((each) => each.queue === queue);
  const isOfLimit = line.isShared && queue === line.name;
  const hasNone = step === null ? said?.per === null : step.queue.per === null;
  const refuse = (why: string, way: string): TenfoldError =>
    new TenfoldError("OPTION_UNSUPPORTED", `${why}; ${NOTHING_SET}. ${way}`, { facts: { queue } });
  if (isOfLimit) {
    const way = `Set it of a queue that shares it: ${[...line.queues.keys()].join(", ")}.`;
    throw refuse(`"${queue}" is a limit that queues share, which has no keys`, way);
  }
  if (hasNone) {
    const way =
      "What a key is, only the code can say: `queue: { per: { key: (order) => order.customer, concurrency: 2 } }`.";
    throw refuse(`The queue "${queue}" has no keys`, way);
  }
  if (step?.queue.per?.isStrict !== true || concurrency === undefined || concurrency === IN_CODE || concurrency === 1)
    return;
  throw refuse(
    `The queue "${queue}" has \`order: "strict"\`, which is one at a time of each key`,
    "Leave `per.concurrency` out, or change the order in the code.",
  );
}

function namesOf(lines: readonly KnownLine[]): readonly string[] {
  return [...new Set(lines.flatMap((line) => [...(line.isShared ? [line.name] : []), ...line.queues.keys()]))];
}

/** `notDone` is such as "nothing was set". */
export function queueUnknown(name: unknown, known: readonly string[], notDone: string): TenfoldError {
  const ofRuns = runsOf(String(name));
  const way =
    known.length === 0
      ? "The store has none yet, and no step with a `queue` is open here: a queue is set once it was used, or with its code."
      : known.includes(ofRuns)
        ? `That of the workflow is named \`${ofRuns}\`.`
        : wayToName(String(name), known, "There are");
  const message = `There is no queue and no limit ${JSON.stringify(name)}; ${notDone}. ${way}`;
  return new TenfoldError("QUEUE_UNKNOWN", message, { facts: { queue: name, known } });
}

function changed(before: QueueSettings, { per, isPaused, ...limits }: QueueChange): QueueSettings {
  const { per: perBefore, isPaused: wasPaused = false, ...limitsBefore } = before;
  const ofKeys = limitsWith(perBefore ?? {}, per ?? {});
  return {
    ...limitsWith(limitsBefore, limits),
    ...(Object.keys(ofKeys).length > 0 ? { per: ofKeys } : {}),
    ...((isPaused ?? wasPaused) ? { isPaused: true } : {}),
  };
}

function limitsWith(
  before: Partial<LimitTexts>,
  { concurrency = before.concurrency, rate = before.rate }: NonNullable<QueueChange["per"]>,
): Partial<LimitTexts> {
  return {
    ...(concurrency === undefined || concurrency === IN_CODE ? {} : { concurrency }),
    ...(rate === undefined || rate === IN_CODE ? {} : { rate }),
  };
}
