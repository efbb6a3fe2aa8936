/** `tenfold why`: what a run waits for, behind what, until when, and who can change it. */
import { waitText, type Wait } from "../../core/why.ts";
import { undoNote } from "../../core/undo-text.ts";
import type { Why } from "../../engine/why.ts";
import { EXIT, type Call, type Command } from "../command.ts";
import { oneLine, shortened } from "../columns.ts";
import { openWithCode } from "../opening.ts";
import { paintStatus } from "../status.ts";
import { agoText, plural, timeText } from "../time-text.ts";

/** Open nodes that are told of one by one. */
const SHOWN = 20;

export const whyCommand: Command = {
  name: "why",
  takes: "<run>",
  counts: { least: 1, most: 1 },
  summary: "Says why a run is where it is: what it waits for, until when, and who can change that.",
  flags: { all: { type: "boolean", text: "every open node, however many" } },
  examples: [
    { line: "tenfold why 01m4qk0v6b7x3c9r5t8w2000", does: "a run by its id, as `tenfold runs` lists it" },
    { line: "tenfold why 01m4qk0v6b7x3c9r5t8w2000 --json", does: "the same for a program" },
  ],
  async run(call: Call): Promise<number> {
    const tenfold = await openWithCode(call);
    try {
      const why = await tenfold.why(call.words[0]!);
      if (call.terminal.isJson) call.terminal.document(why);
      else tell(call, why, Date.now());
      return EXIT.yes;
    } finally {
      await tenfold.close();
    }
  },
};

function tell({ terminal, flags }: Call, why: Why, now: number): void {
  const { run, workflow, status, waits } = why;
  terminal.print(
    `${terminal.paint("bold", run)} of ${workflow} is ${paintStatus(terminal.paint, status)}${runText(why, now)}`,
  );
  const shown = flags.has("all") ? waits : waits.slice(0, SHOWN);
  for (const wait of shown) {
    terminal.print(`  ${oneLine(`${wait.node} ${waitText(wait, now)}`)}`);
    const way = wayOf(run, wait);
    if (way !== undefined) terminal.print(terminal.paint("dim", `    ${way}`));
  }
  if (shown.length < waits.length)
    terminal.print(`  … and ${plural(waits.length - shown.length, "open node")} more: --all`);
  const end = endOf(why);
  if (end !== undefined) terminal.print(terminal.paint("dim", `  ${end}`));
}

/** What holds of the run as a whole. */
function runText({ status, owned, wakeAt, waits, error }: Why, now: number): string {
  switch (status) {
    case "completed":
      return ", and waits for nothing";
    case "failed":
    case "cancelled":
    case "held": {
      const where = error === null || error.node === "" ? "" : ` at ${error.node}`;
      return `${where}${undoNote(error?.undo)}: ${shortened(oneLine(error?.message ?? ""))}`;
    }
    case "waiting":
      return wakeAt !== null && wakeAt > now
        ? ` until ${timeText(wakeAt)} (${agoText(wakeAt, now)}), when it begins`
        : ": no worker has taken it up yet";
    case "running": {
      const open = waits.length === 1 ? "" : `, ${plural(waits.length, "node")} of it open`;
      if (owned) return `, in a worker's hands${open}`;
      if (wakeAt !== null && wakeAt <= now) return `, due, and in no worker's hands${open}`;
      if (wakeAt === null && waits.some(({ kind }) => kind === "queue")) return `, parked until its turn comes${open}`;
      return wakeAt === null
        ? `, parked until somebody sends it something${open}`
        : `, parked until ${timeText(wakeAt)}${open}`;
    }
  }
}

/** Who can change what a node waits for, and how. */
export function wayOf(run: string, wait: Wait): string | undefined {
  switch (wait.kind) {
    case "signal":
      return `tenfold signal ${run} ${wait.signal}${wait.for === null ? "" : ` --for ${JSON.stringify(wait.for)}`} '<payload>'`;
    case "approval":
      return `tenfold approve ${wait.token} · tenfold refuse ${wait.token}`;
    case "queue":
      return queueWay(wait);
    case "undo":
      return wait.error === null ? undefined : `its last attempt failed: ${shortened(oneLine(wait.error.message))}`;
    case "unsure":
      return `tenfold resolve ${wait.token} --happened [--output '<json>'] · --not-happened`;
    case "retry":
      return `its last attempt failed: ${shortened(oneLine(wait.error.message))}`;
    case "child":
      return wait.child === null ? undefined : `tenfold why ${wait.child}`;
    default:
      return undefined;
  }
}

function queueWay({ queue, limit, binds, worker, isStrict }: Extract<Wait, { kind: "queue" }>): string | undefined {
  if (worker === null && binds?.kind !== "paused") return "a worker that has its code takes it over: `tenfold work`";
  const whose = JSON.stringify(binds?.of === "shared" ? limit : queue).replaceAll(/^"([a-z0-9_.-]+)"$/gi, "$1");
  const per = binds?.of === "key" ? "per-" : "";
  switch (binds?.kind) {
    case "paused":
      return `tenfold queues resume ${whose}`;
    case "concurrency":
      return isStrict === true && per !== "" ? undefined : `tenfold queues set ${whose} --${per}concurrency <n>`;
    case "rate":
      return `tenfold queues set ${whose} --${per}rate <rate>`;
    case "slow":
    case "batch":
    case undefined:
      return undefined;
  }
}

function endOf({ run, status, owned, wakeAt }: Why): string | undefined {
  const isDue = wakeAt === null ? status === "waiting" : wakeAt <= Date.now();
  const isUnworked = !owned && (status === "waiting" || status === "running") && isDue;
  if (isUnworked)
    return "`tenfold dev` or `tenfold work` works this store; a worker that is full takes it when it has room.";
  if (status === "failed" || status === "cancelled" || status === "held")
    return `tenfold retry ${run} has it go on from there.`;
  return status === "completed" ? undefined : `tenfold show ${run} has its timeline; tenfold cancel ${run} ends it.`;
}
