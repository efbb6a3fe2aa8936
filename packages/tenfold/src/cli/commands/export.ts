/** `tenfold export`: runs as JSON lines, newest first, into a file or a pipe. */
import path from "node:path";
import { TenfoldError } from "../../value/error.ts";
import { laneOfRun } from "../../value/id.ts";
import { EXIT, usageError, type Call, type Command } from "../command.ts";
import { Exported, exportRuns } from "../export-runs.ts";
import { openExportFile, standardOutput, type LineSink } from "../export-sink.ts";
import { exitCodeFor, onInterrupt } from "../interruption.ts";
import { LiveLines } from "../live-lines.ts";
import { openStored, tellMissing } from "../opening.ts";
import { FILTER_FLAGS, readFilter, writtenFlags } from "../run-filter.ts";
import type { Terminal } from "../terminal.ts";
import { countText, plural } from "../time-text.ts";

export const exportCommand: Command = {
  name: "export",
  takes: "",
  counts: { least: 0, most: 0 },
  summary: "Writes runs as JSON lines, one run a line, newest first; work goes on meanwhile.",
  about:
    "Interrupted, what is written are whole lines, and it says how to go on. Fields that the config redacts are hidden.",
  flags: {
    ...FILTER_FLAGS,
    before: { type: "string", value: "run", text: "those older than this run: to go on behind it" },
    journal: { type: "boolean", text: "with the entries of each run's journal, and a list of its files" },
    files: { type: "string", value: "folder", text: "with its files, and their content into this folder" },
    out: { type: "string", value: "file", text: "into this file, which is there once it is whole" },
    force: { type: "boolean", text: "replace the file, if there is one" },
  },
  examples: [
    { line: "tenfold export --status completed --since 1d | jq .output", does: "what came out since yesterday" },
    { line: "tenfold export --workflow lead-intake --journal --out leads.jsonl", does: "with each entry, into a file" },
    { line: "tenfold export --since 1d --files ./artifacts --out day.jsonl", does: "with all files that were written" },
    { line: "tenfold export --out leads.jsonl --force", does: "in the place of the file of last time" },
  ],
  async run(call: Call): Promise<number> {
    const { flags, folder } = call;
    const filter = readFilter(call);
    const before = readBefore(call);
    const out = flags.text("out");
    const files = flags.text("files");
    const filesFolder = files === undefined ? undefined : path.resolve(folder, files);
    if (out === undefined && flags.has("force")) {
      throw usageError("`--force` is for a file, and none is named; nothing was written. Add `--out runs.jsonl`.");
    }
    const tenfold = await openStored(call);
    try {
      const sink = out === undefined ? standardOutput() : await openExportFile(folder, out, flags.has("force"));
      return await write(call, sink, (stopping, tell, done) =>
        exportRuns(
          tenfold,
          filter,
          { before, withJournal: flags.has("journal"), filesFolder, stopping, sink, tell },
          done,
        ),
      );
    } finally {
      tellMissing(call.terminal, tenfold);
      await tenfold.close();
    }
  },
};

function readBefore({ flags }: Call): string | undefined {
  const before = flags.text("before");
  if (before === undefined || laneOfRun(before) !== undefined) return before;
  throw usageError(
    `\`--before ${before}\` is no run's id; nothing was written. Copy one from a line that was written: those older than it are exported.`,
  );
}

type Act = (stopping: AbortSignal, tell: (sofar: number) => void, done: Exported) => Promise<void>;

/** Writes, telling how far it is, until all is written, somebody says stop, or it cannot go on. */
async function write(call: Call, sink: LineSink, act: Act): Promise<number> {
  const { terminal } = call;
  const stopping = new AbortController();
  const interruption = onInterrupt();
  void interruption.first.then(() => stopping.abort());
  const progress = progressOf(terminal, sink);
  const done = new Exported();
  try {
    await act(stopping.signal, progress.tell, done);
    if (!stopping.signal.aborted) await sink.finish();
  } catch (thrown) {
    progress.stop();
    if ((await sink.leave()) && done.runs > 0) tellRest(call, sink, done);
    throw thrown;
  } finally {
    progress.stop();
    interruption.stop();
  }
  if (!stopping.signal.aborted) return tellDone(call, sink, done);
  if (!(await sink.leave())) throw notKept(sink);
  if (terminal.isJson && sink.file !== null) {
    terminal.document({ runs: done.runs, file: sink.part, interrupted: true, last: done.last });
  }
  tellRest(call, sink, done);
  return exitCodeFor(await interruption.first);
}

function notKept({ part }: LineSink): TenfoldError {
  return new TenfoldError(
    "FILE_NOT_WRITTEN",
    `What was to be written last is not in ${part}, which may end in half a line. Make room, or name another place, and export again.`,
    { facts: { file: part } },
  );
}

const TELL_EVERY_MS = 10_000;

/** On a terminal a line that is painted over and over; elsewhere one now and then. */
function progressOf(terminal: Terminal, sink: LineSink): { tell(sofar: number): void; stop(): void } {
  const isTerminal = terminal.stderr.isTTY === true;
  // Between lines that go to the same terminal it would only flicker.
  const live =
    isTerminal && (sink.file !== null || terminal.columns === Infinity) ? new LiveLines(terminal.stderr) : null;
  let nextAt = Date.now() + TELL_EVERY_MS;
  return {
    tell(sofar) {
      const line = `exported ${countText(sofar)} …`;
      live?.paint([terminal.tint("dim", line)]);
      if (isTerminal || Date.now() < nextAt) return;
      nextAt = Date.now() + TELL_EVERY_MS;
      terminal.say(line);
    },
    stop() {
      live?.paint([]);
      live?.stop();
    },
  };
}

/** Flags that the command for the rest has too. */
const REPEATED = [...Object.keys(FILTER_FLAGS), "config", "store", "postgres", "journal", "files"];

/** How far it came, and how to go on. */
function tellRest(call: Call, sink: LineSink, { runs, last }: Exported): void {
  const where = sink.part === null ? "" : ` to ${sink.part}`;
  call.terminal.say(`Stopped: ${plural(runs, "run")} ${runs === 1 ? "was" : "were"} written${where}, each line whole.`);
  if (last === null) return;
  const out = sink.file === null ? "" : " --out <another file>";
  call.terminal.say(`The rest: tenfold export${writtenFlags(call, REPEATED)} --before ${last}${out}`);
}

/** What cannot be decoded, or was not reached, is missing in what was written: not enough to say yes. */
function tellDone({ terminal }: Call, sink: LineSink, { runs, unread, isMissing }: Exported): number {
  if (terminal.isJson && sink.file !== null) terminal.document({ runs, file: sink.file, unread, complete: !isMissing });
  const where = sink.file === null ? "" : ` to ${sink.file}`;
  terminal.say(runs === 0 ? "There are no such runs; nothing was exported." : `${plural(runs, "run")} exported${where}, newest first.`); // prettier-ignore
  if (unread > 0) {
    const word = terminal.tint("yellow", "not decoded");
    terminal.say(`${word}: parts of ${plural(unread, "run")}, which have \`unread\` in their line that says why`);
  }
  return unread > 0 || isMissing ? EXIT.unsure : EXIT.yes;
}
