/** A run's status in its colour. */
import type { Style } from "./terminal.ts";

const STYLES: Readonly<Record<string, Style>> = {
  waiting: "dim",
  running: "cyan",
  completed: "green",
  failed: "red",
  cancelled: "yellow",
  held: "yellow",
};

export function paintStatus(paint: (style: Style, text: string) => string, status: string): string {
  const style = STYLES[status];
  return style === undefined ? status : paint(style, status);
}
