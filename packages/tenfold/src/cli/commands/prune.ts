/** `tenfold prune`: removes runs that ended long ago, while the store is worked. */
import type { Tenfold } from "../../engine/client.ts";
import type { Pruned } from "../../engine/retention.ts";
import type { RunFilter } from "../../store/store.ts";
import { durationMs, formatDuration } from "../../value/duration.ts";
import { countLines, isAgreed } from "../asking.ts";
import { EXIT, usageError, type Call, type Command } from "../command.ts";
import { exitCodeFor, onInterrupt } from "../interruption.ts";
import { LiveLines } from "../live-lines.ts";
import { openStored, tellMissing } from "../opening.ts";
import { FILTER_FLAGS, readFilter } from "../run-filter.ts";
import type { Terminal } from "../terminal.ts";
import { countText, plural } from "../time-text.ts";

export const pruneCommand: Command = {
  name: "prune",
  takes: "",
  counts: { least: 0, most: 0 },
  summary: "Removes runs that have ended, with their journals, once they are old enough; work goes on meanwhile.",
  about: [
    "The keys of removed runs are known on, for a year after their end, so that nothing is done a second time. Runs that",
    "have not ended stay, however old they are. Interrupted, it has removed some runs, each of them whole.",
  ].join("\n"),
  flags: {
    "older-than": { type: "string", value: "time", text: `since a run's end: "90d"; 10 minutes at least` },
    ...FILTER_FLAGS,
    status: { type: "string", value: "status", text: "completed, failed, cancelled" },
    "keep-keys": { type: "string", value: "time", text: `how long after its end a run's key is known: "365d"` },
    "dry-run": { type: "boolean", text: "only count, by workflow and status" },
    yes: { type: "boolean", text: "do not ask, however many runs there are" },
  },
  examples: [
    { line: "tenfold prune --older-than 90d", does: "all that ended more than 90 days ago; asks first" },
    { line: "tenfold prune --older-than 90d --dry-run", does: "only says how many there are" },
    { line: "tenfold prune --older-than 7d --status completed --yes", does: "without asking, every night" },
  ],
  async run(call: Call): Promise<number> {
    const { terminal, flags } = call;
    const olderThan = flags.text("older-than");
    if (olderThan === undefined) {
      throw usageError(
        "How old is not said; nothing was pruned. Write how long ago a run has to have ended: `tenfold prune --older-than 90d`.",
      );
    }
    durationMs(olderThan, "`--older-than`");
    const keepKeys = flags.text("keep-keys");
    if (keepKeys !== undefined) durationMs(keepKeys, "`--keep-keys`");
    const options = { olderThan, ...(keepKeys === undefined ? {} : { keepKeys }) };
    const filter = readFilter(call);
    const tenfold = await openStored(call);
    try {
      const mayAsk = !flags.has("yes") && !flags.has("dry-run");
      if (mayAsk && !terminal.canAsk) {
        throw usageError(
          "Runs would be removed for good, and there is nobody to ask; nothing was pruned. Add `--yes` if that is meant, or `--dry-run` to see how many.",
        );
      }
      if (!flags.has("yes")) {
        const counted = await watched(call, "found", (told) => tenfold.prune(filter, { ...options, ...told, dryRun: true })); // prettier-ignore
        if (typeof counted === "number") return counted;
        tellMissing(terminal, tenfold);
        if (flags.has("dry-run")) return tellDryRun(terminal, counted, olderThan);
        if (counted.found > 0) {
          for (const line of countLines(terminal, counted.counts)) terminal.say(line);
          const question = `${plural(counted.found, "run")} will be removed for good.`;
          if (!(await isAgreed(terminal, question))) {
            terminal.say("Nothing was pruned.");
            return EXIT.no;
          }
        }
      }
      return await pruneAndTell(call, tenfold, filter, options);
    } finally {
      await tenfold.close();
    }
  },
};

async function pruneAndTell(
  call: Call,
  tenfold: Tenfold,
  filter: RunFilter,
  options: { readonly olderThan: string },
): Promise<number> {
  const { terminal } = call;
  const from = Date.now();
  const pruned = await watched(call, "pruned", (told) => tenfold.prune(filter, { ...options, ...told }));
  if (typeof pruned === "number") return pruned;
  if (call.flags.has("yes")) tellMissing(terminal, tenfold);
  if (terminal.isJson) {
    terminal.document(pruned);
    return EXIT.yes;
  }
  for (const line of doneLines(pruned, options.olderThan, Date.now() - from)) terminal.print(line);
  return EXIT.yes;
}

function doneLines({ found, pruned, keysForgotten }: Pruned, olderThan: string, tookMs: number): string[] {
  const lines: string[] = [];
  if (found === 0) lines.push(`No such run ended more than ${olderThan} ago; nothing was removed.`);
  else lines.push(`${plural(pruned, "run")} removed in ${formatDuration(Math.max(1, tookMs))}.`);
  if (found > pruned) {
    lines.push(
      `${plural(found - pruned, "run")} stayed: gone on meanwhile, or with a message for another run that has not arrived yet.`,
    );
  }
  if (keysForgotten > 0) lines.push(`${plural(keysForgotten, "key")} forgotten, whose time was over.`);
  return lines;
}

function tellDryRun(terminal: Terminal, counted: Pruned, olderThan: string): number {
  if (terminal.isJson) {
    terminal.document({ ...counted, dryRun: true });
  } else if (counted.found === 0) {
    terminal.print(`No such run ended more than ${olderThan} ago.`);
  } else {
    for (const line of countLines(terminal, counted.counts)) terminal.print(line);
    terminal.print(`${plural(counted.found, "run")} would be removed; nothing was changed.`);
  }
  return EXIT.yes;
}

interface Told {
  readonly signal: AbortSignal;
  readonly onProgress: (sofar: Pruned) => void;
}

/** What `act` answers, shown while it goes on; interrupted by Ctrl-C, which has it stop soon: an exit code. */
async function watched(
  { terminal }: Call,
  what: "found" | "pruned",
  act: (told: Told) => Promise<Pruned>,
): Promise<Pruned | number> {
  const stopping = new AbortController();
  const interruption = onInterrupt();
  const first = interruption.first.then((signal) => {
    stopping.abort();
    return signal;
  });
  const live = terminal.stderr.isTTY === true && !terminal.isJson ? new LiveLines(terminal.stderr) : null;
  const word = what === "found" ? "found" : "removed";
  try {
    const done = await act({
      signal: stopping.signal,
      onProgress: (sofar) => live?.paint([terminal.tint("dim", `${word} ${countText(sofar[what])} …`)]),
    });
    live?.paint([]);
    if (!stopping.signal.aborted) return done;
    const removed = plural(done.pruned, "run");
    terminal.say(`Stopped. ${removed} ${done.pruned === 1 ? "was" : "were"} removed; all others are whole.`);
    return exitCodeFor(await first);
  } finally {
    live?.stop();
    interruption.stop();
  }
}
