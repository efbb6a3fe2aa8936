/** Flows as people read them: "139/min", with no more digits than mean something. */
import { unitMsOf } from "../value/duration.ts";
import { countText } from "./time-text.ts";

const UNITS = ["ms", "s", "min", "h", "day", "week"] as const;

/** Three digits that mean something, and all that stand before the point: "0.0035", "28.8", "5,000". */
export function numberText(value: number): string {
  if (value >= 100) return countText(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

/** A flow (so many a millisecond) in the unit that `perMs` is. */
export function flowText(flow: number, perMs: number): string {
  const unit = UNITS.find((one) => unitMsOf(one) === perMs);
  return unit === undefined ? `${numberText(flow * 1000)}/s` : `${numberText(flow * perMs)}/${unit}`;
}

/** The least rate, as it is written in a queue, that lets this flow pass. */
export function rateFor(flow: number, perMs: number): string {
  const unit = UNITS.find((one) => unitMsOf(one) === perMs) ?? "s";
  const count = flow * unitMsOf(unit)!;
  const step = count >= 100 ? 1 : 10 ** (Math.floor(Math.log10(count)) - 2);
  // What is exact but for rounding is not rounded up.
  return `${Number((Math.ceil(count / step - 1e-6) * step).toPrecision(12))}/${unit}`;
}
