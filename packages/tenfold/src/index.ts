/** What `import … from "tenfold"` gives. */
export * from "./flow/index.ts";
export { open, type OpenOptions } from "./engine/open.ts";
export { Tenfold, type StartManyAnswer } from "./engine/client.ts";
export type { AttemptEvent, EventTypes, ProgressEvent, RunEvent, StallEvent, TakenEvent } from "./engine/events.ts";
export type { Log, LogLevel } from "./engine/ports.ts";
export type { RunHandle } from "./engine/run-handle.ts";
export type { RunDetails, RunView } from "./engine/run-view.ts";
export { RunCancelled, RunFailed, type Outcome } from "./engine/results.ts";
export type { Pruned, PruneOptions } from "./engine/retention.ts";
export type { StartManyOptions, StartOptions } from "./engine/start.ts";
export type { ApprovalFilter, ApprovalView, DecisionOptions } from "./engine/approvals.ts";
export type { RunAddress, SignalOptions } from "./engine/signal.ts";
export type { Changed, ChangeOptions, Selection } from "./engine/telling.ts";
export type { CallerClient, PgClient, PostgresTransaction } from "./store/caller-client.ts";
export type { Entry, RunError } from "./core/entry.ts";
export type { RunFilter, RunStatus } from "./store/store.ts";
export { TenfoldError, type ErrorCode } from "./value/error.ts";
