/** All that `tenfold check` finds in some workflows: in their graphs, their sources and their schedules. */
import type { WorkflowDefinition } from "../flow/definition.ts";
import { checkTriggers } from "./check-triggers.ts";
import { checkWorkflow, errorsFirst, type Finding } from "./check.ts";

/** Errors of each workflow first. */
export async function checkAll(definitions: readonly WorkflowDefinition[], now: number): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const definition of definitions) {
    findings.push(...errorsFirst([...checkWorkflow(definition), ...(await checkTriggers(definition, now))]));
  }
  return findings;
}
