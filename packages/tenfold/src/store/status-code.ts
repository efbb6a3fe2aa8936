/** Statuses as the small numbers that rows and indexes hold. Invariant: a number never changes its meaning. */
import type { RunStatus } from "./store.ts";

/** Every status at the place of its number. */
export const STATUSES: readonly RunStatus[] = ["waiting", "running", "completed", "failed", "cancelled", "held"];

export const WAITING = 0;
export const RUNNING = 1;

export function statusCode(status: RunStatus): number {
  return STATUSES.indexOf(status);
}
