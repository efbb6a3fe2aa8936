/** What a user holds: starts runs, waits for them, finds them, and tells them to stop or to go on. */
import type { Workflow } from "../flow/definition.ts";
import type { RunStatus, StartAnswer } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import { showAll, type Redact } from "../value/redact.ts";
import { backfill, type Backfilled, type BackfillOptions } from "./backfill.ts";
import type { EmitManyAnswer, EmitManyOptions, Emitted, EmitOptions } from "./emit.ts";
import type { Engine } from "./engine.ts";
import { redeliver, type DeliveryFilter, type Redelivered } from "./event-views.ts";
import { decide, type DecisionOptions } from "./approvals.ts";
import { checkChange, checkInputs, checkRunId, checkWorkflow, type RunSearch } from "./caller-checks.ts";
import { readRun } from "./inspect.ts";
import { setQueue, type QueueChange } from "./queues/set-queue.ts";
import { ROOM_WITHIN_MS } from "./queues/start-room.ts";
import type { QueueSettings } from "../core/queues/line-settings.ts";
import { Reading } from "./reading.ts";
import { replaceRuns } from "./replacing.ts";
import { Handle, type HandleQuestions, type MakeHandle, type RunHandle, type StartKind } from "./run-handle.ts";
import { Results, type Outcome } from "./results.ts";
import { prune, type Pruned, type PruneOptions } from "./retention.ts";
import { sendSignal, type RunAddress, type SignalOptions } from "./signal.ts";
import { unsubscribe, type Unsubscribed } from "./unsubscribing.ts";
import { resolveUnsure, type Resolution } from "./unsure.ts";
import { checkStart, checkStartMany, prepareStart, type StartManyOptions, type StartOptions } from "./start.ts";
import { startedOf, startMany, type Started } from "./start-many.ts";
import { checkUpgrade, upgradeRuns, type Upgraded, type UpgradeOptions } from "./upgrade.ts";
import { retryRuns, type RetryRunOptions } from "./retrying.ts";
import { tellRuns, type CancelOptions, type Changed, type Selection } from "./telling.ts";

export type StartManyAnswer<O> =
  { readonly kind: StartKind; readonly run: RunHandle<O> } | { readonly kind: "refused"; readonly error: TenfoldError };

/** What a client may be given beside its engine. */
export interface ClientParts {
  readonly makeHandle?: MakeHandle;
  /** Hides what is not to be shown. */
  readonly redact?: Redact;
  /** Resolves in a later turn of the loop; left out where time is virtual. */
  readonly turn?: () => Promise<void>;
}

const AT_ONCE = (): Promise<void> => Promise.resolve();

