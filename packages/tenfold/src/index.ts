/** What `import … from "tenfold"` gives. */
export * from "./flow/index.ts";
export { open, type OpenOptions } from "./engine/open.ts";
export { Tenfold, type StartManyAnswer } from "./engine/client.ts";
export type {
  AttemptEvent,
  EventTypes,
  ProgressEvent,
  RunEvent,
  StallEvent,
  TakenEvent,
  UnsureEvent,
} from "./engine/events.ts";
export type { EmitManyAnswer, EmitManyOptions, Emitted, EmitOptions } from "./engine/emit.ts";
export type { DeliveryFilter, DeliveryView, Redelivered, SubscriptionView } from "./engine/event-views.ts";
export type { Unsubscribed } from "./engine/unsubscribing.ts";
export type { Log, LogLevel } from "./engine/ports.ts";
export type { RunHandle } from "./engine/run-handle.ts";
export type { RunDetails, RunView, ShownRun, UnreadPart } from "./engine/run-view.ts";
export { RunCancelled, RunFailed, type Outcome } from "./engine/results.ts";
export type { DeployPlan, GraphPlan, HeldRuns, PlanOptions, WorkflowPlan } from "./engine/plan-deploy.ts";
export type { Refused } from "./engine/misfits.ts";
export type { Upgraded, UpgradeOptions } from "./engine/upgrade.ts";
export type { ChangedNode, DiffNode, Edge, GraphDiff } from "./flow/graph-diff.ts";
export type { Why } from "./engine/why.ts";
export type { Wait } from "./core/why.ts";
export type { QueueView } from "./engine/queues/queue-views.ts";
export type { QueueChange } from "./engine/queues/set-queue.ts";
export type { QueueSettings } from "./core/queues/line-settings.ts";
export type { LimitTexts } from "./core/queues/limit-texts.ts";
export type { Binding } from "./core/queues/line-facts.ts";
export type { Backfilled, BackfillOptions } from "./engine/backfill.ts";
export type { ScheduleView } from "./engine/schedule-views.ts";
export type { Pruned, PruneOptions } from "./engine/retention.ts";
export type { IfRunning, StartManyOptions, StartOptions } from "./engine/start.ts";
export type { ApprovalFilter, ApprovalView, DecisionOptions } from "./engine/approvals.ts";
export type { Resolution, UnsureFilter, UnsureView } from "./engine/unsure.ts";
export type { RunAddress, SignalOptions } from "./engine/signal.ts";
export type { RetryRunOptions } from "./engine/retrying.ts";
export type { CancelOptions, Changed, ChangeOptions, Refusal, Selection } from "./engine/telling.ts";
export { aes256gcm, type Aes256GcmOptions } from "./store/codec/aes256gcm.ts";
export type { Codec, TextPlace } from "./store/codec/codec.ts";
export type { CallerClient, PgClient, PostgresTransaction } from "./store/caller-client.ts";
export type { Entry, RunError } from "./core/entry.ts";
export type { RunSearch as RunFilter } from "./engine/caller-checks.ts";
export type { RunStatus } from "./store/store.ts";
export { TenfoldError, type ErrorCode } from "./value/error.ts";
