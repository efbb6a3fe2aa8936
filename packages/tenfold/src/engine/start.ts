/** From what a caller wants to start to what the store keeps: every check of a bad input stands here. */
import type { WorkflowDefinition } from "../flow/definition.ts";
import { TenfoldError } from "../value/error.ts";
import { contentHash, hash32 } from "../value/hash.ts";
import { canonicalJson, jsonProblem, pathText, type Json } from "../value/json.ts";
import { wayToName } from "../value/nearest.ts";
import { parseWith, type Parsed } from "../value/schema.ts";
import type { Attribute, RunStart } from "../store/store.ts";

export interface StartOptions {
  /** Overrides the workflow's own key; one run per key. */
  readonly key?: string;
  readonly tenant?: string;
  /** Not before this time. */
  readonly at?: Date | number;
  /** Starts the key's next run if the last one is finished. */
  readonly again?: boolean;
}

const OPTIONS: readonly string[] = ["key", "tenant", "at", "again"];
const LATER: readonly string[] = ["priority", "expires", "ifRunning", "with"];
const KEY_MAX = 512;

export interface StartFacts {
  readonly payloadMax: number;
  readonly lanes: number;
  /** Makes a run's id in a lane. */
  readonly newId: (lane: number) => string;
  /** A lane for a run without a key. */
  readonly anyLane: () => number;
}

export interface PreparedStart {
  readonly lane: number;
  readonly start: RunStart;
}

/** What is to be stored; throws, or rejects, with a code and the path of what is wrong. */
export function prepareStart(
  definition: WorkflowDefinition,
  input: unknown,
  options: StartOptions,
  facts: StartFacts,
): PreparedStart | PromiseLike<PreparedStart> {
  for (const name of Object.keys(options)) if (!OPTIONS.includes(name)) throw unknownOption(name);
  if (definition.input === undefined) return prepareParsed(definition, input, options, facts);
  const schema = definition.input;
  const parsed = byUser(definition, "schema", () => parseWith(schema, input));
  const finish = (done: Parsed<unknown>) => prepareParsed(definition, accepted(definition, done), options, facts);
  const refuse = (thrown: unknown) => Promise.reject(threw(definition, "schema", thrown));
  return "then" in parsed ? parsed.then(finish, refuse) : finish(parsed);
}

/** What the user's code answers for an input; that it throws is the input's fault until somebody looks closer. */
function byUser<T>(definition: WorkflowDefinition, what: string, call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    throw threw(definition, what, thrown);
  }
}

function threw({ name }: WorkflowDefinition, what: string, thrown: unknown): TenfoldError {
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  const message = `The ${what} of workflow "${name}" threw on this input: ${reason}; no run was started. Correct the input, or the ${what}.`;
  return new TenfoldError("INPUT_INVALID", message, { facts: { workflow: name }, cause: thrown });
}

function accepted(definition: WorkflowDefinition, parsed: Parsed<unknown>): unknown {
  if (parsed.ok) return parsed.value;
  const issues = parsed.issues.map(({ path, reason }) => ({ path: pathText(path), reason }));
  const reasons = issues.map(({ path, reason }) => `${path || "it"}: ${reason}`).join("; ");
  throw new TenfoldError(
    "INPUT_INVALID",
    `The input does not fit the schema of workflow "${definition.name}" (${reasons}); no run was started. Correct the input and start again.`,
    { facts: { workflow: definition.name, issues } },
  );
}

function prepareParsed(
  definition: WorkflowDefinition,
  input: unknown,
  options: StartOptions,
  facts: StartFacts,
): PreparedStart {
  const text = inputText(definition, input, facts.payloadMax);
  const key =
    options.key ??
    (definition.key === undefined ? null : byUser(definition, "key", () => definition.key!(input as never)));
  const tenant = options.tenant ?? "";
  if (key !== null) checkKey(definition, key);
  if (options.again === true && key === null) {
    throw new TenfoldError(
      "KEY_INVALID",
      `{ again: true } needs a key, and workflow "${definition.name}" got none; no run was started. Give \`key\`.`,
    );
  }
  const lane = key === null ? facts.anyLane() : hash32(`${definition.name}\n${tenant}\n${key}`) % facts.lanes;
  const at = options.at === undefined ? null : Number(options.at);
  if (at !== null && !Number.isFinite(at)) {
    throw new TenfoldError(
      "INPUT_INVALID",
      `\`at\` is no time: ${String(options.at)}; no run was started. Give a Date, or ms since 1970.`,
    );
  }
  const start: RunStart = {
    id: facts.newId(lane),
    workflow: definition.name,
    graph: definition.hash,
    tenant,
    input: text,
    key:
      key === null
        ? null
        : { key, inputHash: contentHash(canonicalJson(JSON.parse(text) as Json)), again: options.again === true },
    attributes: attributesOf(definition, input),
    at,
  };
  return { lane, start };
}

function inputText(definition: WorkflowDefinition, input: unknown, payloadMax: number): string {
  const problem = jsonProblem(input);
  if (problem !== undefined) {
    throw new TenfoldError(
      "NOT_JSON",
      `The input of workflow "${definition.name}" is not JSON at ${pathText(problem.path) || "its top"}: ${problem.reason}; no run was started.`,
      { facts: { workflow: definition.name, path: pathText(problem.path) } },
    );
  }
  const text = JSON.stringify(input);
  if (text.length <= payloadMax) return text;
  throw new TenfoldError(
    "PAYLOAD_TOO_LARGE",
    `The input of workflow "${definition.name}" is ${text.length} characters of JSON, and at most ${payloadMax} are kept; no run was started. Store large data elsewhere and pass where it is.`,
    { facts: { workflow: definition.name, size: text.length, max: payloadMax } },
  );
}

function checkKey(definition: WorkflowDefinition, key: unknown): void {
  if (typeof key === "string" && key !== "" && key.length <= KEY_MAX) return;
  const found = typeof key === "string" ? `${key.length} characters long` : `a ${typeof key}`;
  throw new TenfoldError(
    "KEY_INVALID",
    `The key of workflow "${definition.name}" is ${found}; no run was started. A key is a text of 1 to ${KEY_MAX} characters.`,
    { facts: { workflow: definition.name } },
  );
}

function attributesOf(definition: WorkflowDefinition, input: unknown): Attribute[] {
  const found = byUser(definition, "attributes", () => definition.attributes?.(input as never)) ?? {};
  return Object.entries(found)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => ({ name, value: typeof value === "object" ? canonicalJson(value) : String(value) }));
}

function unknownOption(name: string): TenfoldError {
  if (LATER.includes(name)) {
    return new TenfoldError(
      "OPTION_UNSUPPORTED",
      `start does not take \`${name}\` yet; no run was started. Leave it out.`,
    );
  }
  const way = wayToName(name, OPTIONS, "It takes");
  return new TenfoldError("OPTION_UNSUPPORTED", `start has no option \`${name}\`; no run was started. ${way}`);
}