export class Tenfold extends Reading {
  readonly #results: Results;
  readonly #asked: HandleQuestions = {
    outcome: (run) => this.#outcomeOf(run),
    status: (run) => this.#statusOf(run),
  };
  readonly #makeHandle: MakeHandle;
  readonly #waitForEnd = (run: string): Promise<Outcome> => this.run(run).outcome();

  /** Use `open`. */
  constructor(engine: Engine, { makeHandle, redact = showAll, turn = AT_ONCE }: ClientParts = {}) {
    super(engine, redact, turn);
    this.#makeHandle = makeHandle ?? ((...parts) => new Handle(...parts));
    const { store, ports } = engine;
    this.#results = new Results(store, ports.clock, engine.events);
  }

  /**
   * Resolves when the run is durable: from then on it is not lost. Given `with`: when that transaction commits; given
   * `ifRunning: "replace"`: once a run that is in its way has ended.
   */
  async start<I, O>(workflow: Workflow<I, O>, input: I, options: StartOptions = {}): Promise<RunHandle<O>> {
    return this.startNamed(checkWorkflow(workflow), input, options) as Promise<RunHandle<O>>;
  }

  /** `start` for a workflow known by name only; WORKFLOW_UNKNOWN if it is not open here. */
  async startNamed(workflow: string, input: unknown, options: StartOptions = {}): Promise<RunHandle> {
    this.mustBeOpen();
    const definition = this.engine.registry.definition(workflow);
    checkStart(options);
    const { store, ports, starts, startRoom } = this.engine;
    const { lane, start } = await prepareStart(definition, input, options, starts.facts);
    const send = (): Promise<readonly StartAnswer[]> =>
      options.with === undefined
        ? starts.add(lane, [start])
        : store.startWith(options.with, lane, [start], ports.clock.now());
    // An open transaction is not held up, and what is started for later does not wait in the queue yet.
    const patienceMs = options.with === undefined ? ROOM_WITHIN_MS : 0;
    const needsRoom = start.at === null && (definition.queue?.backlog ?? null) !== null;
    for (;;) {
      const [answer] = await (needsRoom ? startRoom.start(definition, patienceMs, send) : send());
      if (answer!.kind === "conflict" && options.ifRunning === "replace") {
        await replaceRuns(this.engine, [{ run: answer!.run, by: start.id }], this.#waitForEnd);
        continue;
      }
      const started = startedOf(start, answer!, options.ifRunning);
      if (started instanceof TenfoldError) throw started;
      return this.#handleOf(started);
    }
  }

  /** One answer per input, in order; thousands are one commit. A refused input does not stop the rest. */
  async *startMany<I, O>(
    workflow: Workflow<I, O>,
    inputs: Iterable<I> | AsyncIterable<I>,
    options: StartManyOptions = {},
  ): AsyncGenerator<StartManyAnswer<O>> {
    this.mustBeOpen();
    const definition = this.engine.registry.definition(checkWorkflow(workflow));
    checkStartMany(options);
    checkInputs(inputs);
    for await (const started of startMany(this.engine, definition, inputs, options, this.#waitForEnd)) {
      if (started instanceof TenfoldError) yield { kind: "refused", error: started };
      else yield { kind: started.kind, run: this.#handleOf(started) as RunHandle<O> };
    }
  }

  /** The run with this id; whether there is one shows when it is asked something. */
  run(id: string): RunHandle {
    return this.#handle(id, "existing");
  }

  /** Stops runs that are not finished: their bodies are told to stop, nothing of them starts any more; with `undo` what they did is undone. */
  async cancel(selection: Selection, options: CancelOptions = {}): Promise<Changed> {
    checkChange("cancel", selection, options);
    const reason = options.reason ?? "cancelled without a reason given";
    const statuses: readonly RunStatus[] = ["waiting", "running", "held"];
    this.mustBeOpen();
    const body = { kind: "cancel", reason, ...(options.undo === true ? ({ undo: true } as const) : {}) } as const;
    return tellRuns(this.engine, selection, { body, statuses, reopens: false }, options);
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
    this.mustBeOpen();
    return { run: await sendSignal(this.engine, run, signal, payload, options) };
  }

  /**
   * Approves what `token` names (a run's id does, where the run waits for one approval only), in the name of `by`. Resolves when
   * that is durable; APPROVAL_UNKNOWN, APPROVAL_FORBIDDEN, RUN_FINISHED if it is not. Of decisions that cross, the first counts.
   */
  async approve(token: string, options: DecisionOptions): Promise<{ readonly run: string; readonly node: string }> {
    this.mustBeOpen();
    return decide(this.engine, token, "approved", options);
  }

  /** Refuses what `token` names; as `approve`. */
  async refuse(token: string, options: DecisionOptions): Promise<{ readonly run: string; readonly node: string }> {
    this.mustBeOpen();
    return decide(this.engine, token, "refused", options);
  }

  /**
   * Says whether the attempt that `token` names (a run's id does, where one only is asked about) has happened. If it has, its node is
   * done, with this `output`; if not, the step is called again. Resolves when that is durable; UNSURE_UNKNOWN, OUTPUT_INVALID,
   * RUN_FINISHED if it is not. Of answers that cross, the first counts.
   */
  async resolve(token: string, resolution: Resolution): Promise<{ readonly run: string; readonly node: string }> {
    this.mustBeOpen();
    return resolveUnsure(this.engine, token, resolution);
  }

  /** Has failed, cancelled and held runs go on from where they stopped, or from a node; other results that are recorded stay. */
  async retry(selection: Selection, options: RetryRunOptions = {}): Promise<Changed> {
    checkChange("retry", selection, options);
    this.mustBeOpen();
    return retryRuns(this.engine, selection, options);
  }

  /**
   * Has runs that are at work, or held, go on with today's graphs of their workflows: those whose journals fit them. Resolves when
   * they do, or when it is known why not; RUN_UNKNOWN, RUN_WAITING or RUN_FINISHED for a run that is named and cannot be told.
   */
  async upgrade(selection: Selection, options: UpgradeOptions = {}): Promise<Upgraded> {
    checkUpgrade(selection, options);
    this.mustBeOpen();
    return upgradeRuns(this.engine, selection, options);
  }

  /**
   * Removes finished runs that ended long ago, of those that the filter finds: with their journals and all that belongs to them. Their
   * keys are known for longer, so that nothing runs a second time. A run that still has something to tell another one stays.
   */
  async prune(filter: RunSearch, options: PruneOptions): Promise<Pruned> {
    this.mustBeOpen();
    return prune(this.engine, filter, options);
  }

  /**
   * Sets limits of a queue, or of a limit that queues share, in the place of those in the code; or has it start nothing. It is so within
   * five seconds, on whatever worker decides, and stays so until it is set again. Answers all that is set of it; QUEUE_UNKNOWN,
   * RATE_INVALID. Of two that set the same line at once, the last one counts.
   */
  async setQueue(queue: string, change: QueueChange): Promise<QueueSettings> {
    this.mustBeOpen();
    return setQueue(this.engine, queue, change);
  }

  /** Starts one run for each tick of a schedule in a range of time that has none yet; all at once, whatever overlaps. */
  async backfill<I, O>(workflow: Workflow<I, O>, schedule: string, options: BackfillOptions): Promise<Backfilled> {
    this.mustBeOpen();
    return backfill(this.engine, checkWorkflow(workflow), schedule, options);
  }

  /**
   * Emits an event: it starts a run of each workflow that subscribes to it, and whose filter is true of it. Resolves when it is durable
   * with the list of these; the same `id` again starts nothing. No code of theirs is needed here.
   */
  async emit(event: string, payload?: unknown, options: EmitOptions = {}): Promise<Emitted> {
    this.mustBeOpen();
    return this.engine.emitter.emit(event, payload ?? null, options);
  }

  /** One answer per payload, in order; thousands are one commit. A payload that is refused does not stop the rest. */
  async *emitMany<P>(
    event: string,
    payloads: Iterable<P> | AsyncIterable<P>,
    options: EmitManyOptions<P> = {},
  ): AsyncGenerator<EmitManyAnswer> {
    this.mustBeOpen();
    yield* this.engine.emitter.emitMany(event, payloads, options);
  }

  /** Has what was refused be delivered again, by the code of today. */
  async redeliver(filter: DeliveryFilter = {}, options: { readonly dryRun?: boolean } = {}): Promise<Redelivered> {
    this.mustBeOpen();
    return redeliver(this.engine, filter, options);
  }

  /** Ends the subscriptions of a workflow whose code is gone, and refuses what waits for it. */
  async unsubscribe(workflow: string): Promise<Unsubscribed> {
    this.mustBeOpen();
    return unsubscribe(this.engine, workflow);
  }

  /** Lets bodies finish within the drain limit, gives the rest back, closes the store. Answers how many were stopped. */
  async close(): Promise<{ readonly stopped: number }> {
    if (this.isClosed) return { stopped: 0 };
    this.isClosed = true;
    const stopped = await this.engine.stop();
    this.#results.close();
    await this.engine.ports.executor.close?.();
    await this.engine.store.close();
    return { stopped };
  }

  /** As `close`: `await using tenfold = await open(…)`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #handleOf({ kind, run }: Started): RunHandle {
    return this.#handle(run, kind);
  }

  #handle(id: string, kind: StartKind): RunHandle {
    return this.#makeHandle(id, kind, this.#asked);
  }

  async #outcomeOf(id: string): Promise<Outcome> {
    this.mustBeOpen();
    return this.#results.of(checkRunId(id));
  }

  async #statusOf(id: string): Promise<RunStatus> {
    await this.asked();
    return (await readRun(this.engine, id)).status;
  }
}
