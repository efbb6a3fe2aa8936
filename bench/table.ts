/** Measured figures as a table that reads the same on a terminal and in Markdown. */

export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The same by a bare loop, on an empty store, by one worker, or at the beginning; in the same run. */
  readonly floor?: number;
  readonly ratio?: number;
  readonly must?: string;
  readonly aim?: string;
}

/** What a measure found: its figures, and what has to be said beside them, a line each. */
export interface Report {
  readonly rows: readonly Row[];
  readonly notes?: readonly string[];
  /** The figures as a table of their own shape, which is told in place of the rows. */
  readonly told?: string;
  /** Something that was to be measured was not; a note says what. */
  readonly failed?: boolean;
}

const HEAD = ["measure", "measured", "floor", "ratio", "must", "aim"];

export function table(rows: readonly Row[]): string {
  const cells = rows.map(({ name, value, unit, floor, ratio, must, aim }) => [
    name,
    `${figure(value)} ${unit}`,
    floor === undefined ? "" : `${figure(floor)} ${unit}`,
    ratio === undefined ? "" : ratio.toFixed(2),
    must ?? "",
    aim ?? "",
  ]);
  return markdown(HEAD, cells);
}

export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  return [line(head), `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...rows.map(line)].join("\n");
}

export function figure(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return value.toPrecision(3);
}
