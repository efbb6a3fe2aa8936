/** A run as a claim answers it, or would. */
import type { ClaimedRun, RunStart } from "../store/store.ts";

/** Characters of inputs and journals. */
export function bytesOf(claimed: readonly ClaimedRun[]): number {
  let bytes = 0;
  for (const run of claimed) {
    bytes += run.input.length;
    for (const line of run.journal) bytes += line.data.length;
  }
  return bytes;
}

/** A run as its claim would answer it, had it been claimed right after its start. */
export function justStarted({ id, workflow, graph, tenant, key, input }: RunStart): ClaimedRun {
  const mail = { run: id, messages: [], count: 0 };
  return { id, workflow, graph, tenant, key: key?.key ?? null, input, deaths: 0, journal: [], mail };
}
