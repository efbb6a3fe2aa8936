/**
 * Checks what callers hand in beside an input: workflows, run ids, options, filters, pages.
 * Invariant: what is mistyped, out of its range or of another kind is refused by name, before anything is done.
 */
import type { WorkflowDefinition } from "../flow/definition.ts";
import type { RunFilter, RunStatus, Store } from "../store/store.ts";
import { describe } from "../value/describe.ts";
import { TenfoldError } from "../value/error.ts";
import { laneOfRun } from "../value/id.ts";
import { wayToName } from "../value/nearest.ts";
import { isColumnText, isTenant, TENANT_MAX } from "../value/plain-name.ts";
import { FACT_VALUE, failedFactOf } from "./facts.ts";

/** What an option may be; one that is not given is undefined. */
export interface OptionForm {
  readonly fits: (value: unknown) => boolean;
  /** The way out, as a sentence. */
  readonly way: string;
}

export const isText = (value: unknown): boolean => typeof value === "string";
export const isFlag = (value: unknown): boolean => typeof value === "boolean";

export function isWholeFrom(least: number): (value: unknown) => boolean {
  return (value) => Number.isInteger(value) && (value as number) >= least;
}

export function isLog(value: unknown): boolean {
  return typeof value === "object" && value !== null && "write" in value && typeof value.write === "function";
}

/** The form of an option that need not be given. */
export function optional(fits: (value: unknown) => boolean, way: string): OptionForm {
  return { fits: (value) => value === undefined || fits(value), way };
}

/** Of whatever has a tenant. */
export const TENANT: OptionForm = optional(
  isTenant,
  `Give a tenant's name: up to ${TENANT_MAX} characters, none of them NUL.`,
);

/** The form of an option whose check stands elsewhere, because it has a code of its own. */
export const CHECKED_APART: OptionForm = { fits: () => true, way: "" };

/** Refuses the options `given` to `what` unless each is one of `forms` and fits; `notDone` is such as "nothing was opened". */
export function checkOptions(
  what: string,
  given: unknown,
  forms: Readonly<Record<string, OptionForm>>,
  notDone: string,
): void {
  const refuse = (reason: string, way: string): TenfoldError =>
    new TenfoldError("OPTION_UNSUPPORTED", `${reason}; ${notDone}. ${way}`);
  const names = Object.keys(forms);
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw refuse(
      `${what} was given ${describe(given)} where an object of options belongs`,
      `It takes ${names.join(", ")}.`,
    );
  }
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(forms, name))
      throw refuse(`${what} has no option \`${name}\``, wayToName(name, names, "It takes"));
  }
  for (const [name, { fits, way }] of Object.entries(forms)) {
    const value = (given as Readonly<Record<string, unknown>>)[name];
    if (!fits(value)) throw refuse(`${what} was given ${describe(value)} as \`${name}\``, way);
  }
}

const NOTHING_DONE = "nothing was done";

const STATUSES: Readonly<Record<RunStatus, true>> = {
  waiting: true,
  running: true,
  completed: true,
  failed: true,
  cancelled: true,
  held: true,
};

/** Which runs are meant. */
export interface RunSearch extends RunFilter {
  /** The id of a node at which they failed; an item of an each is of the each's node. */
  readonly failedAt?: string;
}

/** What a store finds them by. */
export function storeFilter({ failedAt, ...filter }: RunSearch): RunFilter {
  return failedAt === undefined
    ? filter
    : { ...filter, attribute: { name: failedFactOf(failedAt), value: FACT_VALUE } };
}

const FILTERS: Readonly<Record<keyof RunSearch, OptionForm>> = {
  workflow: optional(isColumnText, "Give a workflow's name."),
  status: optional(
    (value) => isText(value) && Object.hasOwn(STATUSES, value as string),
    `There are ${Object.keys(STATUSES).join(", ")}.`,
  ),
  tenant: TENANT,
  key: optional(isColumnText, "Give a key, which is a text without NUL characters."),
  attribute: optional(isAttribute, 'Give a name and a value, both texts: `{ name: "country", value: "DE" }`.'),
  failedAt: optional(isText, "Give a node's id, as `tenfold graph` draws it."),
  from: optional(Number.isFinite, "Give ms since 1970: `date.getTime()`."),
  until: optional(Number.isFinite, "Give ms since 1970: `date.getTime()`."),
};
const { workflow, from, until } = FILTERS;
const COUNT_FILTERS = { workflow, from, until };

const PAGE: Readonly<Record<string, OptionForm>> = {
  before: optional(isText, "Give the id of the last run of the page before."),
  limit: { fits: isWholeFrom(1), way: "Give how many runs, a whole number from 1." },
};

const FLAG = optional(isFlag, "Give true or false.");

