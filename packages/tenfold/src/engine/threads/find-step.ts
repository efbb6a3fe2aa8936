/** Finds, in a thread, the step that is to be called: in the module that defines it, as that was imported there. */
import type { StepDefinition } from "../../flow/definition.ts";
import { isDefinition } from "../../flow/call.ts";
import { usedStep } from "../../flow/step.ts";
import type { ThreadModule } from "../../flow/thread-module.ts";
import { TenfoldError } from "../../value/error.ts";
import { textsOf } from "../body.ts";

/** THREAD_STEP_MISSING where it is not there. */
export async function findStep(name: string, { module, export: exported }: ThreadModule): Promise<StepDefinition> {
  const exports = await imported(name, module);
  if (exported !== undefined) {
    const found = usedStep(exports[exported])?.definition;
    if (found?.name === name) return found;
    throw missing(name, module, `it exports no step "${name}" as \`${exported}\``);
  }
  for (const each of Object.values(exports)) {
    const found = usedStep(each)?.definition;
    if (found?.name === name) return found;
  }
  // A step that a workflow draws need not be exported beside it.
  for (const each of Object.values(exports)) {
    const found = isDefinition(each) ? each.steps.get(name) : undefined;
    if (found !== undefined) return found;
  }
  throw missing(name, module, `it exports neither the step "${name}" nor a workflow that has it`);
}

async function imported(name: string, module: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(module)) as Readonly<Record<string, unknown>>;
  } catch (thrown) {
    throw missing(name, module, `it could not be imported (${textsOf(thrown).message})`, thrown);
  }
}

function missing(step: string, module: string, why: string, cause?: unknown): TenfoldError {
  return new TenfoldError(
    "THREAD_STEP_MISSING",
    `The step "${step}" was not found by its thread in ${module}: ${why}; its body was not called. Export the step from the file that \`threads\` names, which does nothing else when it is imported.`,
    { facts: { step, module }, ...(cause === undefined ? {} : { cause }) },
  );
}
