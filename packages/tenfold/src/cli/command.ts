/** What a command is: its flags, its examples, and what it does with a call that has been read. */
import { TenfoldError } from "../value/error.ts";
import type { Terminal } from "./terminal.ts";

/** What the shell is told. */
export const EXIT = { yes: 0, no: 1, unsure: 2, usage: 4, interrupted: 130, terminated: 143 } as const;

/** Said behind what is durable, and done by whatever works the store: there may be nothing that does. */
export const OBEYED = "Whatever works this store obeys at once; if nothing does, `tenfold dev` will.";

export interface Flag {
  readonly type: "string" | "boolean";
  readonly short?: string;
  /** What its value is called in the help. */
  readonly value?: string;
  readonly text: string;
}

export interface Example {
  readonly line: string;
  readonly does: string;
}

export interface Command {
  readonly name: string;
  /** What follows the name: `<workflow> <input>`; square brackets around what may be left out. */
  readonly takes: string;
  /** How many of them there may be. */
  readonly counts: { readonly least: number; readonly most: number };
  readonly summary: string;
  readonly about?: string;
  readonly flags: Readonly<Record<string, Flag>>;
  readonly examples: readonly Example[];
  /** Does it; answers the exit code. */
  run(call: Call): Promise<number>;
}

/** A command with what was written after it. */
export interface Call {
  readonly command: string;
  readonly words: readonly string[];
  readonly flags: Flags;
  readonly terminal: Terminal;
  /** The folder that the user is in. */
  readonly folder: string;
}

export class Flags {
  readonly #given: ReadonlyMap<string, string | true>;

  constructor(given: ReadonlyMap<string, string | true>) {
    this.#given = given;
  }

  text(name: string): string | undefined {
    const value = this.#given.get(name);
    return typeof value === "string" ? value : undefined;
  }

  has(name: string): boolean {
    return this.#given.has(name);
  }
}

/** Flags that every command takes. */
export const COMMON_FLAGS: Readonly<Record<string, Flag>> = {
  config: {
    type: "string",
    value: "file",
    text: "the config; otherwise tenfold.config.ts of this folder or one above it",
  },
  store: { type: "string", value: "file|url", text: "where runs are kept, instead of the config's store" },
  postgres: { type: "boolean", text: "the store is the Postgres that `tenfold dev --postgres` runs" },
  json: { type: "boolean", text: "one JSON document on standard output, everything else on standard error" },
  verbose: { type: "boolean", text: "errors with their causes and stacks" },
  help: { type: "boolean", short: "h", text: "this text" },
};

/** A command line that cannot be meant; `message` ends with the way out. */
export function usageError(message: string, facts: Readonly<Record<string, unknown>> = {}): TenfoldError {
  return new TenfoldError("USAGE", message, { facts });
}
