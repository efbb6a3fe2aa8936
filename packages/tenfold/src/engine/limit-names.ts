/** A limit is found by its name, on all workers: workflows that are opened together have one limit of a name, in one pool. */
import type { WorkflowDefinition } from "../flow/definition.ts";
import type { LimitDefinition } from "../flow/queue-definition.ts";
import { TenfoldError } from "../value/error.ts";

/** LIMIT_NAME_TAKEN for the first two that differ. */
export function checkLimitNames(definitions: Iterable<WorkflowDefinition>): void {
  const known = new Map<
    string,
    { readonly limit: LimitDefinition; readonly pool: string | null; readonly step: string; readonly workflow: string }
  >();
  for (const { name: workflow, steps } of definitions) {
    for (const { name: step, queue } of steps.values()) {
      const limit = queue?.limit ?? null;
      if (limit === null) continue;
      const other = known.get(limit.name);
      const pool = queue?.pool ?? null;
      if (other === undefined) known.set(limit.name, { limit, pool, step, workflow });
      else if (other.limit !== limit) {
        const message = `Two different limits are called "${limit.name}": that of the step "${other.step}" in workflow "${other.workflow}", and that of "${step}" in "${workflow}"; nothing was opened. Make it once, in a constant that both steps name, or call one of them something else.`;
        const facts = { limit: limit.name, steps: [other.step, step], workflows: [other.workflow, workflow] };
        throw new TenfoldError("LIMIT_NAME_TAKEN", message, { facts });
      } else if (other.pool !== pool) {
        // One worker decides for all who share a limit, and calls their bodies.
        const message = `The steps "${other.step}" in workflow "${other.workflow}" and "${step}" in "${workflow}" share the limit "${limit.name}", and are not of one pool; nothing was opened. Give both the same \`pool\`, or each a limit of its own.`;
        throw new TenfoldError("QUEUE_INVALID", message, { facts: { limit: limit.name, steps: [other.step, step] } });
      }
    }
  }
}
