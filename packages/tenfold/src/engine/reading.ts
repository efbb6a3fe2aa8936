/** What can be asked of a store, and of the runs and events in it: nothing here changes any of them. */
import type { FileRef, FileView, StoredFile } from "../flow/files.ts";
import type { WorkflowDefinition } from "../flow/definition.ts";
import type { Graph } from "../flow/graph.ts";
import type { Missing, RunStatus } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import { planDeploy, type DeployPlan, type PlanOptions } from "./plan-deploy.ts";
import { Registry } from "./registry.ts";
import type { Redact } from "../value/redact.ts";
import type { Engine } from "./engine.ts";
import {
  undelivered,
  viewEvent,
  viewSubscriptions,
  type DeliveryFilter,
  type DeliveryView,
  type SubscriptionView,
} from "./event-views.ts";
import type { EventTypes, Listener } from "./events.ts";
import { approvalsOf, type ApprovalFilter, type ApprovalView } from "./approvals.ts";
import { checkBehind, checkPage, laneIn, type RunSearch } from "./caller-checks.ts";
import { fileOf, filesOf } from "./client-files.ts";
import { compiledOf, readRun } from "./inspect.ts";
import { countRuns, listRuns } from "./listing.ts";
import { detailsOf, redactedRun, viewOf, type RunDetails, type RunView, type ShownRun } from "./run-view.ts";
import { unsureOf, type UnsureFilter, type UnsureView } from "./unsure.ts";
import { viewQueues, type QueueView } from "./queues/queue-views.ts";
import { whyOf, type Why } from "./why.ts";
import { viewSchedules, type ScheduleView } from "./schedule-views.ts";

export class Reading {
  protected readonly engine: Engine;
  protected readonly redact: Redact;
  protected isClosed = false;
  readonly #turn: () => Promise<void>;

  /** Before each answer `turn` leaves the loop to what is at work in this process: somebody may ask again and again without a pause. */
  constructor(engine: Engine, redact: Redact, turn: () => Promise<void>) {
    this.engine = engine;
    this.redact = redact;
    this.#turn = turn;
  }

  /** Where the runs are kept. */
  get store(): string {
    return this.engine.store.name;
  }

  /** What is out of reach now, of a store on several servers: what was listed or counted lacks its runs. */
  get missing(): readonly Missing[] {
    return this.engine.store.missing ?? [];
  }

  /** Whether runs are worked here now: it has its leases, the store takes its writes, and it was not closed. */
  get isReady(): boolean {
    return this.engine.isReady;
  }

  get workflows(): readonly WorkflowDefinition[] {
    return [...this.engine.registry.definitions];
  }

  /** Everything known about a run, its journal included; RUN_UNKNOWN if there is none. */
  async show(id: string): Promise<RunDetails> {
    await this.asked();
    const record = await readRun(this.engine, id);
    return detailsOf(record, await this.engine.store.journal(laneIn(this.engine.store, id), id));
  }

  /** What a run waits for, until when, and why it ended if it has not completed; RUN_UNKNOWN if there is none. */
  async why(id: string): Promise<Why> {
    await this.asked();
    return whyOf(this.engine, id);
  }

  /** The graph that a run began with, whatever is defined now; RUN_UNKNOWN if there is no such run. */
  async graphOf(id: string): Promise<Graph> {
    await this.asked();
    return (await compiledOf(this.engine, await readRun(this.engine, id))).graph;
  }

  /** Runs that a filter finds, newest first, read page by page; `before`: only those older than this run. */
  async *runs(filter: RunSearch = {}, options: { readonly before?: string } = {}): AsyncGenerator<RunView> {
    await this.asked();
    checkBehind(options);
    for await (const record of listRuns(this.engine.store, filter, options.before ?? null)) yield viewOf(record);
  }

  /** One page of `runs`: those older than the run `before`. */
  async page(filter: RunSearch, page: { before?: string; limit: number }): Promise<readonly RunView[]> {
    await this.asked();
    checkPage(page);
    const found: RunView[] = [];
    for await (const record of listRuns(this.engine.store, filter, page.before ?? null, page.limit)) {
      if (found.push(viewOf(record)) >= page.limit) break;
    }
    return found;
  }

