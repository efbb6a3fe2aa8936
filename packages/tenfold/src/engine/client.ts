/** What a user holds: starts runs, waits for them, finds them, and tells them to stop or to go on. */
import type { FileRef, FileView, StoredFile } from "../flow/files.ts";
import type { Workflow, WorkflowDefinition } from "../flow/definition.ts";
import type { Graph } from "../flow/graph.ts";
import type { Missing, RunStatus } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import { showAll, type Redact } from "../value/redact.ts";
import { backfill, type Backfilled, type BackfillOptions } from "./backfill.ts";
import type { Engine } from "./engine.ts";
import type { EventTypes, Listener } from "./events.ts";
import { approvalsOf, decide, type ApprovalFilter, type ApprovalView, type DecisionOptions } from "./approvals.ts";
import {
  checkBehind,
  checkChange,
  checkInputs,
  checkPage,
  checkRunId,
  checkWorkflow,
  laneIn,
  type RunSearch,
} from "./caller-checks.ts";
import { fileOf, filesOf } from "./client-files.ts";
import { compiledOf, readRun } from "./inspect.ts";
import { countRuns, listRuns } from "./listing.ts";
import { Handle, type HandleQuestions, type MakeHandle, type RunHandle } from "./run-handle.ts";
import { detailsOf, redactedRun, viewOf, type RunDetails, type RunView, type ShownRun } from "./run-view.ts";
import { Results, type Outcome } from "./results.ts";
import { prune, type Pruned, type PruneOptions } from "./retention.ts";
import { sendSignal, type RunAddress, type SignalOptions } from "./signal.ts";
import { whyOf, type Why } from "./why.ts";
import { viewSchedules, type ScheduleView } from "./schedule-views.ts";
import { checkStart, checkStartMany, prepareStart, type StartManyOptions, type StartOptions } from "./start.ts";
import { startedOf, startMany, type Started } from "./start-many.ts";
import { tellRuns, type Changed, type ChangeOptions, type Selection } from "./telling.ts";

export type StartManyAnswer<O> =
  | { readonly kind: "started" | "existing"; readonly run: RunHandle<O> }
  | { readonly kind: "refused"; readonly error: TenfoldError };

/** What a client may be given beside its engine. */
export interface ClientParts {
  readonly makeHandle?: MakeHandle;
  /** Hides what is not to be shown. */
  readonly redact?: Redact;
}

