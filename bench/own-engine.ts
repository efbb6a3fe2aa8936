/** An engine of which a measure holds the parts, as `open` makes one. */
import { DEFAULT_SETTINGS, Engine } from "../packages/tenfold/src/engine/engine.ts";
import type { Clock } from "../packages/tenfold/src/engine/ports.ts";
import { inlineExecutor, stderrLog, systemClock, systemHost } from "../packages/tenfold/src/engine/system.ts";
import type { WorkflowDefinition } from "../packages/tenfold/src/flow/definition.ts";
import { openPostgres } from "../packages/tenfold/src/store/postgres/open.ts";
import { openSqlite } from "../packages/tenfold/src/store/sqlite/sqlite.ts";

/** Not opened yet; without workflows it works nothing. */
export async function engineOn(
  name: string,
  workflows: readonly WorkflowDefinition[],
  clock: Clock = systemClock,
): Promise<Engine> {
  const store = await (name.startsWith("postgres") ? openPostgres(name) : openSqlite(name));
  const ports = { clock, random: Math.random, executor: inlineExecutor, log: stderrLog };
  return new Engine(store, workflows, ports, systemHost(), { ...DEFAULT_SETTINGS, work: workflows.length > 0 });
}
