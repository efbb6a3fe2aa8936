/** Text in columns of a terminal: how wide it is, cut to fit, and made harmless. */
import { stripVTControlCharacters } from "node:util";
import { countText } from "./time-text.ts";

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const NO_WIDTH = /[\p{Mark}\u200b-\u200d\ufe0f]/u;

/** How many columns `text` takes; colours take none. */
export function widthOf(text: string): number {
  const plain = stripVTControlCharacters(text);
  if (/^[\x20-\x7e]*$/.test(plain)) return plain.length;
  let width = 0;
  for (const character of plain) width += NO_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/** `text` in at most `width` columns, with "…" where something was cut off; without colours. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  let taken = 0;
  for (const character of stripVTControlCharacters(text)) {
    taken += widthOf(character);
    if (taken > width - 1) break;
    kept += character;
  }
  return width < 1 ? "" : `${kept}…`;
}

/** `text` followed by as many blanks as make it `width` columns wide. */
export function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

export function padLeft(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - widthOf(text))) + text;
}

/** `text` on one line, without anything that a terminal would obey: it may come from anywhere. */
export function oneLine(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(/\s+/g, " ")
    .replaceAll(/[\p{Cc}\p{Cf}]/gu, "")
    .trim();
}

/** Characters of a message that a line has room for beside other lines, and of one that is told by itself. */
const BRIEF_MOST = 300;
const MESSAGE_MOST = 1000;

/** A message for a line among others: on one line, and the middle left out where it is very long. */
export function brief(message: string): string {
  return oneLine(shortened(message, BRIEF_MOST));
}

/** `message` for a person: where it is very long, its two ends and how much lies between them. */
export function shortened(message: string, most = MESSAGE_MOST): string {
  if (message.length <= most) return message;
  const tail = Math.floor(most / 4);
  // Half a character that was cut through would be shown as none.
  const begin = message.slice(0, most - tail).replace(/[\ud800-\udbff]$/, "");
  const end = message.slice(-tail).replace(/^[\udc00-\udfff]/, "");
  return `${begin} … (${countText(message.length - begin.length - end.length)} more characters with --json) … ${end}`;
}

/** What is left of a column that gives way. */
const GIVEN_LEAST = 8;

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  /** It gives way where the table is wider than the terminal, the widest of such columns first. */
  readonly gives?: boolean;
}

/** A table's lines: a title line and one for each row of `cells`. */
export function tableLines(columns: readonly Column[], cells: readonly (readonly string[])[], width: number): string[] {
  const widths = columns.map(({ title }, index) => {
    return cells.reduce((widest, row) => Math.max(widest, widthOf(row[index]!)), widthOf(title));
  });
  const room = width - 2 * (columns.length - 1);
  const giving = columns.flatMap(({ gives }, index) => (gives === true ? [index] : []));
  while (widths.reduce((sum, one) => sum + one, 0) > room) {
    const widest = giving.reduce((most, index) => (widths[index]! > (widths[most] ?? 0) ? index : most), -1);
    if (widest < 0 || widths[widest]! <= GIVEN_LEAST) break;
    widths[widest]!--;
  }
  const line = (row: readonly string[]): string =>
    row
      .map((cell, index) => {
        const text = cut(cell, widths[index]!);
        return columns[index]!.align === "right" ? padLeft(text, widths[index]!) : pad(text, widths[index]!);
      })
      .join("  ")
      .trimEnd();
  return [line(columns.map(({ title }) => title)), ...cells.map(line)];
}

/** `text` in lines of at most `width` columns, broken between words. */
export function wrapped(text: string, width: number): string[] {
  if (width === Infinity) return [text];
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
