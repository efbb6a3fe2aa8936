/** Which workers call which steps' bodies: those of a pool are called by workers that serve it, and by no others. */
import type { WorkflowDefinition } from "../../flow/definition.ts";
import { DEFAULT_POOL } from "../../flow/queue-definition.ts";
import { TenfoldError } from "../../value/error.ts";
import { nearestName } from "../../value/nearest.ts";

/** The pools that a worker serves. */
export interface Pools {
  /** Null: all, but for those of `except`. */
  readonly served: readonly string[] | null;
  readonly except: readonly string[];
}

export const ALL_POOLS: Pools = { served: null, except: [] };

/** Whether a worker calls the bodies of steps with this pool; null: those of steps without one. */
export function serves({ served, except }: Pools, pool: string | null): boolean {
  const name = pool ?? DEFAULT_POOL;
  return served === null ? !except.includes(name) : served.includes(name);
}

/** POOL_UNKNOWN for the first that no step has, and where none is left to serve. */
export function checkPools(pools: Pools, definitions: Iterable<WorkflowDefinition>): void {
  const steps = [...definitions].flatMap((definition) => [...definition.steps.values()]);
  const known = new Set([DEFAULT_POOL, ...steps.flatMap(({ queue }) => queue?.pool ?? [])]);
  const names = [...known].toSorted();
  for (const pool of [...(pools.served ?? []), ...pools.except]) {
    if (known.has(pool)) continue;
    const nearest = nearestName(pool, names);
    const way = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
    const message = `There is no pool "${pool}"; nothing was opened.${way} The steps of these workflows have the pools ${names.join(", ")}.`;
    throw new TenfoldError("POOL_UNKNOWN", message, { facts: { pool, known: names, nearest } });
  }
  if (names.some((pool) => serves(pools, pool))) return;
  const message = `A worker that serves none of the pools ${names.join(", ")} would do nothing; nothing was opened. Leave one of them to it, or open a client that executes nothing: \`work: false\`.`;
  throw new TenfoldError("POOL_UNKNOWN", message, { facts: { known: names } });
}
