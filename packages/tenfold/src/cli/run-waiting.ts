/** Waits until each of some runs has ended, told as people may see it; a held one, which no waiting ends, is answered as that. */
import type { Tenfold } from "../engine/client.ts";
import type { RunHandle } from "../engine/run-handle.ts";
import type { RunError } from "../core/entry.ts";
import { TenfoldError } from "../value/error.ts";
import type { Ended } from "./run-report.ts";

/** Its key is known, and it is not there any more. */
function pruned(run: string): Ended {
  return { run, status: "pruned", output: undefined, error: null };
}

/** How each run ended, in the order of `runs`; `onEnd` is told each, and whether it had ended before. */
export async function waitForRuns(
  tenfold: Tenfold,
  workflow: string,
  runs: readonly RunHandle[],
  onEnd: (ended: Ended, before: boolean) => void,
): Promise<readonly Ended[]> {
  const asked = new Set(runs.map(({ id }) => id));
  const held = new Map<string, (ended: Ended) => void>();
  const endedHere = new Set<string>();
  const endedHeld = (run: string, error: RunError | null): void => {
    held.get(run)?.({ run, status: "held", output: undefined, error });
  };
  const unlisten = tenfold.on("run", ({ run, status, error }) => {
    if (asked.has(run)) endedHere.add(run);
    if (status === "held") endedHeld(run, error === null ? null : (JSON.parse(error) as RunError));
  });
  const all = Promise.all(
    runs.map(async (run): Promise<Ended> => {
      const ended = await new Promise<Ended>((resolve, reject) => {
        held.set(run.id, resolve);
        run.outcome().then(
          ({ status, output, error }) => resolve(tenfold.redacted({ run: run.id, status, output, error })),
          (thrown: unknown) => {
            if (run.existing && thrown instanceof TenfoldError && thrown.code === "RUN_UNKNOWN")
              resolve(pruned(run.id));
            else reject(thrown);
          },
        );
      });
      held.delete(run.id);
      onEnd(ended, run.existing && !endedHere.has(run.id));
      return ended;
    }),
  );
  try {
    // Runs that are known may have been held before anybody here listened.
    if (runs.some(({ existing }) => existing)) {
      for await (const run of tenfold.runs({ workflow, status: "held" })) {
        if (asked.has(run.id)) endedHeld(run.id, run.error);
      }
    }
    return await all;
  } finally {
    unlisten();
  }
}
