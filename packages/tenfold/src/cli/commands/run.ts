/** `tenfold run`: starts one run, or one per row, waits for what comes out, and says it. */
import { IF_RUNNING, type StartOptions } from "../../engine/start.ts";
import type { WorkflowDefinition } from "../../flow/definition.ts";
import type { Json } from "../../value/json.ts";
import { EXIT, usageError, type Call, type Command } from "../command.ts";
import { exitCodeFor, onInterrupt, type Interrupt } from "../interruption.ts";
import { openConfigured, workflowNamed, mustLoad, storeOf } from "../opening.ts";
import { startProgress, type Progress } from "../progress.ts";
import { readInput } from "../run-input.ts";
import { timeJson } from "../run-json.ts";
import { tellNoRows, tellOne, tellRows } from "../run-report.ts";
import { checkColumns, startRows, type StartedRow } from "../run-rows.ts";
import { agoText, plural, readTime } from "../time-text.ts";
import { waitForRuns } from "../run-waiting.ts";
import { tellWaiting } from "../told-waiting.ts";
import type { Row } from "../row.ts";
import type { Tenfold } from "../../engine/client.ts";
import type { RunHandle } from "../../engine/run-handle.ts";

export const runCommand: Command = {
  name: "run",
  takes: "<workflow> <input>",
  counts: { least: 2, most: 2 },
  summary: "Starts one run, or one per row of a file, waits for what comes out, and prints it.",
  about: [
    "The input is JSON text, a file (.csv, .jsonl, .ndjson, .json) or - for standard input (JSON lines, or --format csv).",
    "A row of a CSV is an object of its columns, whose cells are text; a .json file with a list is one run per item.",
    "A row that is refused does not stop the rest. Rows whose key is known are not run again.",
  ].join("\n"),
  flags: {
    key: { type: "string", value: "text", text: "the run's key, instead of the workflow's own; one run per key" },
    tenant: { type: "string", value: "name", text: "whom the runs belong to; keys are per tenant" },
    again: { type: "boolean", text: "start the key's next run if its last one is finished" },
    "if-running": {
      type: "string",
      value: "word",
      text: "as --again; while the key's last run is not finished: join, skip or replace it",
    },
    at: { type: "string", value: "time", text: `not before: "2h" from now, or a date; does not wait` },
    "no-wait": { type: "boolean", text: "only start: durable, and worked by `tenfold dev` or the next `tenfold run`" },
    format: { type: "string", value: "name", text: "what a file or standard input holds: csv, jsonl or json" },
  },
  examples: [
    { line: `tenfold run hello '{"name": "Anna"}'`, does: "one run; its output is printed" },
    { line: "tenfold run lead-intake leads.csv", does: "one run per row, with progress" },
    {
      line: "cat leads.jsonl | tenfold run lead-intake - --json",
      does: "from a pipe, with one JSON document as answer",
    },
    { line: `tenfold run hello '{"name": "Anna"}' --key anna --at 2h`, does: "starts in two hours, once per key" },
  ],
  run: runRun,
};

async function runRun(call: Call): Promise<number> {
  const [name, word] = call.words as [string, string];
  const config = await mustLoad(call);
  const workflow = workflowNamed(config, name);
  const options = startOptions(call);
  const waits = !call.flags.has("no-wait") && options.at === undefined;
  if (!waits && storeOf(call, config) === ":memory:") {
    throw usageError(
      "A run that is not waited for needs a store that stays, and this one is in memory; no run was started. Name a file: `--store runs.db`.",
    );
  }
  const asked = { call, workflow, options, waits };
  const input = await readInput(call, word);
  if (input.kind === "one") return inStore(asked, (task) => runOne(task, input.input));
  if (call.flags.has("key")) {
    throw usageError(
      "`--key` is for one run, and rows have one each; no run was started. Give the workflow a `key`: `key: (lead) => lead.email`.",
    );
  }
  // Before the store is opened: a file of no use makes none.
  const rows = await checkColumns(workflow, input.rows, input.name);
  if (rows === null) return tellNoRows(call, workflow.name, input, waits);
  return inStore(asked, (task) => runRows(task, rows));
}

interface Task {
  readonly call: Call;
  readonly tenfold: Tenfold;
  readonly workflow: WorkflowDefinition;
  readonly options: StartOptions;
  readonly waits: boolean;
  readonly store: string;
}

/** Does what was asked in the store of the config, which is closed behind it. */
async function inStore(asked: Omit<Task, "tenfold" | "store">, act: (task: Task) => Promise<number>): Promise<number> {
  // What is due by a schedule is for workers that stay.
  const { tenfold, store } = await openConfigured(asked.call, asked.waits, { schedules: false, events: false });
  try {
    return await act({ ...asked, tenfold, store });
  } finally {
    await tenfold.close();
  }
}

