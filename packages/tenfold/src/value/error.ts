/**
 * The one error class of tenfold. Invariants: a code is stable once released and has its paragraph in
 * docs/reference/errors.md; a message says what happened, what was not done, and the way out.
 */

export type ErrorCode =
  // drawing a workflow
  | "STEP_INVALID"
  | "STEP_NAME_TAKEN"
  | "WORKFLOW_INVALID"
  | "WORKFLOW_NAME_TAKEN"
  | "NODE_NAME_TAKEN"
  | "VALUE_MISUSED"
  | "VALUE_FOREIGN"
  | "VALUE_OUT_OF_SCOPE"
  | "GRAPH_CYCLE"
  | "MATCH_INVALID"
  | "EACH_INVALID"
  | "REPEAT_INVALID"
  | "WAIT_INVALID"
  | "APPROVAL_INVALID"
  | "APPROVAL_IMPOSSIBLE"
  | "CALL_INVALID"
  | "SCRIPT_INVALID"
  | "OPTION_UNSUPPORTED"
  | "QUEUE_INVALID"
  | "LIMIT_NAME_TAKEN"
  | "POOL_UNKNOWN"
  | "DURATION_INVALID"
  | "RATE_INVALID"
  | "TIME_INVALID"
  | "OBJECTIVE_INVALID"
  | "SCHEDULE_INVALID"
  | "CALENDAR_INVALID"
  | "EVENT_INVALID"
  // what comes in
  | "NOT_JSON"
  | "INPUT_INVALID"
  | "OUTPUT_INVALID"
  | "PAYLOAD_TOO_LARGE"
  | "KEY_CONFLICT"
  | "KEY_INVALID"
  | "ATTRIBUTES_INVALID"
  | "WORKFLOW_UNKNOWN"
  | "SCHEDULE_UNKNOWN"
  | "STEP_UNKNOWN"
  | "RUN_UNKNOWN"
  | "RUN_FINISHED"
  | "RUN_WAITING"
  | "RUN_FAILED"
  | "RUN_CANCELLED"
  | "RUN_HELD"
  | "SIGNAL_INVALID"
  | "SIGNAL_UNKNOWN"
  | "APPROVAL_UNKNOWN"
  | "APPROVAL_FORBIDDEN"
  | "FILE_UNKNOWN"
  | "NODE_UNKNOWN"
  | "RETRY_REFUSED"
  | "UNSURE_UNKNOWN"
  | "QUEUE_UNKNOWN"
  // running
  | "STEP_FAILED"
  | "STEP_TIMED_OUT"
  | "THREAD_STEP_MISSING"
  | "THREAD_ENDED"
  | "ATTEMPT_CUT_OFF"
  | "COST_TOO_LARGE"
  | "BATCH_MISMATCHED"
  | "QUEUE_EXPIRED"
  | "QUEUE_FULL"
  | "QUEUE_DROPPED"
  | "TX_ASYNC"
  | "TX_ENDED"
  | "TX_UNDONE"
  | "SIGNAL_TIMED_OUT"
  | "CHILD_FAILED"
  | "CHILD_CANCELLED"
  | "CHILD_GONE"
  | "CALL_TOO_DEEP"
  | "MATCH_NO_ARM"
  | "EACH_FAILED"
  | "UNDO_INCOMPLETE"
  | "REPEAT_EXHAUSTED"
  | "SCRIPT_FAILED"
  | "SCRIPT_EXHAUSTED"
  | "SCRIPT_OUTSIDE"
  | "SCRIPT_UNAWAITED"
  | "SCRIPT_CHANGED"
  | "HISTORY_TOO_LONG"
  | "JOURNAL_UNREADABLE"
  | "EXPRESSION_INVALID"
  | "FILE_INVALID"
  | "FILE_TOO_LARGE"
  | "FILES_TOO_MANY"
  | "FILE_NOT_KEPT"
  | "CLOSED"
  // the store
  | "STORE_BUSY"
  | "STORE_FULL"
  | "STORE_READ_ONLY"
  | "STORE_FOREIGN"
  | "STORE_MIXED"
  | "STORE_NEWER"
  | "STORE_MOVED"
  | "STORE_NETWORK"
  | "STORE_UNREACHABLE"
  | "STORE_UNKNOWN"
  | "STORE_LOGIN_REFUSED"
  | "STORE_PERMISSION"
  | "STORE_UNSUITABLE"
  | "STORE_CORRUPT"
  | "CODEC_KEY_MISSING"
  | "CODEC_DAMAGED"
  // the command line
  | "USAGE"
  | "CONFIG_INVALID"
  | "ROWS_INVALID"
  | "FILE_NOT_WRITTEN"
  // testing
  | "STUB_INVALID"
  | "STUB_MISSING"
  | "BODY_UNSETTLED"
  | "RUN_UNFINISHED"
  // our own bug
  | "INVARIANT_BROKEN";

export interface TenfoldErrorOptions {
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** Whatever a caller did wrong, or the world did to us; `facts` are the message's facts as fields. */
export class TenfoldError extends Error {
  readonly code: ErrorCode;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: TenfoldErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "TenfoldError";
    this.code = code;
    this.facts = options.facts ?? {};
  }
}

/** Ends a `switch` over a union: the compiler proves that it is never reached. */
export function unreachable(value: never): never {
  throw new TenfoldError("INVARIANT_BROKEN", `Reached what cannot be reached: ${JSON.stringify(value)}.`);
}

/** Asserts what must hold if our own code is right; its failure is our bug and crashes. */
export function invariant(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new TenfoldError("INVARIANT_BROKEN", `This must always hold, and did not: ${sentence}.`);
}