const CHANGES: Readonly<Record<"cancel" | "retry", Readonly<Record<string, OptionForm>>>> = {
  cancel: { dryRun: FLAG, reason: optional(isText, "Give a text."), undo: FLAG },
  retry: { dryRun: FLAG, from: optional(isText, "Give a node's id, or its path in the run."), newKeys: FLAG },
};

function isAttribute(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { name, value: text } = value as { readonly name?: unknown; readonly value?: unknown };
  return isColumnText(name) && isColumnText(text);
}

/** A filter that is not known would find every run: `cancel({ workflw: "x" })` must not cancel them all. */
export function checkFilter(filter: RunSearch, forms: Readonly<Record<string, OptionForm>> = FILTERS): void {
  checkOptions("The filter of runs", filter, forms, NOTHING_DONE);
  if (filter.failedAt !== undefined && filter.attribute !== undefined) {
    const message = `Runs are found by \`failedAt\` or by an attribute, not by both at once; ${NOTHING_DONE}. Leave one of them out.`;
    throw new TenfoldError("OPTION_UNSUPPORTED", message);
  }
  for (const [name, value] of Object.entries(filter)) {
    if (value !== undefined) continue;
    const message = `The filter \`${name}\` is undefined, which would find runs whatever theirs is; nothing was done. Leave it out.`;
    throw new TenfoldError("OPTION_UNSUPPORTED", message);
  }
}

/** Counts are kept by workflow, status and time, and found by no more. */
export function checkCountFilter(filter: RunFilter): void {
  checkFilter(filter, COUNT_FILTERS);
}

export function checkPage(page: { readonly before?: string; readonly limit: number }): void {
  checkOptions("A page", page, PAGE, NOTHING_DONE);
}

export function checkBehind(options: { readonly before?: string }): void {
  checkOptions("`runs`", options, { before: PAGE["before"]! }, NOTHING_DONE);
}

/** `cancel` and `retry` change what was meant, or nothing: no mistyped option, no empty filter is taken for "all". */
export function checkChange(what: "cancel" | "retry", selection: string | RunSearch, options: object): void {
  checkOptions(`\`${what}\``, options, CHANGES[what], "nothing was changed");
  checkSelection(selection);
}

/** A run's id, or a filter that says something. */
export function checkSelection(selection: string | RunSearch): void {
  if (typeof selection === "string") return;
  if (typeof selection === "object" && selection !== null && Object.keys(selection).length > 0)
    return checkFilter(selection);
  const message = `Which runs is not said; nothing was changed. Give a run's id, or a filter with at least one of ${Object.keys(FILTERS).join(", ")}.`;
  throw new TenfoldError("OPTION_UNSUPPORTED", message);
}

/** The id, if it is a text; whether there is such a run shows in the store. */
export function checkRunId(run: unknown): string {
  if (typeof run === "string") return run;
  throw new TenfoldError(
    "RUN_UNKNOWN",
    `A run is asked for by its id, and this is ${describe(run)}; nothing was done. Give a text: the \`id\` of what \`start\` answered.`,
  );
}

/** The lane of a run that may be in `store`; RUN_UNKNOWN if its id is none of a run there. */
export function laneIn(store: Store, run: unknown): number {
  const id = checkRunId(run);
  const lane = laneOfRun(id);
  if (lane === undefined || lane >= store.lanes) throw runUnknown(id);
  return lane;
}

export function runUnknown(run: string): TenfoldError {
  return new TenfoldError(
    "RUN_UNKNOWN",
    `There is no run ${run} in this store: there never was one, or it was pruned. \`tenfold runs\` lists those there are.`,
    { facts: { run } },
  );
}

/** Refuses what no inputs can be taken from, and a text, whose letters are hardly meant. */
export function checkInputs(
  inputs: unknown,
  what = "startMany",
  way = "no run was started. Give a list or an (async) iterable; one run is started with `start`",
): void {
  const isList =
    typeof inputs === "object" && inputs !== null && (Symbol.iterator in inputs || Symbol.asyncIterator in inputs);
  if (isList) return;
  throw new TenfoldError(
    "INPUT_INVALID",
    `${what} was given ${describe(inputs)} where a list of inputs belongs; ${way}.`,
  );
}

/** The name of what `workflow(…)` answered; anything else is refused by what it is. */
export function checkWorkflow(workflow: unknown): string {
  if (isWorkflow(workflow)) return workflow.name;
  throw new TenfoldError(
    "WORKFLOW_UNKNOWN",
    `start was given ${typeof workflow === "string" ? `the text ${describe(workflow)}` : describe(workflow)} where a workflow belongs; no run was started. Give what \`workflow(…)\` answered.`,
  );
}

export function isWorkflow(value: unknown): value is WorkflowDefinition {
  return typeof value === "object" && value !== null && "graph" in value && "steps" in value;
}