  /** What people may see of a run, or of its outcome: the fields that `redact` names are hidden. For pages and messages. */
  redacted<T extends ShownRun>(run: T): T {
    return redactedRun(run, this.redact);
  }

  /** How many runs there are by workflow and status, of those started in [from, until); costs nothing at a million. */
  async counts(
    filter: Pick<RunSearch, "workflow" | "from" | "until"> = {},
  ): Promise<readonly { workflow: string; status: RunStatus; runs: number }[]> {
    await this.asked();
    return countRuns(this.engine.store, filter);
  }

  /** Attempts of `once` steps of which somebody has to say whether they happened, those of the newest runs first. */
  async *unsure(filter: UnsureFilter = {}): AsyncGenerator<UnsureView> {
    await this.asked();
    yield* unsureOf(this.engine, filter);
  }

  /** Approvals that wait for people, those of the newest runs first. */
  async *approvals(filter: ApprovalFilter = {}): AsyncGenerator<ApprovalView> {
    await this.asked();
    yield* approvalsOf(this.engine, filter);
  }

  /** The files that the steps of a run have written, the first first; RUN_UNKNOWN if there is no such run. */
  async files(run: string): Promise<readonly FileView[]> {
    await this.asked();
    return filesOf(this.engine, run);
  }

  /** One of them, by its name, by node and name, or by what `write` answered, to be read; FILE_UNKNOWN if there is none. */
  async file(run: string, file: string | FileRef): Promise<StoredFile> {
    await this.asked();
    return fileOf(this.engine, run, file);
  }

  /**
   * Queues and shared limits, by their names: those of the open workflows, and those that the store knows. What is in another process's
   * memory is as that said last, which is a few seconds ago at most.
   */
  async queues(): Promise<readonly QueueView[]> {
    await this.asked();
    return viewQueues(this.engine);
  }

  /** The schedules of the open workflows: how far each has come, and its next `count` ticks. */
  async schedules(count = 5): Promise<readonly ScheduleView[]> {
    await this.asked();
    const { registry, store, ports } = this.engine;
    return viewSchedules(registry.definitions, store, ports.clock.now(), count);
  }

  /** What became of an event, for each workflow that it is for; undefined: nobody subscribed, or it was long ago. */
  async event(
    event: string,
    id: string,
    options: { readonly tenant?: string } = {},
  ): Promise<readonly DeliveryView[] | undefined> {
    await this.asked();
    return viewEvent(this.engine, event, id, options);
  }

  /** Which events start which workflows, whoever has their code. */
  async subscriptions(): Promise<readonly SubscriptionView[]> {
    await this.asked();
    return viewSubscriptions(this.engine.store);
  }

  /** What was emitted and started no run: it waits for a worker that has the code, or was refused. */
  async *undelivered(state: "waiting" | "refused", filter: DeliveryFilter = {}): AsyncGenerator<DeliveryView> {
    await this.asked();
    yield* undelivered(this.engine, state, filter);
  }

  /**
   * What a deploy of `workflows` (of those that are open, where they are left out) would change for the runs in flight: which would be
   * held for want of code, and which could be moved. Nothing is changed; WORKFLOW_UNKNOWN for a name that nobody knows.
   */
  async plan({
    workflows,
    ...options
  }: PlanOptions & { readonly workflows?: readonly WorkflowDefinition[] } = {}): Promise<DeployPlan> {
    await this.asked();
    const { store, registry } = this.engine;
    return planDeploy({ store, registry: workflows === undefined ? registry : new Registry(workflows) }, options);
  }

  /** Calls `listener` for what happens in this process; answers how to stop. */
  on<K extends keyof EventTypes>(kind: K, listener: Listener<EventTypes[K]>): () => void {
    return this.engine.events.on(kind, listener);
  }

  protected async asked(): Promise<void> {
    this.mustBeOpen();
    await this.#turn();
  }

  protected mustBeOpen(): void {
    if (this.isClosed)
      throw new TenfoldError("CLOSED", "This handle was closed; nothing was done. Open the store again.");
  }
}
