/** The data that the type tests draw with, and `same`, which compiles only where a value stands for just that type. */
import type { Symbolic } from "../../src/flow/index.ts";

export interface Lead {
  readonly email: string;
  readonly tier: Tier;
  readonly points: number;
  readonly vip: boolean;
  readonly name?: string;
  readonly tags: readonly string[];
  readonly orders: Order[];
  readonly address: { readonly city: string; readonly zip: string | null } | null;
}

export type Tier = "hot" | "warm" | "cold";

export interface Order {
  readonly id: string;
  readonly total: number;
}

/** Has none of the members of a function. */
export interface Company {
  readonly size: number;
  readonly industry: string;
}

export type Payment =
  | { readonly kind: "card"; readonly last4: string }
  | { readonly kind: "transfer"; readonly iban: string }
  | { readonly kind: "cash" | "cheque"; readonly till: number };

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [{ readonly differs: [A, B] }];

/** `same<Expected>()(value)`: the value stands for exactly an `Expected`. */
export function same<Expected>(): <Actual>(value: Symbolic<Actual>, ...proof: Same<Expected, Actual>) => void {
  return () => {};
}
