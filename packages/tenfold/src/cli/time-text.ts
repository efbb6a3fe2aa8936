/** Times as people write and read them: "1h" ago, a date, "3 m ago". */
import { durationMs, formatDuration } from "../value/duration.ts";
import { usageError } from "./command.ts";

const DATE = /^\d{4}-\d{2}-\d{2}/;

/** The time that `text` names: a date, or a duration `direction` now. Throws USAGE. */
export function readTime(text: string, flag: string, now: number, direction: "before" | "after"): number {
  if (DATE.test(text)) {
    // A date alone is midnight here, as its writer means it, not in Greenwich.
    const at = new Date(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00` : text.replace(" ", "T")).getTime();
    if (!Number.isNaN(at)) return at;
  } else {
    const ms = durationOf(text);
    if (ms !== undefined) return direction === "before" ? now - ms : now + ms;
  }
  const example = direction === "before" ? "ago" : "from now";
  throw usageError(
    `\`${flag} ${text}\` is no time; nothing was done. Write a duration ${example} such as "1h" or "3 days", or a date such as 2026-05-01 or 2026-05-01T09:30.`,
  );
}

function durationOf(text: string): number | undefined {
  try {
    return durationMs(text);
  } catch {
    return undefined;
  }
}

/** `2026-05-01 09:30:12`, in the user's time zone. */
export function timeText(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `timeText` without the year if that is this year. */
export function shortTimeText(at: number, now: number): string {
  const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return timeText(at).slice(isThisYear ? 5 : 0);
}

/** "3 m 2 s ago", "in 2 h". */
export function agoText(at: number, now: number): string {
  const ms = now - at;
  if (Math.abs(ms) < 1000) return "just now";
  return ms > 0 ? `${formatDuration(ms)} ago` : `in ${formatDuration(-ms)}`;
}

/** `1,234`. */
export function countText(count: number): string {
  return count.toLocaleString("en-US");
}

/** "1 run", "2 runs". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}
