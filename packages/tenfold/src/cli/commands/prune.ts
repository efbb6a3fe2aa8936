/** `tenfold prune`: removes runs that ended long ago, while the store is worked. */
import type { Tenfold } from "../../engine/client.ts";
import type { Pruned, PruneOptions } from "../../engine/retention.ts";
import { durationMs, formatDuration } from "../../value/duration.ts";
import { countLines, isAgreed } from "../asking.ts";
import { EXIT, usageError, type Call, type Command } from "../command.ts";
import { openStored, tellMissing } from "../opening.ts";
import { FILTER_FLAGS, readFilter } from "../run-filter.ts";
import type { Terminal } from "../terminal.ts";
import { countText, plural } from "../time-text.ts";
import { watched } from "../watched.ts";

export const pruneCommand: Command = {
  name: "prune",
  takes: "",
  counts: { least: 0, most: 0 },
  summary: "Removes runs that have ended, with their journals, once they are old enough; work goes on meanwhile.",
  about: [
    "The keys of removed runs are known on, for a year after their end, so that nothing is done twice.",
    "Runs that have not ended stay, however old. Interrupted, it has removed some runs, each of them whole.",
  ].join("\n"),
  flags: {
    "older-than": { type: "string", value: "time", text: `since a run's end: "90d"; 10 minutes at least` },
    ...FILTER_FLAGS,
    status: { type: "string", value: "status", text: "completed, failed, cancelled" },
    "keep-keys": { type: "string", value: "time", text: `how long after its end a run's key is known: "365d"` },
    "keep-events": { type: "string", value: "time", text: `how long the id of an event is known: "365d"` },
    "dry-run": { type: "boolean", text: "only count, by workflow and status" },
    yes: { type: "boolean", text: "do not ask, however many runs there are" },
  },
  examples: [
    { line: "tenfold prune --older-than 90d", does: "all that ended more than 90 days ago; asks first" },
    { line: "tenfold prune --older-than 90d --dry-run", does: "only says how many there are" },
    { line: "tenfold prune --older-than 7d --status completed --yes", does: "without asking, every night" },
  ],
  async run(call: Call): Promise<number> {
    const options = readOptions(call);
    const filter = readFilter(call);
    const tenfold = await openStored(call);
    const prune: Prune = (more) => tenfold.prune(filter, { ...options, ...more });
    try {
      const isCounted = call.flags.has("dry-run") || !call.flags.has("yes");
      return await (isCounted ? countFirst(call, tenfold, prune) : remove(call, tenfold, prune));
    } finally {
      await tenfold.close();
    }
  },
};

type Prune = (more: Partial<PruneOptions>) => Promise<Pruned>;

type Kept = Pick<PruneOptions, "olderThan" | "keepKeys" | "keepEvents">;

function readOptions({ flags }: Call): Kept {
  const olderThan = flags.text("older-than");
  const [keepKeys, keepEvents] = [flags.text("keep-keys"), flags.text("keep-events")];
  if (olderThan === undefined) {
    throw usageError(
      "How old is not said; nothing was pruned. Write how long ago a run has to have ended: `tenfold prune --older-than 90d`.",
    );
  }
  durationMs(olderThan, "`--older-than`");
  if (keepKeys !== undefined) durationMs(keepKeys, "`--keep-keys`");
  if (keepEvents !== undefined) durationMs(keepEvents, "`--keep-events`");
  return {
    olderThan,
    ...(keepKeys === undefined ? {} : { keepKeys }),
    ...(keepEvents === undefined ? {} : { keepEvents }),
  } as Kept;
}

/** Shows what would go; then, if that is meant, asks and removes it. */
async function countFirst(call: Call, tenfold: Tenfold, prune: Prune): Promise<number> {
  const { terminal, flags } = call;
  if (!flags.has("dry-run") && !terminal.canAsk) {
    throw usageError(
      "Runs would be removed for good, and there is nobody to ask; nothing was pruned. Add `--yes` if that is meant, or `--dry-run` to see how many.",
    );
  }
  const counted = await shown(call, (told) => prune({ ...told, dryRun: true }), (sofar) => `found ${countText(sofar.found)} …`); // prettier-ignore
  if (typeof counted === "number") return counted;
  const { found, counts } = counted;
  if (flags.has("dry-run")) return tellDryRun(terminal, tenfold, counted);
  tellMissing(terminal, tenfold);
  if (found > 0) {
    for (const line of countLines(terminal, counts)) terminal.say(line);
    if (!(await isAgreed(terminal, `${plural(found, "run")} will be removed for good.`))) {
      terminal.say("Nothing was pruned.");
      return EXIT.no;
    }
  }
  return remove(call, tenfold, prune, found);
}

/** `found`: how many there are, where they were counted. */
async function remove(call: Call, tenfold: Tenfold, prune: Prune, found?: number): Promise<number> {
  const { terminal } = call;
  const from = Date.now();
  const ofAll = found === undefined ? "" : ` of ${countText(found)}`;
  const pruned = await shown(call, prune, (sofar) => `removed ${countText(sofar.pruned)}${ofAll} …`);
  if (typeof pruned === "number") return pruned;
  if (found === undefined) tellMissing(terminal, tenfold);
  if (terminal.isJson) terminal.document({ ...pruned, missing: tenfold.missing });
  else for (const line of doneLines(pruned, Date.now() - from)) terminal.print(line);
  return EXIT.yes;
}

function doneLines({ found, pruned, keysForgotten, eventsForgotten }: Pruned, tookMs: number): string[] {
  const lines: string[] = [];
  if (found === 0) lines.push("No such run ended so long ago; nothing was removed.");
  else lines.push(`${plural(pruned, "run")} removed in ${formatDuration(Math.max(1, tookMs))}.`);
  if (found > pruned) {
    lines.push(
      `${plural(found - pruned, "run")} stayed: gone on meanwhile, or with a message for another run that has not arrived yet.`,
    );
  }
  if (keysForgotten > 0) lines.push(`${plural(keysForgotten, "key")} forgotten, whose time was over.`);
  if (eventsForgotten > 0) lines.push(`${plural(eventsForgotten, "event")} forgotten, whose time was over.`);
  return lines;
}

function tellDryRun(terminal: Terminal, tenfold: Tenfold, counted: Pruned): number {
  tellMissing(terminal, tenfold);
  if (terminal.isJson) {
    terminal.document({ ...counted, dryRun: true, missing: tenfold.missing });
  } else if (counted.found === 0) {
    terminal.print("No such run ended so long ago.");
  } else {
    for (const line of countLines(terminal, counted.counts)) terminal.print(line);
    terminal.print(`${plural(counted.found, "run")} would be removed; nothing was changed.`);
  }
  return EXIT.yes;
}

/** Shown while it goes on; interrupted by Ctrl-C: an exit code. */
function shown(call: Call, act: Prune, line: (sofar: Pruned) => string): Promise<Pruned | number> {
  const { terminal } = call;
  return watched(call, act, line, (done) => {
    const removed = `${plural(done.pruned, "run")} ${done.pruned === 1 ? "was" : "were"} removed`;
    if (terminal.isJson) terminal.document({ ...done, interrupted: true });
    terminal.say(`Stopped. ${removed}; all others are whole.`);
  });
}
