/** A run as a user sees it: the store's row with its texts read. */
import type { Entry, RunError } from "../core/entry.ts";
import { NEVER } from "../core/wake-time.ts";
import type { RunRecord } from "../store/store.ts";
import type { Json } from "../value/json.ts";

/** A run as it is shown, its texts read; `wakeAt` is null where only a message can move it. */
export interface RunView extends Omit<RunRecord, "input" | "output" | "error" | "owner"> {
  readonly input: Json;
  readonly output: Json | undefined;
  readonly error: RunError | null;
  readonly owned: boolean;
}

export interface RunDetails extends RunView {
  readonly entries: readonly Entry[];
}

/** The view of a row. */
export function viewOf({ input, output, error, owner, ...record }: RunRecord): RunView {
  return {
    ...record,
    wakeAt: record.wakeAt === NEVER ? null : record.wakeAt,
    owned: owner !== null,
    input: JSON.parse(input) as Json,
    output: output === null ? undefined : (JSON.parse(output) as Json),
    error: error === null ? null : (JSON.parse(error) as RunError),
  };
}
