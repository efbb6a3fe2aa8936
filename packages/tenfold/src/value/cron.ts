/**
 * Cron expressions, read and searched by `croner`, of which nothing else is used: it keeps no time, and starts nothing.
 * Invariant: what follows is a function of the expression, the zone and the moment that is asked from.
 */
import { Cron } from "croner";
import { instantText } from "./day.ts";

/** Years of four digits: further away nothing is planned (ms since 1970). */
const [FIRST, LAST] = [Date.UTC(1000, 0, 1), Date.UTC(9900, 0, 1)];

export interface CronTimes {
  /** The first one after `instant` (ms since 1970); null: it never comes again. */
  next(instant: number): number | null;
  /** It names its times of day one by one: nothing of it is "every". */
  readonly isFixedTime: boolean;
}

/**
 * Five fields (minute, hour, day of the month, month, day of the week), six with seconds before them, or a nickname
 * such as @daily. Answers why an expression is none.
 */
export function readCron(expression: string, timeZone: string): CronTimes | { readonly problem: string } {
  const fields = expression.trim().split(/\s+/);
  const isNickname = fields[0]!.startsWith("@");
  if (!isNickname) {
    if (fields.length !== 5 && fields.length !== 6) return { problem: `it has ${count(fields)}, and takes 5 or 6` };
    if (fields.some((field) => field.includes("?"))) {
      return { problem: "`?` would stand for the moment at which it is read" };
    }
  }
  try {
    const cron = new Cron(expression.trim(), {
      timezone: timeZone,
      mode: "5-or-6-parts",
      fixedTimeRule: "no-wildcard",
    });
    const next = (instant: number): number | null =>
      instant >= LAST ? null : (cron.nextRun(instantText(Math.max(instant, FIRST)))?.getTime() ?? null);
    const times = fields.slice(0, -3);
    const isFixedTime = isNickname ? !/hourly/i.test(fields[0]!) : times.every((field) => /^[\d,-]+$/.test(field));
    return { next, isFixedTime };
  } catch (thrown) {
    if (!(thrown instanceof TypeError || thrown instanceof RangeError)) throw thrown;
    return { problem: problemOf(thrown.message) };
  }
}

/** Croner counts months and days of the month from 0 where it tells of them. */
function problemOf(message: string): string {
  const text = message.replace(/^Cron\w+: /, "").replace(/\.$/, "");
  return text.replace(
    /^(Invalid value for (?:month|day)): (-?\d+)$/,
    (_, what, found) => `${what}: ${Number(found) + 1}`,
  );
}

function count(fields: readonly string[]): string {
  if (fields[0] === "") return "no fields";
  return fields.length === 1 ? "1 field" : `${fields.length} fields`;
}
