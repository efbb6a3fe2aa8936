/** One row of a file, as the input of a run or as the reason why it is none. */
import type { Json } from "../value/json.ts";

/** `row` counts as a spreadsheet or an editor does: a CSV's header is row 1. */
export type Row =
  | { readonly kind: "row"; readonly row: number; readonly input: Json }
  | { readonly kind: "bad"; readonly row: number; readonly reason: string };

export interface Rows {
  /** The column names of a CSV; null for formats without any. */
  readonly header: readonly string[] | null;
  readonly rows: AsyncIterable<Row>;
}
