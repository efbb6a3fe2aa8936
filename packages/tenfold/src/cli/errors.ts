/** What went wrong, for a person (a sentence, no stack) or a program (a document), and as an exit code. */
import { TenfoldError, type ErrorCode } from "../value/error.ts";
import { shortened, wrapped } from "./columns.ts";
import { EXIT } from "./command.ts";
import type { Terminal } from "./terminal.ts";

/** What whoever typed the command has to write differently; everything else is a "no". */
const USAGE_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "USAGE",
  "CONFIG_INVALID",
  "WORKFLOW_UNKNOWN",
  "OPTION_UNSUPPORTED",
  "POOL_UNKNOWN",
  "DURATION_INVALID",
  "RATE_INVALID",
  "QUEUE_UNKNOWN",
]);

export function exitCodeOf(thrown: unknown): number {
  return thrown instanceof TenfoldError && USAGE_CODES.has(thrown.code) ? EXIT.usage : EXIT.no;
}

/** Says what went wrong; a stack only for what is no TenfoldError (our own bug, or the user's code), or if asked for. */
export function tellError(terminal: Terminal, thrown: unknown, isVerbose: boolean): void {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const code = error instanceof TenfoldError ? error.code : null;
  const lead = code === null ? "error" : `error ${code}`;
  const width = terminal.stderr.isTTY === true ? terminal.stderr.columns - 1 : Infinity;
  const [first, ...rest] = `${lead}: ${shortened(error.message)}`.split("\n").flatMap((line) => wrapped(line, width));
  terminal.say([`${terminal.tint("red", lead)}${first!.slice(lead.length)}`, ...rest].join("\n"));
  if (isVerbose || code === null) {
    for (let at: unknown = error; at instanceof Error; at = at.cause) terminal.say(terminal.tint("dim", stackOf(at)));
  }
  if (terminal.isJson) terminal.document({ error: errorJson(error) });
}

/** An error as a program reads it. */
export function errorJson(error: Error): Readonly<Record<string, unknown>> {
  if (!(error instanceof TenfoldError)) return { code: null, message: error.message };
  return { code: error.code, message: error.message, facts: factsJson(error.facts) };
}

function factsJson(facts: Readonly<Record<string, unknown>>): unknown {
  try {
    return JSON.parse(JSON.stringify(facts));
  } catch {
    return {};
  }
}

function stackOf(error: Error): string {
  const { name, message, stack = `${name}: ${message}` } = error;
  return stack.replace(message, () => shortened(message));
}
