/** `tenfold schedules backfill`: counts what a range of a schedule lacks, asks, and starts it. */
import type { Backfilled, BackfillOptions } from "../engine/backfill.ts";
import { isAgreed } from "./asking.ts";
import { brief } from "./columns.ts";
import { EXIT, usageError, type Call } from "./command.ts";
import { mustLoad, openConfigured, storeOf, workflowNamed } from "./opening.ts";
import { countText, plural } from "./time-text.ts";
import { watched } from "./watched.ts";

export interface BackfillAsked {
  readonly workflow: string;
  readonly schedule: string;
  readonly from: string;
  readonly until: string;
}

type Fill = (more: Partial<BackfillOptions>) => Promise<Backfilled>;

export async function backfillSchedule(call: Call, asked: BackfillAsked): Promise<number> {
  const { terminal, flags } = call;
  if (!flags.has("dry-run") && !flags.has("yes") && !terminal.canAsk) {
    throw usageError(
      "Runs would be started, and there is nobody to ask; nothing was started. Add `--yes` if that is meant, or `--dry-run` to see how many.",
    );
  }
  if (storeOf(call, await mustLoad(call)) === ":memory:") {
    throw usageError(
      'Runs in a store in memory end with the command that started them; nothing was started. Give the config a file: `store: "runs.db"`.',
    );
  }
  const { tenfold, config } = await openConfigured(call, false);
  try {
    const definition = workflowNamed(config, asked.workflow);
    const { from, until } = asked;
    const fill: Fill = (more) => tenfold.backfill(definition, asked.schedule, { from, until, ...more });
    return await (flags.has("yes") && !flags.has("dry-run") ? start(call, asked, fill) : countFirst(call, asked, fill));
  } finally {
    await tenfold.close();
  }
}

/** Shows what is missing; then, if that is meant, asks and starts it. */
async function countFirst(call: Call, asked: BackfillAsked, fill: Fill): Promise<number> {
  const { terminal, flags } = call;
  const isDry = flags.has("dry-run");
  const counted = await shown(call, (told) => fill({ ...told, dryRun: true }), "looked at");
  if (typeof counted === "number") return counted;
  if (isDry && terminal.isJson) return tell(call, asked, counted, { dryRun: true });
  const { ticks, started, existing } = counted;
  const words = `${plural(ticks, "tick")}, ${countText(existing)} with a run, ${countText(started)} without one.`;
  if (isDry) terminal.print(words);
  else terminal.say(words);
  tellRefusal(call, counted);
  if (isDry) terminal.print("Nothing was started.");
  if (isDry || started === 0) return codeOf(counted);
  if (await isAgreed(terminal, `${plural(started, "run")} will be started.`)) return start(call, asked, fill);
  terminal.say("Nothing was started.");
  return EXIT.no;
}

async function start(call: Call, asked: BackfillAsked, fill: Fill): Promise<number> {
  const filled = await shown(call, fill, "started");
  if (typeof filled === "number") return filled;
  if (call.terminal.isJson) return tell(call, asked, filled, {});
  const { started, existing } = filled;
  call.terminal.print(`${plural(started, "run")} started, ${countText(existing)} had been there.`);
  tellRefusal(call, filled);
  return codeOf(filled);
}

function tell({ terminal }: Call, { workflow, schedule }: BackfillAsked, filled: Backfilled, more: object): number {
  terminal.document({ workflow, schedule, ...jsonOf(filled), ...more });
  return codeOf(filled);
}

function jsonOf({ refusal, ...counts }: Backfilled): object {
  return { ...counts, refusal: refusal === null ? null : { code: refusal.code, message: refusal.message } };
}

function tellRefusal({ terminal }: Call, { refused, refusal }: Backfilled): void {
  if (refusal === null) return;
  const word = terminal.tint("red", "refused");
  terminal.say(`${word}: the input of ${plural(refused, "tick")}. The first: ${brief(refusal.message)}`);
}

function codeOf({ refused }: Pick<Backfilled, "refused">): number {
  return refused === 0 ? EXIT.yes : EXIT.no;
}

/** Shown while it goes on; interrupted by Ctrl-C: an exit code. */
function shown(call: Call, act: Fill, done: string): Promise<Backfilled | number> {
  const { terminal } = call;
  const line = ({ ticks }: Backfilled): string => `${done} ${countText(ticks)} …`;
  return watched(call, act, line, (sofar) => {
    if (terminal.isJson) terminal.document({ ...jsonOf(sofar), interrupted: true });
    terminal.say(`Stopped behind ${plural(sofar.ticks, "tick")}; the same command goes on.`);
  });
}
