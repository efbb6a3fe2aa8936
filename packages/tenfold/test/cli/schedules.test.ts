/** `tenfold schedules` and its backfill, the real program; and what schedules are in words. */
import assert from "node:assert/strict";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { calendarEnd, scheduleText, zonedTexts } from "../../src/cli/schedule-words.ts";
import { calendar, schedule, type ScheduleDefinition } from "../../src/flow/index.ts";
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import { project, type Project } from "./project.ts";

const SOURCES = pathToFileURL(path.resolve(import.meta.dirname, "../../src/index.ts")).href;

const CONFIG = `
import { calendar, schedule, step, workflow } from ${JSON.stringify(SOURCES)};
const london = calendar({ timeZone: "Europe/London", holidays: ["2024-12-25"] });
const note = step("note", { timeout: "5s", run: (input: { at: string }) => input.at });
const refuse = ({ date }: { date: string }) => {
  if (date.endsWith("-05")) throw new Error("no such day");
  return { at: date };
};
const report = workflow<{ at: string }>("report", {
  triggers: [
    schedule("0 9 * * 1-5", { timeZone: "America/New_York" }),
    schedule({ businessDay: 3, at: "09:00" }, { name: "month-end", calendar: london, input: refuse }),
    schedule("0 9 5 * *", { name: "fifth", timeZone: "UTC", input: refuse }),
  ],
  flow: (input) => note(input),
});
export default { store: "runs.db", workflows: [report] };
`;

function withSchedules(t: TestContext): Project {
  const one = project(t);
  one.write("tenfold.config.ts", CONFIG);
  return one;
}

const JANUARY = ["--from", "2025-01-01", "--until", "2025-02-01"];

async function runsIn({ call }: Project): Promise<number> {
  return (JSON.parse((await call("runs", "--count", "--json")).stdout) as { total: number }).total;
}

