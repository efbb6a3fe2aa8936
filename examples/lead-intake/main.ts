/**
 * What `npm start` runs: takes every lead of a CSV file through the workflow and says what came out. Started again,
 * after a kill as after a success, it goes on where it was.
 */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { inspect } from "node:util";
import { open, TenfoldError, type Log } from "tenfold";
import { showProgress } from "tenfold/cli";
import { countLeft, finishAll, startLeads } from "./intake.ts";
import { leadIntakeFor } from "./lead-intake.ts";
import { openLeads } from "./leads.ts";
import type { LeadRow } from "./leads.ts";
import { HELP, readOptions, startOver } from "./options.ts";
import type { Options } from "./options.ts";
import { reportOf, reportText } from "./report.ts";
import type { Intake } from "./report.ts";
import { connectSystems, crmLimitsIn, type ConnectedSystems } from "./settings.ts";

/** What the shell is told. */
const EXIT = { completed: 0, failed: 1, usage: 4, SIGINT: 130, SIGTERM: 143 };

type Interrupt = "SIGINT" | "SIGTERM";

async function main(options: Options): Promise<number> {
  // A file of no use is refused before anything is started or removed.
  const rows = await Array.fromAsync(await openLeads(options.leads));
  if (options.fresh) await startOver(options);
  await mkdir(path.dirname(options.store), { recursive: true });

  const systems = await connectSystems({
    crmUrl: process.env["CRM_URL"],
    crmLimits: crmLimitsIn(process.env),
    smtpUrl: process.env["SMTP_URL"],
    outbox: options.outbox,
  });
  try {
    say(`CRM: ${systems.places.crm}`);
    say(`Letters: ${systems.places.post}`);
    const intake = await takeIn(options, rows, systems);
    if (typeof intake === "string") {
      say("Stopped. What was done is kept: the same command again goes on from here (without --fresh).");
      if (options.json) print({ workflow: "lead-intake", interrupted: true, store: options.store });
      return EXIT[intake];
    }
    const report = reportOf(intake);
    const next = nextCommands(options, report.failed);
    const width = process.stdout.columns ?? Infinity;
    if (options.json) print(report);
    else process.stdout.write(`${reportText(report, systems.places.post, next, width)}\n`);
    return report.failed === 0 ? EXIT.completed : EXIT.failed;
  } finally {
    await systems.close();
  }
}

async function takeIn(
  options: Options,
  rows: readonly LeadRow[],
  systems: ConnectedSystems,
): Promise<Intake | Interrupt> {
  const workflow = leadIntakeFor(systems);
  const startedAt = performance.now();
  const tenfold = await open({ store: options.store, workflows: [workflow], log });
  const attempts = { count: 0, durationMs: 0 };
  tenfold.on("attempt", (attempt) => {
    attempts.count++;
    attempts.durationMs += attempt.endedAt - attempt.startedAt;
  });
  const left = await countLeft(tenfold, rows);
  const progress = left === 0 ? undefined : showProgress(tenfold, { workflow: workflow.name, total: left });

  const finishing = (async () => {
    const started = await startLeads(tenfold, workflow, rows);
    return { ...started, ...(await finishAll(tenfold, started.runs)) };
  })();
  // What is cut off by the drain below is not lost, and not told: it is in the store.
  finishing.catch(() => undefined);
  try {
    const finished = await Promise.race([finishing, interruption()]);
    if (typeof finished === "string") {
      say("Stopping: what is being done is finished first. Ctrl-C again stops at once.");
      progress?.showStopping();
      return finished;
    }
    const wallMs = performance.now() - startedAt;
    const queues = await tenfold.queues();
    return { ...finished, store: options.store, attempts, queues, crmRefusals: systems.crmRefusals(), wallMs };
  } finally {
    // Ends what is being done now; what is left stays in the store.
    await tenfold.close();
    progress?.stop();
  }
}

/** Resolves at the first Ctrl-C or SIGTERM; a second one ends the program at once, which costs nothing either. */
function interruption(): Promise<Interrupt> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve(signal));
  });
}

function nextCommands({ store }: Options, failed: number): [command: string, does: string][] {
  const kept = `--store ${fromHere(store)}`;
  const config = `--config ${fromHere(path.join(import.meta.dirname, "tenfold.config.ts"))}`;
  const retry: [string, string] = [`npx tenfold retry --status failed ${kept}`, "lets those that failed go on"];
  return [
    ...(failed === 0 ? [] : [retry]),
    ["npm start", "takes in new leads; one that is known starts no second run"],
    ["npm start -- --fresh", "forgets runs and letters, and starts over"],
    [`npx tenfold runs ${kept}`, "lists the runs; tenfold show <run> tells all of one"],
    [`npx tenfold graph lead-intake ${config}`, "draws the workflow"],
  ];
}

/** A file as it is shortest to type. */
function fromHere(file: string): string {
  const relative = path.relative("", file);
  return relative.startsWith("..") ? file : relative;
}

const log: Log = {
  write(level, message) {
    if (level === "warn" || level === "error") say(`${level}: ${message}`);
  },
};

/** The one document on stdout. */
function print(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document)}\n`);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) process.stdout.write(HELP);
  else process.exitCode = await main(options);
} catch (thrown) {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const { code, facts } = error instanceof TenfoldError ? error : { code: null, facts: {} };
  say(code === null ? inspect(error) : `${code}: ${error.message}`);
  if (process.argv.includes("--json")) print({ error: { code, message: error.message, facts } });
  process.exitCode = code === "USAGE" ? EXIT.usage : EXIT.failed;
}
