/** A run as it is handed to its driver. */
import type { JournalLine } from "../core/journal-line.ts";
import type { TenfoldError } from "../value/error.ts";
import type { Mail } from "./mail.ts";

/** A run that its new owner may drive: all that is needed to go on. */
export interface ClaimedRun {
  readonly id: string;
  readonly workflow: string;
  readonly graph: string;
  readonly tenant: string;
  readonly key: string | null;
  readonly input: string;
  /** Owners that died holding it since its journal last grew. */
  readonly deaths: number;
  readonly journal: readonly JournalLine[];
  readonly mail: Mail;
  /** Why its input or a line could not be decoded: it cannot be driven. */
  readonly unread?: TenfoldError;
}
