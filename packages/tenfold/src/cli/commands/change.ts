/** `tenfold cancel` and `tenfold retry`: by id or by filter, after a look at how many there are. */
import type { RunSearch } from "../../engine/caller-checks.ts";
import type { Tenfold } from "../../engine/client.ts";
import { RunCounts, type RunCount } from "../../engine/listing.ts";
import type { Changed, Selection } from "../../engine/telling.ts";
import type { RunStatus } from "../../store/store.ts";
import { countLines, isAgreed } from "../asking.ts";
import { EXIT, usageError, type Call, type Command, type Flag } from "../command.ts";
import { openStored, tellMissing } from "../opening.ts";
import { FILTER_FLAGS, readFilter } from "../run-filter.ts";
import { plural } from "../time-text.ts";

interface Change {
  readonly name: "cancel" | "retry";
  /** What a run that it was done to is called. */
  readonly done: string;
  readonly statuses: readonly RunStatus[];
  change(tenfold: Tenfold, selection: Selection, call: Call, dryRun: boolean): Promise<Changed>;
}

const CHANGE_FLAGS: Readonly<Record<string, Flag>> = {
  ...FILTER_FLAGS,
  "dry-run": { type: "boolean", text: "only count, by workflow and status" },
  yes: { type: "boolean", text: "do not ask, however many runs there are" },
};

export const cancelCommand: Command = {
  name: "cancel",
  takes: "[run]",
  counts: { least: 0, most: 1 },
  summary: "Stops runs that are not finished: one by its id, or all that the flags find.",
  about: "What runs of them is told to stop, and nothing of them starts any more. `tenfold retry` has them go on.",
  flags: {
    ...CHANGE_FLAGS,
    reason: { type: "string", value: "text", text: "why; kept with the run" },
    undo: { type: "boolean", text: "undo what they did, in reverse, before they end" },
  },
  examples: [
    { line: "tenfold cancel 01m4qk0v6b7x3c9r5t8w2000", does: "one run" },
    {
      line: `tenfold cancel --workflow lead-intake --since 1h --reason "wrong list"`,
      does: "all that were started in the last hour; asks first",
    },
    { line: "tenfold cancel --workflow lead-intake --dry-run", does: "only says how many there are" },
  ],
  run: (call) =>
    runChange(call, {
      name: "cancel",
      done: "told to stop",
      statuses: ["waiting", "running", "held"],
      change: (tenfold, selection, { flags }, dryRun) =>
        tenfold.cancel(selection, {
          reason: flags.text("reason") ?? "cancelled from the command line",
          undo: flags.has("undo"),
          dryRun,
        }),
    }),
};

export const retryCommand: Command = {
  name: "retry",
  takes: "[run]",
  counts: { least: 0, most: 1 },
  summary: "Has failed, cancelled or held runs go on from where they stopped; recorded results stay.",
  about:
    "With `--from`, a node and all that depends on it is done once more, with the keys that it had; what was undone has new ones.",
  flags: {
    ...CHANGE_FLAGS,
    from: { type: "string", value: "node", text: "from this node on; its id, or its path in the run" },
    "new-keys": { type: "boolean", text: "what runs again has other idempotency keys than before" },
  },
  examples: [
    { line: "tenfold retry 01m4qk0v6b7x3c9r5t8w2000", does: "one run" },
    {
      line: "tenfold retry --workflow lead-intake --status failed --since 1h",
      does: "all that failed of late; asks first",
    },
    { line: "tenfold retry --workflow lead-intake --status failed --yes", does: "without asking, for scripts" },
    {
      line: "tenfold retry --workflow lead-intake --failed-at score --from enrich --dry-run",
      does: "how many could go on from there, and why others cannot",
    },
  ],
  run: (call) =>
    runChange(call, {
      name: "retry",
      done: "told to go on",
      statuses: ["failed", "cancelled", "held"],
      change: (tenfold, selection, { flags }, dryRun) => {
        const from = flags.text("from");
        const named = from === undefined ? {} : { from };
        return tenfold.retry(selection, { ...named, newKeys: flags.has("new-keys"), dryRun });
      },
    }),
};

async function runChange(call: Call, change: Change): Promise<number> {
  const [run] = call.words;
  const filter = readFilter(call);
  checkSelection(change, run, filter);
  const tenfold = await openStored(call);
  try {
    const selection = run ?? filter;
    const counts = await count(tenfold, change, selection);
    const found = counts.reduce((sum, { runs }) => sum + runs, 0);
    if (call.flags.has("dry-run")) {
      const looked = found === 0 ? { found, changed: 0 } : await change.change(tenfold, selection, call, true);
      return tellDryRun(call, change, counts, looked);
    }
    if (typeof selection !== "string") {
      if (found === 0) return tellNone(call, change);
      if (found > 1 && !call.flags.has("yes") && !(await mayGoOn(call, change, counts, found))) {
        call.terminal.say("Nothing was changed.");
        return EXIT.no;
      }
    }
    const told = await change.change(tenfold, selection, call, false);
    if (run === undefined) tellMissing(call.terminal, tenfold);
    return tellDone(call, change, found, told, run);
  } finally {
    await tenfold.close();
  }
}

