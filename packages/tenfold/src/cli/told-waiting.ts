/**
 * Says what runs wait for once all that is left of them is to wait: whoever looks on would take them for hung.
 * Invariant: it only reads, and what it cannot read it leaves unsaid; the same waits are told once.
 */
import type { Tenfold } from "../engine/client.ts";
import { waitText, type Wait } from "../core/why.ts";
import { oneLine } from "./columns.ts";
import { wayOf } from "./commands/why.ts";
import type { Progress } from "./progress.ts";
import type { Terminal } from "./terminal.ts";
import { plural } from "./time-text.ts";

/** How long nothing may have happened before somebody is told why. */
const QUIET_MS = 2000;

/** Until `stop`: looks at the first of the runs that are still `open` whenever nothing has happened for a while. */
export function tellWaiting(
  tenfold: Tenfold,
  terminal: Terminal,
  progress: Progress,
  open: ReadonlySet<string>,
): { stop(): void } {
  let lastNews = Date.now();
  let told = "";
  const unlisten = tenfold.on("attempt", () => {
    lastNews = Date.now();
    progress.showWaiting(false);
  });
  const look = async (): Promise<void> => {
    const [first] = open;
    if (first === undefined || Date.now() - lastNews < QUIET_MS) return;
    const { run, waits } = await tenfold.why(first);
    const isWaiting = waits.length > 0 && waits.every(isForSomething);
    progress.showWaiting(isWaiting);
    const facts = JSON.stringify([run, waits.map(({ kind, node }) => [kind, node])]);
    if (!isWaiting || facts === told) return;
    told = facts;
    const who = open.size === 1 ? "It waits" : `${plural(open.size, "run")} have not ended; the first waits`;
    const wait = waits[0]!;
    const more = waits.length === 1 ? "" : ` (and ${plural(waits.length - 1, "node")} more of it: tenfold why ${run})`;
    terminal.say(`${who}: ${oneLine(`${wait.node} ${waitText(wait, Date.now())}`)}${more}`);
    const way = wayOf(run, wait);
    if (way !== undefined) terminal.say(terminal.tint("dim", `  ${way}`));
  };
  let looking: Promise<void> | undefined;
  const timer = setInterval(() => {
    looking ??= look()
      .catch(() => undefined)
      .finally(() => (looking = undefined));
  }, QUIET_MS / 4);
  timer.unref();
  return {
    stop() {
      clearInterval(timer);
      unlisten();
    },
  };
}

/** No worker is at it, and none will be of its own accord before a time that is worth a word. */
function isForSomething(wait: Wait): boolean {
  switch (wait.kind) {
    case "body":
    case "queue":
    case "retry":
    case "undo":
      return false;
    default:
      return true;
  }
}
