/** Which errors of a store pass by themselves. */
import { TenfoldError } from "../value/error.ts";

/** What still came for a store that was closed meanwhile. */
export function isClosed(thrown: unknown): boolean {
  return thrown instanceof TenfoldError && thrown.code === "CLOSED";
}

/** Whether the store, or the part of it that was asked, is not there now. */
export function isUnreached(thrown: unknown): boolean {
  return thrown instanceof TenfoldError && thrown.code === "STORE_UNREACHABLE";
}

/** Whether a store's error may pass by itself, so that the same verb is worth sending again. */
export function isPassing(thrown: unknown): boolean {
  if (!(thrown instanceof TenfoldError)) return false;
  return ["STORE_BUSY", "STORE_FULL", "STORE_UNREACHABLE", "STORE_READ_ONLY"].includes(thrown.code);
}