function startOptions({ flags }: Call): StartOptions {
  const [key, tenant, at] = [flags.text("key"), flags.text("tenant"), flags.text("at")];
  const word = flags.text("if-running");
  const ifRunning = IF_RUNNING.find((known) => known === word);
  if (word !== undefined && ifRunning === undefined) {
    throw usageError(`\`--if-running ${word}\` is none of ${IF_RUNNING.join(", ")}; no run was started.`);
  }
  return {
    ...(key === undefined ? {} : { key }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(flags.has("again") ? { again: true } : {}),
    ...(ifRunning === undefined ? {} : { ifRunning }),
    ...(at === undefined ? {} : { at: startTime(at) }),
  };
}

function startTime(text: string): number {
  const now = Date.now();
  const at = readTime(text, "--at", now, "after");
  if (at >= now) return at;
  throw usageError(
    `\`--at ${text}\` is past (${agoText(at, now)}); no run was started. Leave it out to start at once, or give a time to come.`,
  );
}

async function runOne(task: Task, input: Json): Promise<number> {
  const { call, tenfold, workflow, options, waits } = task;
  const startedAt = Date.now();
  const interruption = onInterrupt();
  const run = await tenfold.startNamed(workflow.name, input, options);
  if (run.skipped || !waits) return tellStarted(task, run);
  if (run.existing && workflow.debounce !== undefined)
    call.terminal.say(`Postponed: ${run.id} begins on this input, once nobody starts its key for a while.`);
  else if (run.existing)
    call.terminal.say(`Already known: ${run.id} has this key; ${await knownText(tenfold, run.id)}`);
  const progress = startProgress(tenfold, workflow.name, 1, call.terminal.stderr, 1000);
  const waited = waitForRuns(tenfold, workflow.name, [run], (ended, before) => progress.ended(ended.status, before));
  const waiting = tellWaiting(tenfold, call.terminal, progress, new Set([run.id]));
  const first = await Promise.race([waited, interruption.first]).finally(() => waiting.stop());
  if (typeof first === "string") return interrupted(task, first, [run.id], waited, progress);
  progress.stop();
  interruption.stop();
  return tellOne(call, workflow.name, first[0]!, run.existing, Date.now() - startedAt);
}

async function knownText(tenfold: Tenfold, run: string): Promise<string> {
  // Of one that was pruned nothing is known but that it has ended.
  const status = await tenfold
    .run(run)
    .status()
    .catch(() => undefined);
  return status === "waiting" || status === "running"
    ? "it has not ended, and is waited for."
    : "this is how it ended. --again starts its next run.";
}

function tellStarted({ call, options, workflow }: Task, { id: run, existing, skipped }: RunHandle): number {
  const { terminal } = call;
  const at = options.at === undefined ? null : Number(options.at);
  if (terminal.isJson) {
    terminal.document({ run, existing, ...(skipped ? { skipped } : {}), at: timeJson(at) });
  } else {
    terminal.print(run);
    if (skipped) {
      terminal.say("Skipped: this run of the same key is not finished, on another input; no run was started.");
      return EXIT.yes;
    }
    if (workflow.debounce !== undefined) {
      terminal.say(
        "It begins on the last input of its key, once nobody starts that for a while. `tenfold dev` works it.",
      );
      return EXIT.yes;
    }
    const when = at === null ? "as soon as a worker takes it" : agoText(at, Date.now());
    terminal.say(
      existing
        ? "Already known: this run has the same key; no run was started. --again starts its next run."
        : `Started; it runs ${when}. \`tenfold dev\` works it, \`tenfold show ${run}\` shows it.`,
    );
  }
  return EXIT.yes;
}

async function runRows(task: Task, rows: AsyncIterable<Row>): Promise<number> {
  const { call, tenfold, workflow, options, waits } = task;
  const startedAt = Date.now();
  const interruption = onInterrupt();
  const isInterrupted = { is: false };
  void interruption.first.then(() => (isInterrupted.is = true));
  const progress = waits ? startProgress(tenfold, workflow.name, null, call.terminal.stderr) : undefined;
  const seen: StartedRow[] = [];
  const open = new Set<string>();
  const waiting = progress && tellWaiting(tenfold, call.terminal, progress, open);
  const work = (async () => {
    const started = await startRows(
      tenfold,
      workflow,
      rows,
      options,
      () => isInterrupted.is,
      (one) => seen.push(one),
    );
    const runs = [...started.started, ...started.known].map(({ run }) => run);
    if (progress === undefined || isInterrupted.is) return { started, ended: [] };
    progress.expect(runs.length);
    for (const { id } of runs) open.add(id);
    const ended = await waitForRuns(tenfold, workflow.name, runs, (one, before) => {
      open.delete(one.run);
      progress.ended(one.status, before);
    });
    return { started, ended };
  })();
  const first = await Promise.race([work, interruption.first]).finally(() => waiting?.stop());
  if (typeof first === "string") {
    const runs = seen.map(({ run }) => run.id);
    return interrupted(task, first, runs, work, progress);
  }
  progress?.stop();
  interruption.stop();
  return tellRows(call, workflow.name, first.started, first.ended, waits, Date.now() - startedAt);
}

/** Lets what runs finish, and says how to go on. */
async function interrupted(
  task: Task,
  signal: Interrupt,
  runs: readonly string[],
  work: Promise<unknown>,
  progress: Progress | undefined,
): Promise<number> {
  const { call, tenfold, workflow, store } = task;
  const { terminal } = call;
  terminal.say(
    "Stopping: what is being done now is finished first. Ctrl-C again stops at once; nothing durable is lost either way.",
  );
  progress?.showStopping();
  work.catch(() => undefined);
  await tenfold.close();
  progress?.stop();
  const way =
    store === ":memory:"
      ? "The store was in memory, so nothing of it is kept; with a file it would be: `--store runs.db`."
      : workflow.key === undefined && !call.flags.has("key")
        ? `${plural(runs.length, "run")} stay${runs.length === 1 ? "s" : ""} in ${store}: \`tenfold dev\` goes on with them. (The same command again would start them anew, as workflow "${workflow.name}" has no key.)`
        : `What was done is kept in ${store}. The same command again goes on from here, and so does \`tenfold dev\`.`;
  terminal.say(`Stopped. ${way}`);
  if (terminal.isJson) terminal.document({ workflow: workflow.name, interrupted: true, started: runs.length, store });
  return exitCodeFor(signal);
}
