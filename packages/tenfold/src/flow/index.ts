/** What a workflow is drawn with: the public face of the flow floor. */
export { after, type Deps } from "./after.ts";
export {
  approval,
  type Approval,
  type ApprovalOptions,
  type ApprovalRequest,
  type Decided,
  type People,
} from "./approval.ts";
export { attempt, type Attempt, type AttemptOptions } from "./attempt.ts";
export type { BacklogOptions } from "./backlog.ts";
export type { BatchContext, BatchOptions } from "./batch.ts";
export { match, when, type Match, type When } from "./branch.ts";
export { calendar, type CalendarOptions } from "./calendar.ts";
export { call, type Call } from "./call.ts";
export { checkGraph } from "./check-graph.ts";
export type {
  Expect,
  NodeCode,
  RetryOptions,
  ScriptBody,
  StepContext,
  StepDefinition,
  StepLog,
  StepOverrides,
  StepTransaction,
  Warning,
  Workflow,
  WorkflowDefinition,
  WorkflowInput,
  WorkflowOutput,
} from "./definition.ts";
export type { DebounceOptions } from "./debounce.ts";
export { derive, type Derive } from "./derive.ts";
export { each, type Collected, type Each, type EachOptions, type EnoughOptions, type RunErrorJson } from "./each.ts";
export { evaluate, labelOf, type ReadOutput } from "./evaluate.ts";
export { all, any, eq, gt, gte, lt, lte, not, oneOf, present, type Condition } from "./expression.ts";
export type * from "./graph.ts";
export type { Input, Lifted, Plain, Present, Symbolic, Value } from "./lifted.ts";
export type { FileRef, FileSource, FileView, StepFiles, StoredFile } from "./files.ts";
export { limit, type Limit, type LimitOptions } from "./limit.ts";
export { on, type OnOptions } from "./on.ts";
export { NotDone } from "./not-done.ts";
export type { BatchedQueueOptions, QueueKeyOptions, QueueOptions } from "./queue.ts";
export type { BatchDefinition, LimitDefinition, QueueDefinition, QueueKeyDefinition } from "./queue-definition.ts";
export { RateLimited } from "./rate-limited.ts";
export { repeat, type Repeat, type RepeatOptions } from "./repeat.ts";
export { schedule, type BusinessDayRule, type ScheduleOptions } from "./schedule.ts";
export { script, type Script, type ScriptOptions } from "./script.ts";
export type { ScriptContext, ScriptSignals, ScriptWaitOptions } from "./script-context.ts";
export { sleep, sleepUntil, type Sleep, type SleepUntil } from "./sleep.ts";
export { step, type BatchedStep, type Step, type StepOptions } from "./step.ts";
export type {
  ContextOf,
  PostgresQuery,
  PostgresResult,
  PostgresTx,
  SqliteTx,
  SqliteValue,
  TestedContext,
} from "./transaction.ts";
export type { ThreadModule } from "./thread-module.ts";
export type { ThreadOptions } from "./threads.ts";
export { waitFor, type WaitFor, type WaitOptions } from "./wait-for.ts";
export { nextTicks } from "./ticks.ts";
export type {
  EventDefinition,
  EventTrigger,
  Schedule,
  ScheduleDefinition,
  ScheduledInput,
  Tick,
  Trigger,
  TriggerDefinition,
} from "./trigger.ts";
export { workflow, type WorkflowOptions } from "./workflow.ts";
export type { Calendar, Weekday } from "../value/business-days.ts";
