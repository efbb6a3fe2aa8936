/** What is said of scripts: of calls that failed, that came outside of their context, and that are not those recorded. */
import type { Ask, RunError } from "../core/entry.ts";
import type { ScriptCall } from "../core/state.ts";
import { TenfoldError, type ErrorCode } from "../value/error.ts";
import { failure, type Settled } from "./body.ts";
import { askDifference, askText } from "./script-calls.ts";

export type Failed = Extract<Settled, { ok: false }>;

/** What a call of a script rejects with; uncaught, the run fails at that call. */
export class ScriptCallFailed extends TenfoldError {
  readonly error: RunError;

  constructor(error: RunError) {
    super(error.code as ErrorCode, error.message, { facts: { node: error.node, attempt: error.attempt } });
    this.error = error;
  }
}

/** The failure of a call, if that was thrown; what is thrown may throw when it is looked at. */
function callFailure(thrown: unknown): RunError | undefined {
  try {
    return thrown instanceof ScriptCallFailed ? thrown.error : undefined;
  } catch {
    return undefined;
  }
}

/** The failure of a call that a retry leaves as it is. */
export function staying(node: string, error: RunError): RunError {
  const message = `${error.message} (What ${node} called afterwards follows from this failure, so a retry leaves it as it is. \`tenfold retry <run> --from ${node}\` has the function begin anew.)`;
  return { ...error, message };
}

export function outside(node: string, happened: string): TenfoldError {
  return new TenfoldError(
    "SCRIPT_OUTSIDE",
    `The context of ${node} was left: ${happened}; nothing of that was done. A script awaits nothing but its own \`ctx\`, in its own function: put requests, timers and files into a step, and \`ctx.call\` that; then retry the run.`,
    { facts: { node } },
  );
}

export function unawaited(node: string, call: number, ask: Ask): RunError {
  const message = `${node} ended and never awaited ${callText(node, call, ask)} so that nobody would know what came of it; what the script answered was not kept. Await it, or have \`ctx.all\` wait for it with others; then retry the run.`;
  return { code: "SCRIPT_UNAWAITED", message, node, attempt: 0 };
}

/** No further call may be recorded of the script, or of its run. */
export function atItsEnd(
  code: "SCRIPT_EXHAUSTED" | "HISTORY_TOO_LONG",
  node: string,
  ask: Ask,
  most: number,
): RunError {
  const why =
    code === "SCRIPT_EXHAUSTED"
      ? `has made ${most} calls, the most that it may`
      : `the run's journal has ${most} entries, the most there may be`;
  const message = `${node} was to call ${askText(ask)}, and ${why}; the call was not made. Divide the work: a run for each part of it.`;
  return { code, message, node, attempt: 0 };
}

export function tooLarge(node: string, ask: Ask, size: number, most: number): TenfoldError {
  return new TenfoldError(
    "PAYLOAD_TOO_LARGE",
    `What ${node} calls ${ask.name} with is ${size} characters of JSON, and at most ${most} are kept; the call was not made. Store large data elsewhere and give where it is.`,
    { facts: { node, called: ask.name, size } },
  );
}

/** `came` is what happened where the call was expected. */
export function changed(node: string, call: number, expected: Ask, came: string): RunError {
  const message = `${node} does not make the calls that are recorded of it: ${callText(node, call, expected)} was expected, and ${came}. The run is held, and nothing of the new order was done. Bring back code that makes the recorded calls in their order, and it goes on when the store is opened with it; or have the function begin anew with \`tenfold retry <run> --from ${node}\`; or cancel the run.`;
  return { code: "SCRIPT_CHANGED", message, node, attempt: 0 };
}

/** What came instead of the recorded call; undefined: the same. */
export function otherCall(known: ScriptCall, ask: Ask, heard: number): string | undefined {
  if (askText(known.ask) !== askText(ask)) return `${askText(ask)} came`;
  const where = askDifference(known.ask, ask);
  if (where !== undefined) return `it came with another \`${where}\``;
  if (known.heard === heard) return undefined;
  return `it came after ${heard} of the results that are recorded, and not after ${known.heard}`;
}

function callText(node: string, call: number, ask: Ask): string {
  return `${askText(ask)}, its call ${call + 1} (${node}[${call}]/${ask.name}),`;
}

/** What comes of a function that fails with this. */
export function failed(error: RunError, thrown: unknown): Failed {
  return { ok: false, error, isFinal: true, thrown };
}

/** What comes of a function that throws. */
export function thrownBy(node: string, thrown: unknown): Failed {
  const error = callFailure(thrown);
  if (error !== undefined) return failed(error, thrown);
  const settled = failure(thrown, { node, attempt: 0 });
  if (settled.error.code !== "STEP_FAILED") return settled;
  return { ...settled, error: { ...settled.error, code: "SCRIPT_FAILED" } };
}
