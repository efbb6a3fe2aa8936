/**
 * A small number for a key, by which its rows are found: keys are in no order of time, so every new one goes to
 * another page of their index, and an index of numbers has six times fewer pages to write than one of the keys.
 * Two keys may share a digest; whoever finds a row by it compares the key.
 */
import { hash32 } from "../../value/hash.ts";

const KINDS = 65_536;

/** 32 bits for the key, then 16 for the workflow and the tenant. */
export function keyDigest(key: string, workflow: string, tenant: string): number {
  return hash32(key) * KINDS + (hash32(`${workflow}\n${tenant}`) % KINDS);
}

/** The range [from, until) of the digests of `key`, whatever its workflow and tenant. */
export function digestsOfKey(key: string): [from: number, until: number] {
  const from = hash32(key) * KINDS;
  return [from, from + KINDS];
}
