/**
 * Runs that wait in the store for a workflow that is not worked here: nobody drives them, unless another program does.
 * The store counts by workflow as it writes, so that a look costs nothing however many runs there are.
 */
import type { Tenfold } from "../engine/client.ts";

const LOOK_MS = 2000;

/**
 * Tells of each such workflow at the first look, and later when its runs have been there for two: those that another
 * program is about to take are gone by then. Once they are gone they may be told of again. Answers how to stop.
 */
export function watchUnworked(tenfold: Tenfold, tell: (workflow: string, runs: number) => void): () => void {
  const worked = new Set(tenfold.workflows.map(({ name }) => name));
  let seen: ReadonlySet<string> | undefined;
  let told: ReadonlySet<string> = new Set();
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  async function look(): Promise<void> {
    const counts = await tenfold.counts();
    const waiting = new Map(
      counts.flatMap(({ workflow, status, runs }) => {
        return status === "waiting" && !worked.has(workflow) ? [[workflow, runs]] : [];
      }),
    );
    if (isStopped) return;
    const news = [...waiting.keys()].filter((one) => !told.has(one) && (seen === undefined || seen.has(one)));
    for (const workflow of news) tell(workflow, waiting.get(workflow)!);
    seen = new Set(waiting.keys());
    told = new Set([...told, ...news]).intersection(seen);
  }

  async function lookAgain(): Promise<void> {
    // A store that does not answer is told of where runs are driven.
    await look().catch(() => undefined);
    if (!isStopped) timer = setTimeout(() => void lookAgain(), LOOK_MS).unref();
  }
  void lookAgain();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}
