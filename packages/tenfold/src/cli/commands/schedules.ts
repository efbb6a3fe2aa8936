/** `tenfold schedules`: shows when schedules start what, and fills in what they did not start. */
import { existsSync } from "node:fs";
import type { ScheduleView } from "../../engine/schedule-views.ts";
import { backfillSchedule } from "../backfill.ts";
import { tableLines } from "../columns.ts";
import { EXIT, usageError, type Call, type Command } from "../command.ts";
import { isUrl } from "../config.ts";
import { mustLoad, openConfigured, storeOf, tellMissing } from "../opening.ts";
import { timeJson } from "../run-json.ts";
import { calendarEnd, scheduleText, zonedTexts } from "../schedule-words.ts";
import type { Terminal } from "../terminal.ts";

const NEXT = 5;

export const schedulesCommand: Command = {
  name: "schedules",
  takes: "[backfill <workflow> <schedule>]",
  counts: { least: 0, most: 3 },
  summary:
    "Shows the config's schedules: in words, the last tick, the next five; or starts what a range of time lacks.",
  about: [
    "Times are those of the schedule's own zone. A backfill starts one run for each tick of the range that has none",
    'yet, all of them at once. A schedule without a name is called "default".',
  ].join("\n"),
  flags: {
    from: { type: "string", value: "time", text: "backfill: the first day, or moment, of the range" },
    until: { type: "string", value: "time", text: "backfill: the first day, or moment, behind it; not later than now" },
    "dry-run": { type: "boolean", text: "backfill: only count" },
    yes: { type: "boolean", text: "backfill: do not ask, however many runs there are" },
  },
  examples: [
    { line: "tenfold schedules", does: "all of them, with their next times" },
    {
      line: "tenfold schedules backfill report default --from 2026-01-01 --until 2026-02-01",
      does: "January's runs that are missing; asks first",
    },
    {
      line: "tenfold schedules backfill report default --from 2026-01-01 --until 2026-02-01 --dry-run",
      does: "only says how many there are",
    },
  ],
  async run(call: Call): Promise<number> {
    const [verb, workflow, schedule] = call.words;
    const { flags } = call;
    const flag = ["from", "until", "dry-run", "yes"].find((name) => flags.has(name));
    if (verb === undefined && flag === undefined) return show(call);
    const example = "`tenfold schedules backfill report default --from 2026-01-01 --until 2026-02-01`";
    if (verb !== "backfill") {
      const found =
        verb === undefined ? `\`--${flag}\` belongs to a backfill` : `There is no \`tenfold schedules ${verb}\``;
      throw usageError(`${found}; nothing was done. Write for example ${example}.`);
    }
    const [from, until] = [flags.text("from"), flags.text("until")];
    if (workflow === undefined || schedule === undefined || from === undefined || until === undefined) {
      throw usageError(
        `A backfill takes a workflow, a schedule, \`--from\` and \`--until\`; nothing was started. Write it as ${example}.`,
      );
    }
    return backfillSchedule(call, { workflow, schedule, from, until });
  },
};

async function show(call: Call): Promise<number> {
  const { terminal } = call;
  const { views, missing } = await viewsOf(call);
  if (terminal.isJson) terminal.document({ schedules: views.map(viewJson), missing });
  else if (views.length === 0) {
    terminal.say('No workflow has a schedule: `triggers: [schedule("0 9 * * 1-5", { timeZone: "Europe/London" })]`.');
  } else for (const line of lines(terminal, views)) terminal.print(line);
  if (!terminal.isJson) tellCalendars(terminal, views);
  return EXIT.yes;
}

/** With a store that is not there yet, nothing was before. */
async function viewsOf(call: Call) {
  const loaded = await mustLoad(call);
  const store = storeOf(call, loaded)!;
  const isThere = store !== ":memory:" && (typeof store !== "string" || isUrl(store) || existsSync(store));
  if (!isThere) {
    const { viewSchedules } = await import("../../engine/schedule-views.ts");
    return { views: await viewSchedules(loaded.config.workflows, null, Date.now(), NEXT), missing: [] };
  }
  const { tenfold } = await openConfigured(call, false);
  try {
    const views = await tenfold.schedules(NEXT);
    if (!call.terminal.isJson) tellMissing(call.terminal, tenfold);
    return { views, missing: tenfold.missing };
  } finally {
    await tenfold.close();
  }
}

/** Of each schedule a line for its first time, and one for each further one. */
function lines({ columns, paint }: Terminal, views: readonly ScheduleView[]): string[] {
  const titles = [
    { title: "workflow" },
    { title: "schedule" },
    { title: "when", gives: true },
    { title: "zone" },
    { title: "last" },
    { title: "next" },
  ];
  const cells = views.flatMap(({ workflow, schedule, last, next }) => {
    const { name, timeZone } = schedule;
    const [first = "never again", ...others] = zonedTexts(next, timeZone);
    const [was = ""] = zonedTexts(last === null ? [] : [last], timeZone);
    const facts = [workflow, paint("bold", name), scheduleText(schedule), timeZone, was, first];
    return [facts, ...others.map((time) => ["", "", "", "", "", time])];
  });
  return tableLines(titles, cells, columns);
}

function tellCalendars(terminal: Terminal, views: readonly ScheduleView[]): void {
  for (const { workflow, schedule, next } of views) {
    const end = calendarEnd(schedule, next);
    if (end === undefined) continue;
    const word = terminal.tint("yellow", "note");
    terminal.say(
      `${word}: the calendar of ${workflow}'s schedule "${schedule.name}" knows no holiday behind ${end}; add those that come.`,
    );
  }
}

/** A schedule as a program reads it: times as ISO 8601. */
function viewJson({ workflow, schedule, last, run, next }: ScheduleView): unknown {
  const { name, when, timeZone, calendar, onHoliday, missed, overlap, tenant } = schedule;
  const words = scheduleText(schedule);
  const facts = { workflow, schedule: name, words, when, timeZone, calendar, onHoliday, missed, overlap, tenant };
  return { ...facts, last: timeJson(last), run, next: next.map(timeJson) };
}
