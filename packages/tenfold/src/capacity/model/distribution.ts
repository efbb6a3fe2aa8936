/** How long something takes, or how much of it there is: told as data, drawn by the inverse of its distribution function. */
import { invariant, unreachable } from "../../value/error.ts";

/** Of numbers from 0: mostly milliseconds. */
export type Distribution =
  | { readonly kind: "fixed"; readonly value: number }
  | { readonly kind: "exponential"; readonly mean: number }
  | { readonly kind: "uniform"; readonly from: number; readonly to: number }
  /** By two of its quantiles. */
  | { readonly kind: "lognormal"; readonly p50: number; readonly p95: number }
  /** Each as likely as any other. */
  | { readonly kind: "recorded"; readonly values: readonly number[] };

/** The value below which a share of `u` lies; `u` is in (0, 1). */
export type Quantile = (u: number) => number;

/** Z of the normal distribution at 95 %. */
const Z95 = 1.6448536269514722;

export function quantileOf(distribution: Distribution): Quantile {
  switch (distribution.kind) {
    case "fixed": {
      const { value } = distribution;
      return () => value;
    }
    case "exponential": {
      const { mean } = distribution;
      return (u) => -mean * Math.log(u);
    }
    case "uniform": {
      const { from, to } = distribution;
      return (u) => from + (to - from) * u;
    }
    case "lognormal": {
      const { p50, p95 } = distribution;
      const sigma = Math.log(p95 / p50) / Z95;
      return (u) => p50 * Math.exp(sigma * normalQuantile(u));
    }
    case "recorded": {
      const values = Float64Array.from(distribution.values).sort();
      invariant(values.length > 0, "what was recorded has a value");
      return (u) => values[Math.floor(u * values.length)]!;
    }
    default:
      return unreachable(distribution);
  }
}

/**
 * The quantile of the standard normal distribution. Source: M. J. Wichura, "Algorithm AS 241: The Percentage Points of the Normal
 * Distribution", Applied Statistics 37 (1988), PPND7: about one part in 10^7.
 */
function normalQuantile(u: number): number {
  const centred = u - 0.5;
  if (Math.abs(centred) <= 0.425) {
    const r = 0.180625 - centred * centred;
    const above = ((59.10937472 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179;
    const below = ((67.1875636 * r + 78.757757664) * r + 17.895169469) * r + 1;
    return (centred * above) / below;
  }
  const tail = Math.sqrt(-Math.log(Math.min(u, 1 - u)));
  return Math.sign(centred) * (tail <= 5 ? nearTail(tail - 1.6) : farTail(tail - 5));
}

function nearTail(r: number): number {
  const above = ((0.17023821103 * r + 1.3067284816) * r + 2.75681539) * r + 1.4234372777;
  return above / ((0.12021132975 * r + 0.7370016425) * r + 1);
}

function farTail(r: number): number {
  const above = ((0.017337203997 * r + 0.42868294337) * r + 3.081226386) * r + 6.657905115;
  return above / ((0.012258202635 * r + 0.24197894225) * r + 1);
}
