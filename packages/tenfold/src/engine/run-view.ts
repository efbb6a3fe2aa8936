/** A run as a user sees it: the store's row with its texts read. */
import type { Entry, RunError } from "../core/entry.ts";
import type { RunRecord } from "../store/store.ts";
import type { Json } from "../value/json.ts";

/** A run as it is shown, its texts read. */
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
    owned: owner !== null,
    input: JSON.parse(input) as Json,
    output: output === null ? undefined : (JSON.parse(output) as Json),
    error: error === null ? null : (JSON.parse(error) as RunError),
  };
}
