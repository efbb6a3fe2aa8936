/** A key in statements: the columns that a batch of them is handed over in, and how two are compared. */
import { texts } from "./arrays.ts";

export interface KeyName {
  readonly key: string;
  readonly workflow: string;
  readonly tenant: string;
}

/** Keys, workflows, tenants. */
export function keyColumns(names: readonly KeyName[]): [string, string, string] {
  return [
    texts(names.map(({ key }) => key)),
    texts(names.map(({ workflow }) => workflow)),
    texts(names.map(({ tenant }) => tenant)),
  ];
}

/** The condition that the rows `one` and `other` are of the same key. */
export function sameKey(one: string, other: string): string {
  return ["key", "workflow", "tenant"].map((column) => `${one}.${column} = ${other}.${column}`).join(" and ");
}
