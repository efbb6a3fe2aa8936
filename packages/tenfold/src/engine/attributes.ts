/** What a run is found by, from the workflow's `attributes` function to the store: checked, and as texts. */
import type { WorkflowDefinition } from "../flow/definition.ts";
import type { Attribute } from "../store/store.ts";
import { describe } from "../value/describe.ts";
import { disownPromise } from "../value/disown-promise.ts";
import { OWN_FACTS } from "./facts.ts";
import { TenfoldError } from "../value/error.ts";
import { isColumnText } from "../value/plain-name.ts";

const COUNT_MAX = 50;
const NAME_MAX = 100;
const VALUE_MAX = 512;

const WAY = `Answer a plain object of up to ${COUNT_MAX} texts (up to ${VALUE_MAX} characters), numbers, true or false; leave out what no run is looked for by.`;

/** What `attributes` answered, as the store keeps it; throws ATTRIBUTES_INVALID. Null and undefined are left out. */
export function readAttributes({ name: workflow }: WorkflowDefinition, answer: unknown): Attribute[] {
  const refuse = (what: string, facts: Readonly<Record<string, unknown>> = {}): TenfoldError =>
    new TenfoldError(
      "ATTRIBUTES_INVALID",
      `The attributes of workflow "${workflow}" ${what}; no run was started. ${WAY}`,
      {
        facts: { workflow, ...facts },
      },
    );
  if (answer === undefined || answer === null) return [];
  disownPromise(answer);
  if (typeof answer !== "object" || describe(answer) !== "an object") throw refuse(`are ${describe(answer)}`);
  const given = Object.entries(answer).filter(([, value]) => value !== null && value !== undefined);
  if (given.length > COUNT_MAX) throw refuse(`are ${given.length}`, { count: given.length });
  return given.map(([name, value]: [string, unknown]) => {
    if (name === "" || name.length > NAME_MAX) {
      throw refuse(`have the name ${describe(name)}, which has not 1 to ${NAME_MAX} characters`, { attribute: name });
    }
    if (name.startsWith(OWN_FACTS)) {
      throw refuse(`have the name ${describe(name)}, and those that begin with "${OWN_FACTS}" are tenfold's own`, {
        attribute: name,
      });
    }
    if (!isScalar(value)) throw refuse(`have ${describe(value)} as \`${name}\``, { attribute: name });
    const text = String(value);
    if (!isColumnText(name) || !isColumnText(text)) {
      throw refuse(`have a NUL, or half of a surrogate pair, in ${describe(name)}`, { attribute: name });
    }
    if (text.length <= VALUE_MAX) return { name, value: text };
    throw refuse(`have a text of ${text.length} characters as \`${name}\``, { attribute: name, size: text.length });
  });
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
}
