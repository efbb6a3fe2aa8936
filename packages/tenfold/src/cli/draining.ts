/** Waits until nobody waits or runs in a queue any more, and shows how far that is. Changes nothing: more may come meanwhile. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Tenfold } from "../engine/client.ts";
import type { QueueView } from "../engine/queues/queue-views.ts";
import { queueUnknown } from "../engine/queues/set-queue.ts";
import { formatDuration } from "../value/duration.ts";
import { EXIT, type Call } from "./command.ts";
import { countText } from "./time-text.ts";
import { watched } from "./watched.ts";

const LOOK_MS = 500;
/** So long nobody may be seen there: what a run does between its place and its turn is reported a few seconds later. */
const QUIET_MS = 5000;

interface Drained {
  readonly view: QueueView;
}

export async function drainQueue(call: Call, tenfold: Tenfold, queue: string): Promise<number> {
  const { terminal } = call;
  const from = Date.now();
  const first = await find(tenfold, queue);
  const most = first.waiting + first.running;
  if (!terminal.isJson) tellHindrance(call, first);
  const drained = await watched<Drained>(
    call,
    async ({ signal, onProgress }) => {
      let view = first;
      for (let emptySince: number | null = null; !signal.aborted;) {
        onProgress({ view });
        emptySince = view.waiting + view.running > 0 ? null : (emptySince ?? Date.now());
        if (emptySince !== null && Date.now() - emptySince >= QUIET_MS) break;
        await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
        view = await find(tenfold, queue);
      }
      return { view };
    },
    ({ view }) => progressText(view),
    ({ view }) => {
      if (terminal.isJson) terminal.document({ queue, drained: false, waiting: view.waiting, running: view.running });
      terminal.say(`Stopped looking. ${progressText(view)}`);
    },
  );
  if (typeof drained === "number") return drained;
  const tookMs = Date.now() - from;
  if (terminal.isJson) terminal.document({ queue, drained: true, tookMs });
  else if (most === 0) terminal.print(`Nobody waits or runs in ${queue}.`);
  else terminal.print(`Nobody waits or runs in ${queue} any more, after ${formatDuration(tookMs)}.`);
  return EXIT.yes;
}

async function find(tenfold: Tenfold, queue: string): Promise<QueueView> {
  const views = await tenfold.queues();
  const found = views.find((view) => view.queue === queue);
  if (found === undefined) throw queueUnknown(queue, [...new Set(views.map((view) => view.queue))], "nothing was done");
  return found;
}

/** What keeps it from ever being empty by itself. */
function tellHindrance({ terminal }: Call, { queue, waiting, isPaused, worker }: QueueView): void {
  if (waiting === 0) return;
  const word = terminal.tint("yellow", "note");
  if (isPaused)
    terminal.say(`${word}: ${queue} is paused, and what waits there stays: \`tenfold queues resume ${queue}\`.`);
  else if (worker === null)
    terminal.say(`${word}: no worker decides in ${queue} now: \`tenfold work\` or \`tenfold dev\`.`);
}

function progressText({ queue, waiting, running, drainsInMs }: QueueView): string {
  const left = waiting === 0 || drainsInMs === null ? "" : `, about ${formatDuration(drainsInMs)} to go`;
  return `${queue}: ${countText(waiting)} wait and ${countText(running)} run${left}`;
}
