/** All that `tenfold check` finds in some workflows: in their graphs, sources and schedules, and in what they share. */
import { withCallees } from "../engine/callees.ts";
import type { WorkflowDefinition } from "../flow/definition.ts";
import { TenfoldError } from "../value/error.ts";
import { checkEach } from "./check-each.ts";
import { checkLimits } from "./check-limits.ts";
import { checkRetries } from "./check-retries.ts";
import { checkTriggers } from "./check-triggers.ts";
import { checkWorkflow, errorsFirst, type Finding } from "./check.ts";

/** Workflow by workflow, errors of each first. */
export async function checkAll(definitions: readonly WorkflowDefinition[], now: number): Promise<readonly Finding[]> {
  const all = calleesToo(definitions);
  const known = new Map(all.map((definition) => [definition.name, definition]));
  const ofLimits = Map.groupBy(checkLimits(all), ({ workflow }) => workflow);
  const findings: Finding[] = [];
  for (const definition of definitions) {
    findings.push(
      ...errorsFirst([
        ...checkWorkflow(definition),
        ...(await checkTriggers(definition, now)),
        ...(ofLimits.get(definition.name) ?? []),
        ...checkRetries(definition, ({ workflow }) => known.get(workflow), now),
        ...checkEach(definition),
      ]),
    );
    ofLimits.delete(definition.name);
  }
  // Of workflows that were not asked for: a limit that those that were ask too much of may stand there.
  return [...findings, ...errorsFirst([...ofLimits.values()].flat())];
}

/** A call that leads nowhere is refused when the store is opened; here it only calls nothing. */
function calleesToo(definitions: readonly WorkflowDefinition[]): readonly WorkflowDefinition[] {
  try {
    return withCallees(definitions);
  } catch (thrown) {
    if (thrown instanceof TenfoldError) return definitions;
    throw thrown;
  }
}
