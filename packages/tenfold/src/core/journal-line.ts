/** An entry as the store keeps it: the node and the kind for reading, the rest as JSON text. */
import type { Entry } from "./entry.ts";

export interface JournalLine {
  readonly kind: Entry["kind"];
  /** The node's path; "" for entries of the run itself. */
  readonly node: string;
  readonly data: string;
  readonly at: number;
}

/** One line of the journal; the inverse of `readLine`. */
export function writeLine(entry: Entry): JournalLine {
  if (entry.kind === "done") {
    const { kind, node, at, attempt, tookMs, output } = entry;
    return { kind, node, data: JSON.stringify({ attempt, tookMs, output }), at };
  }
  const { kind, at, ...rest } = entry;
  const { node = "", ...data } = rest as { node?: string };
  return { kind, node, data: JSON.stringify(data), at };
}

/** The entry of a line; `output` stays absent where a body answered nothing. */
export function readLine(line: JournalLine): Entry {
  const data = JSON.parse(line.data) as Record<string, unknown>;
  const entry: Record<string, unknown> = { kind: line.kind, at: line.at, ...data };
  if (line.node !== "") entry["node"] = line.node;
  return entry as unknown as Entry;
}
