/**
 * Local time in a time zone, by the zone data of the runtime.
 * Invariant: every local time is one moment: the first where clocks show it twice, the end of the gap where they
 * never show it.
 */

export interface Zone {
  readonly name: string;
  /** What clocks show at `instant`: as day.ts tells a local time. */
  localOf(instant: number): number;
  /** The moment at which clocks show `local`. */
  instantOf(local: number): number;
}

const FIELDS = ["year", "month", "day", "hour", "minute", "second"] as const;

/** The zone with this IANA name; undefined: there is none. */
export function zoneOf(name: string): Zone | undefined {
  const format = formatOf(name);
  if (format === undefined) return undefined;
  const localOf = (instant: number): number => {
    const second = Math.floor(instant / 1000) * 1000;
    const parts = new Map(format.formatToParts(second).map(({ type, value }) => [type, Number(value)]));
    const [year, month, ...rest] = FIELDS.map((field) => parts.get(field)!) as [number, number, number];
    return Date.UTC(year, month - 1, ...rest) + (instant - second);
  };
  return { name, localOf, instantOf: (local) => instantOf(localOf, local) };
}

/** All that the runtime knows, by their main names. */
export function zoneNames(): readonly string[] {
  return Intl.supportedValuesOf("timeZone");
}

function formatOf(name: string): Intl.DateTimeFormat | undefined {
  const style = { hourCycle: "h23", calendar: "gregory", numberingSystem: "latn" } as const;
  const numeric = Object.fromEntries(FIELDS.map((field) => [field, "numeric"]));
  try {
    return new Intl.DateTimeFormat("en-US", { ...style, ...numeric, timeZone: name });
  } catch (thrown) {
    if (thrown instanceof RangeError) return undefined;
    throw thrown;
  }
}

/** Further from a change of clocks than any zone's offset from UTC and any such change together. */
const AWAY_MS = 2 * 86_400_000;

function instantOf(localOf: (instant: number) => number, local: number): number {
  const offsets = [local - AWAY_MS, local + AWAY_MS].map((instant) => localOf(instant) - instant);
  const candidates = offsets.map((offset) => local - offset).sort((a, b) => a - b);
  const shown = candidates.find((instant) => localOf(instant) === local);
  if (shown !== undefined) return shown;
  // In a gap: clocks go from before `local` to behind it at one moment between the two.
  let [before, behind] = candidates as [number, number];
  while (behind - before > 1) {
    const middle = Math.floor((before + behind) / 2);
    if (localOf(middle) < local) before = middle;
    else behind = middle;
  }
  return behind;
}
