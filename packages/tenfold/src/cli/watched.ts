/** Long work that is shown while it goes on, and that Ctrl-C has stop soon. */
import type { Call } from "./command.ts";
import { exitCodeFor, onInterrupt } from "./interruption.ts";
import { LiveLines } from "./live-lines.ts";

/** What such work takes: how to tell how far it is, and how it is told to stop. */
export interface Watching<T> {
  readonly signal: AbortSignal;
  readonly onProgress: (sofar: T) => void;
}

/** What `act` answers; where it was interrupted, `stopped` is told how far it came, and an exit code is answered. */
export async function watched<T extends object>(
  { terminal }: Call,
  act: (watching: Watching<T>) => Promise<T>,
  line: (sofar: T) => string,
  stopped: (done: T) => void,
): Promise<T | number> {
  const stopping = new AbortController();
  const interruption = onInterrupt();
  const interrupted = interruption.first.then((signal) => {
    stopping.abort();
    return signal;
  });
  const live = terminal.stderr.isTTY === true && !terminal.isJson ? new LiveLines(terminal.stderr) : null;
  try {
    const onProgress = (sofar: T): void => live?.paint([terminal.tint("dim", line(sofar))]);
    const done = await act({ signal: stopping.signal, onProgress });
    live?.paint([]);
    if (!stopping.signal.aborted) return done;
    stopped(done);
    return exitCodeFor(await interrupted);
  } finally {
    live?.stop();
    interruption.stop();
  }
}
