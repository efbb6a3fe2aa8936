/** A limit as people write it. */
import type { Limit } from "./line-state.ts";
import { rateText } from "../../value/rate.ts";

/** Null: none. */
export interface LimitTexts {
  readonly concurrency: number | null;
  /** "10/s burst 5". */
  readonly rate: string | null;
}

export function limitTexts({ concurrency, rate }: Limit): LimitTexts {
  return { concurrency, rate: rate && rateText(rate) };
}
