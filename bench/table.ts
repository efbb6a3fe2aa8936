/** Measured figures as a table that reads the same on a terminal and in Markdown. */

export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The same by a bare loop, or on an empty store, in the same run. */
  readonly floor?: number;
  readonly ratio?: number;
  readonly must?: string;
  readonly aim?: string;
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
  const widths = HEAD.map((head, column) => Math.max(head.length, ...cells.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  return [line(HEAD), `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...cells.map(line)].join("\n");
}

function figure(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return value.toPrecision(3);
}