test("schedules are listed with their words, zone and next five times, also where there is no store yet", async (t) => {
  const { call } = withSchedules(t);
  const { code, stdout, stderr } = await call("schedules");
  assert.equal(code, 0);
  assert.match(stdout, /^workflow +schedule +when +zone +last +next\nreport +default +At 09:00, Monday through Friday +America\/New_York +\w{3} \d{4}-\d\d-\d\d 09:00 -0[45]:00\n/); // prettier-ignore
  assert.match(stdout, /\nreport +month-end +At 09:00, on the 3rd business day of the month +Europe\/London +/);
  assert.equal(stdout.trim().split("\n").length, 1 + 3 * 5);
  assert.match(stderr, /note: the calendar of report's schedule "month-end" knows no holiday behind 2024-12-25/);
  assert.match((await call("runs")).stderr, /There is no store/);
  const json = JSON.parse((await call("schedules", "--json")).stdout) as any;
  assert.deepEqual(json.missing, []);
  const [first] = json.schedules;
  assert.deepEqual([first.workflow, first.schedule, first.last, first.next.length], ["report", "default", null, 5]);
});

test("the last tick is told once there was one", async (t) => {
  const one = withSchedules(t);
  assert.equal((await one.call("run", "report", '{"at":"now"}')).code, 0);
  const store = await openSqlite(path.join(one.folder, "runs.db"));
  const at = Date.UTC(2026, 4, 1, 13);
  const name = { workflow: "report", schedule: "default" };
  await store.schedules.advance(0, [{ ...name, from: null, to: { at, run: "r" } }]);
  await store.close();
  assert.match((await one.call("schedules")).stdout, /America\/New_York +Fri 2026-05-01 09:00 -04:00 +/);
  const json = JSON.parse((await one.call("schedules", "--json")).stdout) as any;
  assert.deepEqual([json.schedules[0].last, json.schedules[0].run], ["2026-05-01T13:00:00.000Z", "r"]);
});

test("a config without schedules says how one is written", async (t) => {
  const { code, stderr } = await project(t).call("schedules");
  assert.equal(code, 0);
  assert.match(stderr, /No workflow has a schedule: `triggers: \[schedule\(/);
});

test("a backfill counts, starts what is missing, and starts nothing twice", async (t) => {
  const one = withSchedules(t);
  const dry = await one.call("schedules", "backfill", "report", "default", ...JANUARY, "--dry-run");
  assert.deepEqual([dry.code, dry.stdout], [0, "23 ticks, 0 with a run, 23 without one.\nNothing was started.\n"]);
  assert.equal(await runsIn(one), 0);
  const filled = await one.call("schedules", "backfill", "report", "default", ...JANUARY, "--yes");
  assert.deepEqual([filled.code, filled.stdout], [0, "23 runs started, 0 had been there.\n"]);
  const longer = ["--from", "2025-01-01", "--until", "2025-02-04", "--yes", "--json"];
  const more = await one.call("schedules", "backfill", "report", "default", ...longer);
  const counts = { ticks: 24, started: 1, existing: 23, refused: 0, refusal: null };
  assert.deepEqual(JSON.parse(more.stdout), { workflow: "report", schedule: "default", ...counts });
  assert.equal(await runsIn(one), 24);
});

test("a backfill in which inputs are refused starts the others, and says no", async (t) => {
  const one = withSchedules(t);
  const { code, stdout, stderr } = await one.call("schedules", "backfill", "report", "fifth", ...JANUARY, "--yes");
  assert.deepEqual([code, stdout], [1, "0 runs started, 0 had been there.\n"]);
  assert.match(stderr, /refused: the input of 1 tick\. The first: .*no such day/);
});

const REFUSED: readonly (readonly [readonly string[], RegExp])[] = [
  [["backfil"], /There is no `tenfold schedules backfil`; nothing was done\./],
  [["--from", "2026-01-01"], /`--from` belongs to a backfill/],
  [["backfill", "report"], /A backfill takes a workflow, a schedule, `--from` and `--until`/],
  [["backfill", "report", "default", ...JANUARY], /nobody to ask; nothing was started\. Add `--yes`/],
  [["backfill", "report", "fifth", ...JANUARY, "--yes", "--store", ":memory:"], /a store in memory/],
  [["backfill", "reprot", "default", ...JANUARY, "--yes"], /Did you mean "report"\?/],
  [["backfill", "report", "fith", ...JANUARY, "--yes"], /Did you mean `fifth`\?/],
  [["backfill", "report", "fifth", "--from", "2025-02-01", "--until", "2025-01-01", "--yes"], /Exchange the two/],
  [["backfill", "report", "fifth", "--from", "2025-01-01", "--until", "2999-01-01", "--yes"], /yet to come/],
  [["backfill", "report", "fifth", "--from", "soon", "--until", "2025-01-01", "--yes"], /`from` is "soon"/],
];

test("what cannot be meant is refused, and nothing is started", async (t) => {
  const one = withSchedules(t);
  for (const [words, says] of REFUSED) {
    const { code, stderr } = await one.call("schedules", ...words);
    assert.notEqual(code, 0);
    assert.match(stderr, says, words.join(" "));
  }
});

test("a workflow's drawing names what starts it", async (t) => {
  const { call } = withSchedules(t);
  const { stdout } = await call("graph", "report");
  assert.match(stdout, /\nStarted by schedule "default": At 09:00, Monday through Friday \(America\/New_York\)\.\n/);
  assert.doesNotMatch((await call("graph", "report", "--format", "mermaid")).stdout, /Started by/);
});

test("schedules are told in words", () => {
  const london = calendar({ timeZone: "Europe/London", holidays: ["2026-12-25"] });
  const words: readonly (readonly [ScheduleDefinition, string])[] = [
    [schedule("0 9 L * *", { timeZone: "UTC" }), "At 09:00, on the last day of the month"],
    [schedule("0 9 13 * +FRI", { timeZone: "UTC" }), "0 9 13 * +FRI"],
    [schedule("0 9 * * *", { calendar: london }), "At 09:00; on business days"],
    [
      schedule("0 9 * * *", { calendar: london, onHoliday: "previous" }),
      "At 09:00; on a day off, the previous business day instead",
    ],
    [
      schedule({ businessDay: 1, at: "07:30" }, { calendar: london }),
      "At 07:30, on the first business day of the month",
    ],
    [
      schedule({ businessDay: -1, of: "quarter", at: "07:30" }, { calendar: london }),
      "At 07:30, on the last business day of the quarter",
    ],
    [
      schedule({ businessDay: -2, of: "year", at: "07:30" }, { calendar: london }),
      "At 07:30, on the 2nd last business day of the year",
    ],
    [
      schedule({ businessDay: 12, at: "07:30" }, { calendar: london }),
      "At 07:30, on the 12th business day of the month",
    ],
  ];
  for (const [given, expected] of words) assert.equal(scheduleText(given), expected);
  const [seconds, minutes] = [Date.UTC(2026, 5, 1, 0, 0, 10), Date.UTC(2026, 5, 1)];
  assert.deepEqual(zonedTexts([minutes], "Asia/Kolkata"), ["Mon 2026-06-01 05:30 +05:30"]);
  assert.deepEqual(zonedTexts([minutes, seconds], "America/St_Johns"), [
    "Sun 2026-05-31 21:30:00 -02:30",
    "Sun 2026-05-31 21:30:10 -02:30",
  ]);
  const last = Date.UTC(2026, 11, 25, 9);
  const daily = schedule("0 9 * * *", { calendar: london });
  assert.equal(calendarEnd(daily, [last]), undefined);
  assert.equal(calendarEnd(daily, [last, last + 86_400_000]), "2026-12-25");
});
