/** `tenfold upgrade`: has runs go on with today's graph, one by its id or all that the flags find. */
import type { Tenfold } from "../../engine/client.ts";
import type { Selection } from "../../engine/telling.ts";
import type { Upgraded } from "../../engine/upgrade.ts";
import { isAgreed } from "../asking.ts";
import { cut, oneLine } from "../columns.ts";
import { EXIT, usageError, type Call, type Command } from "../command.ts";
import { LiveLines } from "../live-lines.ts";
import { mustLoad, openWithCode, tellMissing } from "../opening.ts";
import { refusedText } from "../plan-lines.ts";
import { FILTER_FLAGS, readFilter } from "../run-filter.ts";
import { countText, plural } from "../time-text.ts";

const { "failed-at": _failedAt, ...FILTERS } = FILTER_FLAGS;

export const upgradeCommand: Command = {
  name: "upgrade",
  takes: "[run]",
  counts: { least: 0, most: 1 },
  summary: "Has runs go on with this code's graph of their workflow: those whose recorded results fit it.",
  about: [
    "A run is moved as a whole, or not at all: what is recorded is kept, what is open is asked for anew. One that does not",
    "fit goes on as before. Runs that have not begun, or have ended, stay as they are. `tenfold plan` says what would be.",
    "The exit code is 0 if every run that was found is moved (with --dry-run: could be), else 1.",
  ].join("\n"),
  flags: {
    ...FILTERS,
    status: { type: "string", value: "status", text: "running, held" },
    "dry-run": { type: "boolean", text: "only say how many fit, and why the others do not" },
    yes: { type: "boolean", text: "do not ask, however many runs there are" },
  },
  examples: [
    { line: "tenfold upgrade 01m4qk0v6b7x3c9r5t8w2000", does: "one run" },
    { line: "tenfold upgrade --workflow lead-intake --dry-run", does: "says which fit" },
    { line: "tenfold upgrade --workflow lead-intake --status held --yes", does: "without asking, for scripts" },
  ],
  async run(call: Call): Promise<number> {
    const selection = readSelection(call);
    await mustLoad(call);
    const tenfold = await openWithCode(call);
    try {
      return await upgrade(call, tenfold, selection);
    } finally {
      await tenfold.close();
    }
  },
};

function readSelection(call: Call): Selection {
  const [run] = call.words;
  const filter = readFilter(call);
  const flags = Object.keys(filter).length;
  if (run !== undefined && flags > 0)
    throw usageError(
      `A run's id and flags that find runs were both given; nothing was changed. Write \`tenfold upgrade ${run}\`, or the flags alone.`,
    );
  if (run === undefined && flags === 0)
    throw usageError(
      "Which runs? Nothing was changed. Give a run's id, or flags that find some: `tenfold upgrade --workflow <name>`. (`tenfold plan` says which there are.)",
    );
  if (filter.status !== undefined && filter.status !== "running" && filter.status !== "held")
    throw usageError(
      `No run that is ${filter.status} can be moved to another graph; nothing was changed. Write \`--status running\` or \`--status held\`, or leave it out.`,
    );
  return run ?? filter;
}

async function upgrade(call: Call, tenfold: Tenfold, selection: Selection): Promise<number> {
  const { terminal, flags } = call;
  const isDry = flags.has("dry-run");
  if (!isDry && typeof selection !== "string" && !flags.has("yes")) {
    const dry = await shown(call, tenfold, selection, true);
    if (dry.fit > 0 && !(await mayGoOn(call, dry))) {
      terminal.say("Nothing was changed.");
      return EXIT.no;
    }
  }
  const done = await shown(call, tenfold, selection, isDry);
  if (terminal.isJson) terminal.document({ ...done, dryRun: isDry, missing: tenfold.missing });
  else tell(call, done, isDry);
  tellMissing(terminal, tenfold);
  return done.found - done.ended === (isDry ? done.fit : done.upgraded) ? EXIT.yes : EXIT.no;
}

async function shown(call: Call, tenfold: Tenfold, selection: Selection, dryRun: boolean): Promise<Upgraded> {
  const { terminal } = call;
  const live = terminal.stderr.isTTY === true && !terminal.isJson ? new LiveLines(terminal.stderr) : null;
  const what = dryRun ? "looked at" : "moved";
  const onProgress = ({ found, upgraded }: Upgraded): void =>
    live?.paint([terminal.tint("dim", `${what} ${countText(dryRun ? found : upgraded)} …`)]);
  try {
    const done = await tenfold.upgrade(selection, { dryRun, onProgress });
    live?.paint([]);
    return done;
  } finally {
    live?.stop();
  }
}

async function mayGoOn(call: Call, { fit, found, refused }: Upgraded): Promise<boolean> {
  const { terminal } = call;
  if (!terminal.canAsk) {
    throw usageError(
      `${plural(fit, "run")} would be moved to another graph, and there is nobody to ask; nothing was changed. Add \`--yes\` if that is meant, or \`--dry-run\` to see which.`,
      { found },
    );
  }
  for (const one of refused) terminal.say(cut(oneLine(refusedText(one)), terminal.columns));
  return isAgreed(terminal, `${plural(fit, "run")} of ${countText(found)} will go on with this code's graph.`);
}

function tell({ terminal }: Call, { found, fit, upgraded, refused, pending, ended }: Upgraded, isDry: boolean): void {
  if (found === 0) return terminal.print("Every such run is on this code's graph, has not begun, or has ended.");
  const moved = isDry ? `${plural(fit, "run")} of ${countText(found)} would go on with this code's graph; nothing was changed.` : `${plural(upgraded, "run")} of ${countText(found)} ${upgraded === 1 ? "goes" : "go"} on with this code's graph.`; // prettier-ignore
  terminal.print(moved);
  for (const one of refused) terminal.print(`  ${cut(oneLine(refusedText(one)), terminal.columns - 2)}`);
  if (pending > 0)
    terminal.print(`  ${countText(pending)} told: moved as soon as a worker takes them up, \`tenfold dev\` does`);
  if (ended > 0) terminal.print(`  ${countText(ended)} ended meanwhile`);
}
