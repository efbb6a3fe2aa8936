/** `tenfold runs`: lists runs, newest first and page by page, or counts them. */
import { undoText } from "../../core/undo-text.ts";
import type { RunSearch } from "../../engine/caller-checks.ts";
import type { Tenfold } from "../../engine/client.ts";
import type { RunView } from "../../engine/run-view.ts";
import { formatDuration } from "../../value/duration.ts";
import { laneOfRun } from "../../value/id.ts";
import { EXIT, usageError, type Call, type Command } from "../command.ts";
import { brief, oneLine, tableLines } from "../columns.ts";
import { openStored, tellMissing } from "../opening.ts";
import { FILTER_FLAGS, readFilter, writtenFlags } from "../run-filter.ts";
import { runJson } from "../run-json.ts";
import { paintStatus } from "../status.ts";
import type { Terminal } from "../terminal.ts";
import { countText, shortTimeText } from "../time-text.ts";

const LIMIT = 50;

export const runsCommand: Command = {
  name: "runs",
  takes: "",
  counts: { least: 0, most: 0 },
  summary: "Lists runs, newest first, or counts them.",
  flags: {
    ...FILTER_FLAGS,
    limit: { type: "string", value: "count", text: `how many; ${LIMIT} unless told otherwise` },
    before: { type: "string", value: "run", text: "those older than this run: the next page" },
    count: { type: "boolean", text: "only how many, by workflow and status" },
  },
  examples: [
    { line: "tenfold runs --workflow lead-intake --status failed --since 1h", does: "what failed in the last hour" },
    { line: "tenfold runs --attribute country=DE --limit 10", does: "found by an attribute of the workflow" },
    { line: "tenfold runs --count", does: "how many, by workflow and status" },
  ],
  async run(call: Call): Promise<number> {
    const filter = readFilter(call);
    const limit = limitOf(call);
    checkBefore(call);
    const tenfold = await openStored(call);
    try {
      if (call.flags.has("count")) tellCounts(call.terminal, await countsOf(tenfold, filter), tenfold);
      else await tellPage(call, tenfold, filter, limit);
      tellMissing(call.terminal, tenfold);
      return EXIT.yes;
    } finally {
      await tenfold.close();
    }
  },
};

function limitOf({ flags }: Call): number {
  const text = flags.text("limit");
  if (text === undefined) return LIMIT;
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1) return limit;
  throw usageError(`\`--limit ${text}\` is no count; nothing was listed. Write a whole number from 1.`);
}

function checkBefore({ flags }: Call): void {
  const before = flags.text("before");
  if (before === undefined || laneOfRun(before) !== undefined) return;
  throw usageError(
    `\`--before ${before}\` is no run's id; nothing was listed. Copy one from the first column of \`tenfold runs\`: those older than it are listed.`,
  );
}

interface Count {
  readonly workflow: string;
  readonly status: string;
  readonly runs: number;
}

/** From the store's tallies where they know, at no cost; else one by one. */
async function countsOf(tenfold: Tenfold, filter: RunSearch): Promise<readonly Count[]> {
  const { key, attribute, tenant, status, ...tallied } = filter;
  if (key === undefined && attribute === undefined && tenant === undefined) {
    const counts = await tenfold.counts(tallied);
    return counts.filter((count) => status === undefined || count.status === status);
  }
  const counts = new Map<string, { workflow: string; status: string; runs: number }>();
  for await (const run of tenfold.runs(filter)) {
    const name = `${run.workflow} ${run.status}`;
    const count = counts.get(name) ?? { workflow: run.workflow, status: run.status, runs: 0 };
    count.runs++;
    counts.set(name, count);
  }
  return [...counts.values()];
}

function tellCounts(terminal: Terminal, counts: readonly Count[], { missing }: Tenfold): void {
  const total = counts.reduce((sum, { runs }) => sum + runs, 0);
  if (terminal.isJson) return terminal.document({ total, counts, missing });
  if (counts.length === 0) return terminal.say("There are no such runs.");
  const cells = counts.map(({ workflow, status, runs }) => [
    workflow,
    paintStatus(terminal.paint, status),
    countText(runs),
  ]);
  const columns = [{ title: "workflow" }, { title: "status" }, { title: "runs", align: "right" as const }];
  for (const line of tableLines(columns, [...cells, ["", "in all", countText(total)]], terminal.columns)) {
    terminal.print(line);
  }
}

async function tellPage(call: Call, tenfold: Tenfold, filter: RunSearch, limit: number): Promise<void> {
  const { terminal, flags } = call;
  const before = flags.text("before");
  // One more than is shown says whether there is a next page.
  const found = await tenfold.page(filter, { limit: limit + 1, ...(before === undefined ? {} : { before }) });
  const page = found.slice(0, limit).map((run) => tenfold.redacted(run));
  const next = found.length > limit ? page.at(-1)!.id : null;
  if (terminal.isJson) return terminal.document({ runs: page.map(runJson), next, missing: tenfold.missing });
  if (page.length === 0) {
    return terminal.say(
      before === undefined && Object.keys(filter).length === 0
        ? "There are no runs yet: `tenfold run <workflow> <input>` starts one."
        : "There are no such runs.",
    );
  }
  for (const line of pageLines(terminal, page)) terminal.print(line);
  if (next === null) return;
  const flagsText = writtenFlags(call, [...Object.keys(FILTER_FLAGS), "config", "store", "postgres", "limit"]);
  terminal.say(`The next page: tenfold runs${flagsText} --before ${next}`);
}

function pageLines(terminal: Terminal, page: readonly RunView[]): readonly string[] {
  const columns = [
    { title: "run" },
    { title: "workflow" },
    { title: "status" },
    { title: "started" },
    { title: "took", align: "right" as const },
    { title: "key", gives: true },
    { title: "error", gives: true },
  ];
  const cells = page.map((run) => [
    run.id,
    run.workflow,
    paintStatus(terminal.paint, run.status),
    shortTimeText(run.startedAt, Date.now()),
    run.endedAt === null ? "" : formatDuration(Math.max(1, run.endedAt - run.startedAt)),
    oneLine(run.key ?? ""),
    errorText(run),
  ]);
  const kept = columns.map((_, index) => index).filter((index) => index < 5 || cells.some((row) => row[index] !== ""));
  return tableLines(
    kept.map((index) => columns[index]!),
    cells.map((row) => kept.map((index) => row[index]!)),
    terminal.columns,
  );
}

function errorText({ error, unread }: RunView): string {
  if (error === null) return unread === undefined ? "" : `not decoded: ${unread[0]!.code}`;
  const undone = undoText(error.undo).slice(2);
  return brief(`${undone === "" ? "" : `${undone}; `}${error.node === "" ? "" : `${error.node}: `}${error.message}`);
}
