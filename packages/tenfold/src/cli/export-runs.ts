/**
 * Writes runs as lines of JSON, newest first.
 * Invariants: however many runs there are, few are in memory; a line is written whole or not at all.
 */
import type { Tenfold } from "../engine/client.ts";
import type { RunSearch } from "../engine/caller-checks.ts";
import type { RunView } from "../engine/run-view.ts";
import { TenfoldError } from "../value/error.ts";
import { exportFiles, type ExportedFiles } from "./export-files.ts";
import type { LineSink } from "./export-sink.ts";
import { runJson } from "./run-json.ts";

export interface ExportOptions {
  /** Only those older than this run. */
  readonly before: string | undefined;
  readonly withJournal: boolean;
  /** Where the content of files goes; undefined: it does not. */
  readonly filesFolder: string | undefined;
  /** Has it stop behind the line that is being written. */
  readonly stopping: AbortSignal;
  readonly sink: LineSink;
  /** Is told now and then how many are written. */
  readonly tell: (sofar: number) => void;
}

/** What is written. */
export class Exported {
  runs = 0;
  /** The last run that was, the oldest of them. */
  last: string | null = null;
  /** Runs of which a part could not be decoded. */
  unread = 0;
  /** A part of the store was out of reach meanwhile. */
  isMissing = false;
}

const NOT_ASKED: ExportedFiles = { told: {}, isRead: true };

/** Journals that are read at once. */
const JOURNALS = 8;

/** Writes them, and in `done` what it has written, whatever comes between. */
export async function exportRuns(
  tenfold: Tenfold,
  filter: RunSearch,
  options: ExportOptions,
  done: Exported,
): Promise<void> {
  const { stopping, sink, tell, withJournal, filesFolder } = options;
  const withFiles = withJournal || filesFolder !== undefined;
  for await (const runs of readRuns(tenfold, filter, options)) {
    done.isMissing ||= tenfold.missing.length > 0;
    for (const run of runs) {
      if (stopping.aborted) return;
      const files = withFiles ? await exportFiles(tenfold, run.id, filesFolder) : NOT_ASKED;
      if (files === undefined) continue;
      await sink.write(`${JSON.stringify({ ...runJson(tenfold.redacted(run)), ...files.told })}\n`);
      done.runs++;
      done.last = run.id;
      if (run.unread !== undefined || !files.isRead) done.unread++;
    }
    tell(done.runs);
  }
  done.isMissing ||= tenfold.missing.length > 0;
}

/** A few runs at once, with their journals if they are wanted. */
async function* readRuns(
  tenfold: Tenfold,
  filter: RunSearch,
  { before, withJournal }: ExportOptions,
): AsyncGenerator<readonly RunView[]> {
  let views: RunView[] = [];
  for await (const view of tenfold.runs(filter, before === undefined ? {} : { before })) {
    if (views.push(view) < JOURNALS) continue;
    yield withJournal ? await withEntries(tenfold, views) : views;
    views = [];
  }
  yield withJournal ? await withEntries(tenfold, views) : views;
}

/** The same runs with their journals, without those that were pruned meanwhile. */
async function withEntries(tenfold: Tenfold, views: readonly RunView[]): Promise<readonly RunView[]> {
  const shown = await Promise.all(
    views.map(({ id }) =>
      tenfold.show(id).catch((thrown: unknown) => {
        if (thrown instanceof TenfoldError && thrown.code === "RUN_UNKNOWN") return undefined;
        throw thrown;
      }),
    ),
  );
  return shown.filter((run) => run !== undefined);
}
