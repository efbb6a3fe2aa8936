/** What a worker and the thread that calls a body for it tell each other; each message says which call it is about. */
import type { StepContext } from "../../flow/definition.ts";
import type { ThreadModule } from "../../flow/thread-module.ts";
import type { LogLevel, Undoes } from "../ports.ts";
import type { FileAsk } from "./thread-files.ts";
import type { Thrown } from "./thrown.ts";

/** What of a body's context is known when it is called. */
export interface ThreadContext extends Pick<StepContext, "key" | "attempt" | "run" | "node"> {
  readonly now: number;
}

/** One body, or undo, that is to be called. */
export interface ThreadCall {
  readonly step: string;
  readonly threads: ThreadModule;
  readonly input: unknown;
  readonly undoes: Undoes | null;
  readonly context: ThreadContext;
}

export type ToThread =
  | { readonly kind: "call"; readonly id: number; readonly call: ThreadCall }
  | { readonly kind: "abort"; readonly id: number; readonly reason: Thrown }
  | { readonly kind: "files"; readonly id: number; readonly nth: number; readonly outcome: FileOutcome };

/** What came of what a thread asked to be done with files. */
export type FileOutcome =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly thrown: Thrown };

export type FromThread =
  | { readonly kind: "answered"; readonly id: number; readonly output: unknown }
  | { readonly kind: "threw"; readonly id: number; readonly thrown: Thrown }
  | { readonly kind: "progressed"; readonly id: number; readonly done: number; readonly total: number | undefined }
  | { readonly kind: "files"; readonly id: number; readonly nth: number; readonly ask: FileAsk }
  | { readonly kind: "spent"; readonly id: number; readonly amount: number }
  | {
      readonly kind: "logged";
      readonly id: number;
      readonly level: LogLevel;
      readonly message: string;
      readonly facts: Readonly<Record<string, unknown>> | undefined;
    };
