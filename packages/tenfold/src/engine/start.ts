/** From what a caller wants to start to what the store keeps: a bad input is refused on the way. */
import type { WorkflowDefinition } from "../flow/definition.ts";
import { describe } from "../value/describe.ts";
import { disownPromise, disownPromisesIn } from "../value/disown-promise.ts";
import { TenfoldError } from "../value/error.ts";
import { contentHash, hash32 } from "../value/hash.ts";
import { startedAtOfRun } from "../value/id.ts";
import { canonicalJson, jsonProblem, pathText, type Json } from "../value/json.ts";
import { isColumnText } from "../value/plain-name.ts";
import { issueFacts, issuesText, parseWith, type Parsed } from "../value/schema.ts";
import type { CallerClient } from "../store/caller-client.ts";
import type { RunStart, StartAnswer, StartKey } from "../store/store.ts";
import { readAttributes } from "./attributes.ts";
import { CHECKED_APART, checkOptions, isFlag, optional, TENANT, type OptionForm } from "./caller-checks.ts";
import { LOCKED_FOR_MS } from "./start-batcher.ts";

export interface StartOptions {
  /** Overrides the workflow's own key; one run per key. */
  readonly key?: string;
  readonly tenant?: string;
  /** Not before this time. */
  readonly at?: Date | number;
  /** Starts the key's next run if the last one is finished. */
  readonly again?: boolean;
  /** As `again`, and says what becomes of a start with another input while the last one is not finished. */
  readonly ifRunning?: IfRunning;
  /** A client with a transaction open on the store's database: the run exists if and only if that commits. */
  readonly with?: CallerClient;
}

/**
 * One run of a key at a time. "join": the run that goes on is the answer; "skip": so it is, and told apart, since nothing came of this
 * input; "replace": that run is cancelled, and this one started once it has ended.
 */
export type IfRunning = (typeof IF_RUNNING)[number];
export const IF_RUNNING = ["join", "replace", "skip"] as const;

/** What `startMany` takes: the key is each input's own, and its commits are its own too. */
export type StartManyOptions = Omit<StartOptions, "key" | "with">;

const OPTIONS: Readonly<Record<keyof StartOptions, OptionForm>> = {
  key: CHECKED_APART,
  at: CHECKED_APART,
  tenant: TENANT,
  again: optional(isFlag, "Give true or false."),
  ifRunning: optional(
    (value) => IF_RUNNING.some((word) => word === value),
    `Write ${IF_RUNNING.map((word) => `"${word}"`).join(", ")}, or leave it out: then another input under the key of a run that is not finished is refused.`,
  ),
  with: CHECKED_APART,
};
const LATER: readonly string[] = ["priority", "expires"];
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

/** Refuses options that are none of `startMany`. */
export function checkStartMany(options: StartManyOptions): void {
  checkStart(options);
  if ((options as StartOptions).with === undefined) return;
  const way = "Start each run with `start` where they belong to a transaction of yours.";
  throw unsupported("startMany does not take `with`", way);
}

/** Refuses options that are none of `start`. */
export function checkStart(options: StartOptions): void {
  const later = LATER.find((name) => Object.hasOwn(Object(options), name));
  if (later !== undefined) throw unsupported(`start does not take \`${later}\` yet`, "Leave it out.");
  checkOptions("start", options, OPTIONS, "no run was started");
  const { ifRunning } = options;
  if (ifRunning === undefined) return;
  if (options.again === false) {
    const way = "Leave `again` out: `ifRunning` starts the key's next run once the last one is finished.";
    throw unsupported(`start was given \`ifRunning\` with \`again: false\``, way);
  }
  if (ifRunning === "replace" && options.with !== undefined) {
    const way = "Start it when that transaction has committed, or join or skip the run that goes on.";
    throw unsupported("a run cannot be replaced within a transaction of yours, since its end is waited for", way);
  }
}

function unsupported(reason: string, way: string): TenfoldError {
  return new TenfoldError("OPTION_UNSUPPORTED", `${reason}; no run was started. ${way}`);
}