function checkSelection(change: Change, run: string | undefined, filter: RunSearch): void {
  const flags = Object.keys(filter);
  if (run !== undefined && flags.length > 0) {
    throw usageError(
      `A run's id and flags that find runs were both given; nothing was changed. Write \`tenfold ${change.name} ${run}\`, or the flags alone.`,
    );
  }
  if (run === undefined && flags.length === 0) {
    throw usageError(
      `Which runs? Nothing was changed. Give a run's id, or flags that find some: \`tenfold ${change.name} --workflow <name>\`. (\`tenfold runs\` lists them.)`,
    );
  }
  if (filter.status !== undefined && !change.statuses.includes(filter.status)) {
    throw usageError(
      `No run that is ${filter.status} can be ${change.done}; nothing was changed. Write \`--status ${change.statuses.join("`, `--status ")}\`, or leave it out.`,
    );
  }
}

async function count(tenfold: Tenfold, { statuses }: Change, selection: Selection): Promise<readonly RunCount[]> {
  const counts = new RunCounts();
  if (typeof selection === "string") {
    const run = await tenfold.show(selection);
    if (statuses.includes(run.status)) counts.add(run);
  } else {
    for (const status of selection.status === undefined ? statuses : [selection.status]) {
      for await (const run of tenfold.runs({ ...selection, status })) counts.add(run);
    }
  }
  return counts.all;
}

function tellDryRun(call: Call, change: Change, counts: readonly RunCount[], looked: Changed): number {
  const { terminal } = call;
  const { found, refused = 0 } = looked;
  if (terminal.isJson) {
    terminal.document({ ...looked, dryRun: true, counts });
  } else if (found === 0) {
    terminal.print(`No run would be ${change.done}.`);
  } else {
    for (const line of countLines(terminal, counts)) terminal.print(line);
    terminal.print(`${plural(found - refused, "run")} would be ${change.done}; nothing was changed.`);
    tellRefused(call, looked);
  }
  return EXIT.yes;
}

function tellNone({ terminal }: Call, change: Change): number {
  if (terminal.isJson) terminal.document({ found: 0, changed: 0 });
  else terminal.say(`No such run is ${change.statuses.join(", ").replace(/, (\w+)$/, " or $1")}; nothing was changed.`);
  return EXIT.no;
}

/** Asks a person; where there is none to ask, refuses. */
async function mayGoOn(call: Call, change: Change, counts: readonly RunCount[], found: number): Promise<boolean> {
  const { terminal } = call;
  if (!terminal.canAsk) {
    throw usageError(
      `${plural(found, "run")} would be ${change.done}, and there is nobody to ask; nothing was changed. Add \`--yes\` if that is meant, or \`--dry-run\` to see which.`,
      { found },
    );
  }
  for (const line of countLines(terminal, counts)) terminal.say(line);
  return isAgreed(terminal, `${plural(found, "run")} will be ${change.done}.`);
}

function tellDone(call: Call, change: Change, found: number, told: Changed, run: string | undefined): number {
  const { terminal } = call;
  const { changed, refused = 0 } = told;
  if (terminal.isJson) terminal.document({ ...told, found });
  else {
    const what = run === undefined ? plural(changed, "run") : `Run ${run}`;
    const verb = run === undefined && changed !== 1 ? "were" : "was";
    const missing = found - changed - refused;
    const missed = missing > 0 ? ` ${plural(missing, "run")} finished meanwhile.` : "";
    terminal.print(`${what} ${verb} ${change.done}.${missed}`);
    tellRefused(call, told);
    if (changed > 0) terminal.say("Whatever works this store obeys at once; if nothing does, `tenfold dev` will.");
  }
  return changed === 0 && refused > 0 ? EXIT.no : EXIT.yes;
}

function tellRefused({ terminal }: Call, { refused = 0, refusals = [] }: Changed): void {
  if (refused === 0) return;
  terminal.print(`${plural(refused, "run")} cannot:`);
  for (const [message, runs] of Map.groupBy(refusals, (refusal) => refusal.message))
    terminal.print(`  ${runs[0]!.run}${runs.length > 1 ? ` and ${runs.length - 1} more` : ""}: ${message}`);
  if (refused > refusals.length) terminal.print(`  … and ${refused - refusals.length} others`);
}
