/** The files of a run as a person reads them. */
import type { FileView } from "../flow/files.ts";
import { oneLine, tableLines } from "./columns.ts";
import { timeJson } from "./run-json.ts";
import { shortTimeText } from "./time-text.ts";

const UNITS = ["B", "KiB", "MiB"] as const;

export function fileLines(files: readonly FileView[], now: number, width: number): readonly string[] {
  const columns = [
    { title: "file", gives: true },
    { title: "size", align: "right" as const },
    { title: "type", gives: true },
    { title: "by node", gives: true },
    { title: "written" },
  ];
  const cells = files.map(({ name, size, type, node, at }) => [
    oneLine(name),
    sizeText(size),
    oneLine(type ?? ""),
    oneLine(node),
    shortTimeText(at, now),
  ]);
  return tableLines(columns, cells, width);
}

export function sizeText(bytes: number): string {
  const unit = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const size = bytes / 1024 ** unit;
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${UNITS[unit]}`;
}

export function fileJson({ file, at, ...view }: FileView): Readonly<Record<string, unknown>> {
  return { id: file, ...view, at: timeJson(at) };
}