/** What is to be stored; throws, or rejects, with a code and the path of what is wrong. */
export function prepareStart(
  definition: WorkflowDefinition,
  input: unknown,
  options: StartOptions,
  facts: StartFacts,
): PreparedStart | PromiseLike<PreparedStart> {
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
  throw new TenfoldError(
    "INPUT_INVALID",
    `The input does not fit the schema of workflow "${definition.name}" (${issuesText(parsed.issues)}); no run was started. Correct the input and start again.`,
    { facts: { workflow: definition.name, issues: issueFacts(parsed.issues) } },
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
  const isAgain = options.again === true || options.ifRunning !== undefined;
  if (isAgain && key === null) {
    const option = options.ifRunning === undefined ? "again: true" : `ifRunning: "${options.ifRunning}"`;
    throw new TenfoldError(
      "KEY_INVALID",
      `{ ${option} } needs a key, and workflow "${definition.name}" got none; no run was started. Give \`key\`.`,
    );
  }
  const { debounce } = definition;
  if (debounce !== undefined) checkDebounced(definition, options);
  const lane = key === null ? facts.anyLane() : laneOfKey(definition.name, tenant, key, facts.lanes);
  const id = facts.newId(lane);
  const start: RunStart = {
    id,
    workflow: definition.name,
    graph: definition.hash,
    tenant,
    input: text,
    key:
      key === null
        ? null
        : {
            key,
            inputHash: contentHash(canonicalJson(JSON.parse(text) as Json)),
            again: isAgain,
            ...debouncedBy(definition),
          },
    attributes: readAttributes(
      definition,
      byUser(definition, "attributes", () => definition.attributes?.(input as never)),
    ),
    at: debounce === undefined ? startTime(options) : startedAtOfRun(id) + debounce.waitMs,
  };
  return { lane, start };
}

function startTime({ at }: StartOptions): number | null {
  return at === undefined ? null : readTime(at, "no run was started");
}

/** When a debounced run begins, and what it is with others, its workflow says, and whoever starts it last. */
function checkDebounced({ name }: WorkflowDefinition, options: StartOptions): void {
  const ways = {
    at: "Leave `at` out: its run begins when nobody has started it for a while.",
    ifRunning: "Leave `ifRunning` out: once its run has begun, the next start is the next run.",
    with: "Start it when your transaction has committed: what waits cannot be kept from other starts for as long as that is open.",
  };
  for (const [option, way] of Object.entries(ways)) {
    if (options[option as keyof typeof ways] === undefined) continue;
    throw unsupported(`workflow "${name}" has a \`debounce\`, and a start of it takes no \`${option}\``, way);
  }
}

function debouncedBy({ debounce }: WorkflowDefinition): Pick<StartKey, "debounce"> {
  return debounce === undefined ? {} : { debounce: { maxMs: debounce.maxMs } };
}

/** The lane that the runs of a key are in. */
export function laneOfKey(workflow: string, tenant: string, key: string, lanes: number): number {
  return hash32(`${workflow}\n${tenant}\n${key}`) % lanes;
}

function inputText(definition: WorkflowDefinition, input: unknown, payloadMax: number): string {
  const problem = jsonProblem(input);
  if (problem !== undefined) {
    disownPromisesIn(input);
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
  if (isColumnText(key) && key !== "" && key.length <= KEY_MAX) return;
  disownPromise(key);
  const isLong = typeof key === "string" && (key === "" || key.length > KEY_MAX);
  const found = isLong ? `${key.length} characters long` : describe(key);
  throw new TenfoldError(
    "KEY_INVALID",
    `The key of workflow "${definition.name}" is ${found}; no run was started. A key is a text of 1 to ${KEY_MAX} characters, none of them NUL.`,
    { facts: { workflow: definition.name } },
  );
}

/** `at` in whole ms since 1970, not before it; `notDone` is such as "no run was started". */
export function readTime(at: unknown, notDone: string): number {
  if (at instanceof Date || typeof at === "number") {
    const time = Math.ceil(Number(at));
    if (!Number.isNaN(new Date(time).getTime())) return time;
  }
  const found = at instanceof Date ? String(at) : describe(at);
  throw new TenfoldError("INPUT_INVALID", `\`at\` is no time: ${found}; ${notDone}. Give a Date, or ms since 1970.`);
}

/** Why a start that the store has answered so is none. */
export function refusalOf(
  { workflow, key }: RunStart,
  answer: Extract<StartAnswer, { kind: "conflict" | "locked" }>,
): TenfoldError {
  if (answer.kind === "conflict") {
    return new TenfoldError(
      "KEY_CONFLICT",
      `Workflow "${workflow}" has run ${answer.run} under this key with another input; no run was started. Use another key, { again: true } once that run is finished, or { ifRunning } to join, replace or skip it while it is not.`,
      { facts: { workflow, run: answer.run } },
    );
  }
  return new TenfoldError(
    "STORE_BUSY",
    `The key ${describe(key!.key)} of workflow "${workflow}" is held by a transaction that was open for all of ${LOCKED_FOR_MS / 1000} s; no run was started. End that transaction (pg_stat_activity lists it, often as "idle in transaction"), or start again later.`,
    { facts: { workflow, key: key!.key } },
  );
}