export class Tenfold {
  readonly #engine: Engine;
  readonly #results: Results;
  readonly #redact: Redact;
  readonly #asked: HandleQuestions = {
    outcome: (run) => this.#outcomeOf(run),
    status: (run) => this.#statusOf(run),
  };
  readonly #makeHandle: MakeHandle;
  #isClosed = false;

  /** Use `open`. */
  constructor(engine: Engine, { makeHandle = (...parts) => new Handle(...parts), redact = showAll }: ClientParts = {}) {
    this.#engine = engine;
    this.#makeHandle = makeHandle;
    this.#redact = redact;
    const { store, ports } = engine;
    this.#results = new Results(store, ports.clock, engine.events);
  }

  /** Where the runs are kept. */
  get store(): string {
    return this.#engine.store.name;
  }

  /** What is out of reach now, of a store on several servers: what was listed or counted lacks its runs. */
  get missing(): readonly Missing[] {
    return this.#engine.store.missing ?? [];
  }

  /** Whether runs are worked here now: it has its leases, the store takes its writes, and it was not closed. */
  get isReady(): boolean {
    return this.#engine.isReady;
  }

  get workflows(): readonly WorkflowDefinition[] {
    return [...this.#engine.registry.definitions];
  }

  /** Resolves when the run is durable: from then on it is not lost. Given `with`: when that transaction commits. */
  async start<I, O>(workflow: Workflow<I, O>, input: I, options: StartOptions = {}): Promise<RunHandle<O>> {
    return this.startNamed(checkWorkflow(workflow), input, options) as Promise<RunHandle<O>>;
  }

  /** `start` for a workflow known by name only; WORKFLOW_UNKNOWN if it is not open here. */
  async startNamed(workflow: string, input: unknown, options: StartOptions = {}): Promise<RunHandle> {
    this.#mustBeOpen();
    const definition = this.#engine.registry.definition(workflow);
    checkStart(options);
    const { store, ports, starts } = this.#engine;
    const { lane, start } = await prepareStart(definition, input, options, starts.facts);
    const [answer] = await (options.with === undefined
      ? starts.add(lane, [start])
      : store.startWith(options.with, lane, [start], ports.clock.now()));
    const started = startedOf(start, answer!);
    if (started instanceof TenfoldError) throw started;
    return this.#handleOf(started);
  }

  /** One answer per input, in order; thousands are one commit. A refused input does not stop the rest. */
  async *startMany<I, O>(
    workflow: Workflow<I, O>,
    inputs: Iterable<I> | AsyncIterable<I>,
    options: StartManyOptions = {},
  ): AsyncGenerator<StartManyAnswer<O>> {
    this.#mustBeOpen();
    const definition = this.#engine.registry.definition(checkWorkflow(workflow));
    checkStartMany(options);
    checkInputs(inputs);
    for await (const started of startMany(this.#engine, definition, inputs, options)) {
      if (started instanceof TenfoldError) yield { kind: "refused", error: started };
      else yield { kind: started.kind, run: this.#handleOf(started) as RunHandle<O> };
    }
  }

  /** The run with this id; whether there is one shows when it is asked something. */
  run(id: string): RunHandle {
    return this.#handle(id, true);
  }

  /** Everything known about a run, its journal included; RUN_UNKNOWN if there is none. */
  async show(id: string): Promise<RunDetails> {
    const record = await readRun(this.#engine, id);
    return detailsOf(record, await this.#engine.store.journal(laneIn(this.#engine.store, id), id));
  }

  /** What a run waits for, until when, and why it ended if it has not completed; RUN_UNKNOWN if there is none. */
  async why(id: string): Promise<Why> {
    return whyOf(this.#engine, id);
  }

  /** The graph that a run began with, whatever is defined now; RUN_UNKNOWN if there is no such run. */
  async graphOf(id: string): Promise<Graph> {
    return (await compiledOf(this.#engine, await readRun(this.#engine, id))).graph;
  }

  /** Runs that a filter finds, newest first, read page by page; `before`: only those older than this run. */
  async *runs(filter: RunSearch = {}, options: { readonly before?: string } = {}): AsyncGenerator<RunView> {
    checkBehind(options);
    for await (const record of listRuns(this.#engine.store, filter, options.before ?? null)) yield viewOf(record);
  }

  /** One page of `runs`: those older than the run `before`. */
  async page(filter: RunSearch, page: { before?: string; limit: number }): Promise<readonly RunView[]> {
    checkPage(page);
    const found: RunView[] = [];
    for await (const record of listRuns(this.#engine.store, filter, page.before ?? null, page.limit)) {
      if (found.push(viewOf(record)) >= page.limit) break;
    }
    return found;
  }

  /** What people may see of a run, or of its outcome: the fields that `redact` names are hidden. For pages and messages. */
  redacted<T extends ShownRun>(run: T): T {
    return redactedRun(run, this.#redact);
  }

  /** How many runs there are by workflow and status, of those started in [from, until); costs nothing at a million. */
  async counts(
    filter: Pick<RunSearch, "workflow" | "from" | "until"> = {},
  ): Promise<readonly { workflow: string; status: RunStatus; runs: number }[]> {
    return countRuns(this.#engine.store, filter);
  }

  /** Stops runs that are not finished: their bodies are told to stop, nothing of them starts any more. */
  async cancel(selection: Selection, options: ChangeOptions & { readonly reason?: string } = {}): Promise<Changed> {
    checkChange("cancel", selection, options);
    const reason = options.reason ?? "cancelled without a reason given";
    const statuses: readonly RunStatus[] = ["waiting", "running", "held"];
    this.#mustBeOpen();
    return tellRuns(this.#engine, selection, { body: { kind: "cancel", reason }, statuses, reopens: false }, options);
  }

  /**
   * Sends a run a signal: to the node that waits for it, or kept for the first that will. The run is named by its id, or as the
   * last one of a workflow's key. Resolves when it is durable; RUN_UNKNOWN, RUN_FINISHED, SIGNAL_UNKNOWN, SIGNAL_INVALID if it is not.
   */
  async signal(
    run: RunAddress,
    signal: string,
    payload?: unknown,
    options: SignalOptions = {},
  ): Promise<{ run: string }> {
    this.#mustBeOpen();
    return { run: await sendSignal(this.#engine, run, signal, payload, options) };
  }

  /** Approvals that wait for people, those of the newest runs first. */
  async *approvals(filter: ApprovalFilter = {}): AsyncGenerator<ApprovalView> {
    this.#mustBeOpen();
    yield* approvalsOf(this.#engine, filter);
  }

  /**
   * Approves what `token` names (a run's id does, where the run waits for one approval only), in the name of `by`. Resolves when
   * that is durable; APPROVAL_UNKNOWN, APPROVAL_FORBIDDEN, RUN_FINISHED if it is not. Of decisions that cross, the first counts.
   */
  async approve(token: string, options: DecisionOptions): Promise<{ readonly run: string; readonly node: string }> {
    this.#mustBeOpen();
    return decide(this.#engine, token, "approved", options);
  }

  /** Refuses what `token` names; as `approve`. */
  async refuse(token: string, options: DecisionOptions): Promise<{ readonly run: string; readonly node: string }> {
    this.#mustBeOpen();
    return decide(this.#engine, token, "refused", options);
  }

  /** Has failed, cancelled and held runs go on from where they stopped; results that are recorded stay. */
  async retry(selection: Selection, options: ChangeOptions = {}): Promise<Changed> {
    checkChange("retry", selection, options);
    const statuses: readonly RunStatus[] = ["failed", "cancelled", "held"];
    this.#mustBeOpen();
    return tellRuns(this.#engine, selection, { body: { kind: "retry" }, statuses, reopens: true }, options);
  }

  /**
   * Removes finished runs that ended long ago, of those that the filter finds: with their journals and all that belongs to them. Their
   * keys are known for longer, so that nothing runs a second time. A run that still has something to tell another one stays.
   */
  async prune(filter: RunSearch, options: PruneOptions): Promise<Pruned> {
    this.#mustBeOpen();
    return prune(this.#engine, filter, options);
  }

  /** The files that the steps of a run have written, the first first; RUN_UNKNOWN if there is no such run. */
  async files(run: string): Promise<readonly FileView[]> {
    this.#mustBeOpen();
    return filesOf(this.#engine, run);
  }

  /** One of them, by its name, by node and name, or by what `write` answered, to be read; FILE_UNKNOWN if there is none. */
  async file(run: string, file: string | FileRef): Promise<StoredFile> {
    this.#mustBeOpen();
    return fileOf(this.#engine, run, file);
  }

  /** The schedules of the open workflows: how far each has come, and its next `count` ticks. */
  async schedules(count = 5): Promise<readonly ScheduleView[]> {
    this.#mustBeOpen();
    const { registry, store, ports } = this.#engine;
    return viewSchedules(registry.definitions, store, ports.clock.now(), count);
  }

  /** Starts one run for each tick of a schedule in a range of time that has none yet; all at once, whatever overlaps. */
  async backfill<I, O>(workflow: Workflow<I, O>, schedule: string, options: BackfillOptions): Promise<Backfilled> {
    this.#mustBeOpen();
    return backfill(this.#engine, checkWorkflow(workflow), schedule, options);
  }

  /** Calls `listener` for what happens in this process; answers how to stop. */
  on<K extends keyof EventTypes>(kind: K, listener: Listener<EventTypes[K]>): () => void {
    return this.#engine.events.on(kind, listener);
  }

  /** Lets bodies finish within the drain limit, gives the rest back, closes the store. Answers how many were stopped. */
  async close(): Promise<{ readonly stopped: number }> {
    if (this.#isClosed) return { stopped: 0 };
    this.#isClosed = true;
    const stopped = await this.#engine.stop();
    this.#results.close();
    await this.#engine.store.close();
    return { stopped };
  }

  #handleOf({ kind, run }: Started): RunHandle {
    return this.#handle(run, kind === "existing");
  }

  #handle(id: string, existing: boolean): RunHandle {
    return this.#makeHandle(id, existing, this.#asked);
  }

  async #outcomeOf(id: string): Promise<Outcome> {
    this.#mustBeOpen();
    return this.#results.of(checkRunId(id));
  }

  async #statusOf(id: string): Promise<RunStatus> {
    return (await readRun(this.#engine, id)).status;
  }

  #mustBeOpen(): void {
    if (this.#isClosed)
      throw new TenfoldError("CLOSED", "This handle was closed; nothing was done. Open the store again.");
  }
}
