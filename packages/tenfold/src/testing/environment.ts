/**
 * What a test holds: the real engine on a store in memory, on time that the test moves, with stubs where it wants them.
 * Invariants: real time decides nothing that is recorded; time moves only when the test says so; after a crash another
 * worker goes on with what the store has.
 */
import type { Tenfold } from "../engine/client.ts";
import { CHECKED_APART, checkOptions } from "../engine/caller-checks.ts";
import { withCallees } from "../engine/callees.ts";
import type { EmitOptions } from "../engine/emit.ts";
import { Engine } from "../engine/engine.ts";
import type { Log } from "../engine/ports.ts";
import type { RunHandle } from "../engine/run-handle.ts";
import type { StepDefinition, WorkflowDefinition } from "../flow/definition.ts";
import type { BatchedStep, Step } from "../flow/step.ts";
import { MemoryStore } from "../store/memory.ts";
import { durationMs, durationText, type Duration } from "../value/duration.ts";
import { TenfoldError } from "../value/error.ts";
import { instantMs } from "../value/instant.ts";
import { seededRandom } from "../value/random.ts";
import { Bodies } from "./bodies.ts";
import { CallLog, type Call, type UndoCall } from "./call-log.ts";
import { filesOf, type TestFile } from "./run-files.ts";
import { RunEnds } from "./run-ends.ts";
import { entriesOf, pathTaken, timelineText, type TestEntry } from "./run-journal.ts";
import { SeenRuns, type NamedRun } from "./seen-runs.ts";
import type { StubBody, StubUndo } from "./stub-bodies.ts";
import { Stubs, type NamedStep, type NodeChoice } from "./stubs.ts";
import { TestClient, type TestHost } from "./test-client.ts";
import { stepWithFollowedSchemas, TestExecutor, withFollowedSchemas } from "./test-executor.ts";
import { TestTime } from "./test-time.ts";
import { TEST_SETTINGS } from "./test-worker.ts";
import { WorkerTime } from "./virtual-time.ts";
import { WorkerPlace } from "./worker-place.ts";

export interface TestParts {
  readonly workflows: readonly WorkflowDefinition[];
  /** Virtual time at the start (ms since 1970). */
  readonly now: number;
  readonly seed: string | number;
  readonly isStrict: boolean;
  readonly patienceMs: number;
  readonly log: Log;
}

/** How long no worker is there after a crash. */
export interface CrashOptions {
  readonly downFor?: Duration;
}

/** Virtual time that a worker is given to leave; it needs a few milliseconds. */
const CLOSING_MS = 10_000;

export class TestEnvironment implements AsyncDisposable {
  /** The ordinary client. */
  readonly tenfold: Tenfold;
  readonly #client: TestClient;
  readonly #store = new MemoryStore();
  readonly #time: TestTime;
  readonly #bodies: Bodies;
  readonly #stubs: Stubs;
  readonly #calls = new CallLog();
  readonly #executor: TestExecutor;
  readonly #worker: WorkerPlace;
  readonly #runs: SeenRuns;
  readonly #ends: RunEnds;
  #closing: Promise<void> | null = null;

  /** Opens the environment: everything is ready, and nothing has happened. */
  static async open(parts: TestParts): Promise<TestEnvironment> {
    const test = new TestEnvironment(parts);
    await test.#turn(async () => {
      await test.#worker.launch();
      await test.#time.pass(test.now);
    });
    return test;
  }

  private constructor({ workflows, now, isStrict, patienceMs, log, seed }: TestParts) {
    const isDue = (): boolean => this.#time.hasDue;
    this.#bodies = new Bodies(patienceMs, isDue, () => this.#time.stir());
    const underWay = (): Promise<unknown> | null => this.#bodies.underWay();
    this.#time = new TestTime(now, underWay, () => this.#bodies.wake());
    const known = withCallees(workflows);
    this.#stubs = new Stubs(known, isStrict);
    this.#executor = new TestExecutor(this.#stubs, this.#bodies, this.#calls, () => this.now);
    const followed = known.map((workflow) => withFollowedSchemas(workflow, this.#bodies));
    const prepare = (step: StepDefinition): StepDefinition => stepWithFollowedSchemas(step, this.#bodies);
    const world = { store: this.#store, time: this.#time.line, workflows: followed, log, prepare };
    this.#worker = new WorkerPlace(world, seed, this.#executor);
    this.#runs = new SeenRuns(this.#store, known);
    this.#ends = this.#runEnds(patienceMs);
    const ports = { clock: new WorkerTime(world.time), random: seededRandom(`${seed} client`), log };
    const executor = { execute: () => {} };
    const host = { worker: "client", host: "test", process: "client", isGone: () => false };
    const settings = { ...TEST_SETTINGS, work: false };
    const engine = new Engine(this.#store, known, { ...ports, executor }, host, settings);
    this.#client = new TestClient(engine, this.#hostOf());
    this.tenfold = this.#client;
  }

  /** Virtual time (ms since 1970). */
  get now(): number {
    return this.#time.now;
  }

  /** Moves time on, and has everything happen on the way, in order of time; then what is due now. */
  async advance(duration: Duration): Promise<void> {
    const ms = durationMs(duration, "what `advance` was given");
    await this.#turn(() => this.#time.pass(this.now + ms));
  }

  /** `advance` until a moment: ms since 1970, or an ISO 8601 text with its offset. */
  async advanceTo(moment: string | number): Promise<void> {
    const at = instantMs(moment, "what `advanceTo` was given");
    await this.#turn(async () => {
      if (at < this.now) throw past(at, this.now);
      await this.#time.pass(at);
    });
  }

  /** Has everything happen that can without time passing: bodies that run in real time are waited for. */
  async settle(): Promise<void> {
    await this.#turn(() => this.#time.pass(this.now));
  }

  /**
   * Moves time on until the run ends, and answers its output; throws what `run.result()` throws. RUN_UNFINISHED if it has not
   * ended `within` ("365 days") or no time brings its end: time then stands where the last thing happened.
   */
  async finish<O>(run: RunHandle<O>, options?: { readonly within?: Duration }): Promise<O>;
  async finish(run: NamedRun, options?: { readonly within?: Duration }): Promise<unknown>;
  async finish(run: NamedRun, options: { readonly within?: Duration } = {}): Promise<unknown> {
    checkOptions("`finish`", options, { within: CHECKED_APART }, "time was not moved");
    const { within = "365 days" } = options;
    const withinMs = durationMs(within, "`within`");
    const { id } = this.#runs.view(run);
    await this.#turn(async () => {
      const until = this.now + withinMs;
      const isOver = (): boolean => this.#runs.isOver(id);
      let isEnded = await this.#time.pass(this.now, isOver);
      while (!isEnded) {
        const { nextAt = Infinity } = this.#time.line;
        if (nextAt > until) break;
        isEnded = await this.#time.pass(nextAt, isOver);
      }
      if (this.#runs.outcomeOf(id) !== null) return;
      throw this.#runs.unfinished(id, this.now, `does not within ${durationText(withinMs)}`);
    });
    return this.tenfold.run(id).result();
  }

  /**
   * Emits an event, has everything happen that comes of it without time passing, and answers the runs that it started, by their
   * workflows.
   */
  async emit(
    event: string,
    payload?: unknown,
    options: EmitOptions = {},
  ): Promise<Readonly<Record<string, RunHandle>>> {
    const { id } = await this.tenfold.emit(event, payload, options);
    await this.settle();
    const { tenant = "" } = options;
    const deliveries = (await this.tenfold.event(event, id, { tenant })) ?? [];
    const started = deliveries.filter(({ run }) => run !== null);
    return Object.fromEntries(started.map(({ workflow, run }) => [workflow, this.tenfold.run(run!)]));
  }

  /** Puts a body in the place of a step's own, for all calls from now on, or for those of one node; of a batch, for each input. */
  stub<I, O, Parsed, Returned>(
    step: BatchedStep<I, O, Parsed, Returned>,
    body: StubBody<Parsed, Returned>,
    where?: NodeChoice,
  ): void;
  stub<I, O, Parsed, Returned>(
    step: Step<I, O, Parsed, Returned>,
    body: StubBody<Parsed, Returned>,
    where?: NodeChoice,
  ): void;
  stub(step: string, body: StubBody<any, unknown>, where?: NodeChoice): void;
  stub(step: NamedStep, body: unknown, where: NodeChoice = {}): void {
    this.#stubs.set(this.#stubs.usesOf(step, where), body);
  }

  /** Puts a function in the place of a step's undo; that of a step with a stub does nothing otherwise. */
  stubUndo<I, O, Parsed, Returned>(
    step: BatchedStep<I, O, Parsed, Returned>,
    undo: StubUndo<Parsed, O>,
    where?: NodeChoice,
  ): void;
  stubUndo<I, O, Parsed, Returned>(
    step: Step<I, O, Parsed, Returned>,
    undo: StubUndo<Parsed, O>,
    where?: NodeChoice,
  ): void;
  stubUndo(step: string, undo: StubUndo<any, any>, where?: NodeChoice): void;
  stubUndo(step: NamedStep, undo: unknown, where: NodeChoice = {}): void {
    this.#stubs.setUndo(this.#stubs.usesOf(step, where), undo);
  }

  /** The calls of a step's undo so far, or of one node's, in order. */
  undos<I, O, Parsed, Returned>(
    step: BatchedStep<I, O, Parsed, Returned>,
    where?: NodeChoice,
  ): readonly UndoCall<Parsed, O>[];
  undos<I, O, Parsed, Returned>(step: Step<I, O, Parsed, Returned>, where?: NodeChoice): readonly UndoCall<Parsed, O>[];
  undos(step: string, where?: NodeChoice): readonly UndoCall<any, any>[];
  undos(step: NamedStep, where: NodeChoice = {}): readonly UndoCall<any, any>[] {
    return this.#calls.undosOf(this.#stubs.usesOf(step, where));
  }

  /** The calls of a step's body so far, or of one node's, in order: its own and its stubs'. */
  calls<I, O, Parsed, Returned>(step: BatchedStep<I, O, Parsed, Returned>, where?: NodeChoice): readonly Call<Parsed>[];
  calls<I, O, Parsed, Returned>(step: Step<I, O, Parsed, Returned>, where?: NodeChoice): readonly Call<Parsed>[];
  calls(step: string, where?: NodeChoice): readonly Call<any>[];
  calls(step: NamedStep, where: NodeChoice = {}): readonly Call<any>[] {
    return this.#calls.of(this.#stubs.usesOf(step, where));
  }

  /** Ends the worker as `kill -9` would; another one takes over, `downFor` later, and what is due is done. */
  async crash(options: CrashOptions = {}): Promise<void> {
    checkOptions("`crash`", options, { downFor: CHECKED_APART }, "the worker lives on");
    const ms = durationMs(options.downFor ?? 0, "`downFor`");
    await this.#turn(async () => {
      this.#die(ms);
      await this.#time.pass(this.now + ms);
    });
  }

  /**
   * Has the worker crash the next time that a body of this step (or of one node) has done its work and nothing of it is
   * recorded; the worker that takes over calls it again.
   */
  crashAfter(step: NamedStep, options: CrashOptions & NodeChoice = {}): void {
    checkOptions("`crashAfter`", options, { downFor: CHECKED_APART, node: CHECKED_APART }, "no crash was planned");
    const { downFor = 0, ...where } = options;
    const ms = durationMs(downFor, "`downFor`");
    this.#executor.set({ uses: this.#stubs.usesOf(step, where), spring: () => this.#die(ms) });
  }

  /** What happened in the run, as plain data that the same test gives again. */
  journal(run: NamedRun): readonly TestEntry[] {
    return entriesOf(this.#runs.shown(run));
  }

  /** The nodes that came to a result, in order, a match with the arm that it took: "match-tier: hot". */
  path(run: NamedRun): readonly string[] {
    return pathTaken(this.#runs.shown(run));
  }

  /** The journal as text, for a snapshot. */
  timeline(run: NamedRun): string {
    return timelineText(this.#runs.shown(run));
  }

  /** The files that the run's steps have written, with their content. */
  files(run: NamedRun): readonly TestFile[] {
    return filesOf(this.#store.files.peek(0, this.#runs.view(run).id));
  }

  /** Ends it all: runs that are open are left, and bodies that run are told to stop. */
  close(): Promise<void> {
    this.#closing ??= this.#time.turn(() => this.#close());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #turn(act: () => Promise<unknown>): Promise<void> {
    if (this.#closing !== null) throw closed();
    await this.#time.turn(act).finally(() => {
      const refusal = this.#executor.takeRefusal();
      if (refusal !== null) throw refusal;
    });
  }

  #die(downForMs: number): void {
    this.#worker.die(downForMs);
    // What ended with its last breath was told to nobody.
    this.#time.line.at(this.now + downForMs, () => this.#ends.look());
  }

  async #close(): Promise<void> {
    this.#bodies.forget();
    let isStopped = false;
    const stopping = this.#worker.close().finally(() => (isStopped = true));
    await this.#time.pass(this.now + CLOSING_MS, () => isStopped);
    await stopping;
    this.#ends.close(closed());
    await this.#client.closeOwn();
  }

  #runEnds(patienceMs: number): RunEnds {
    const seen = {
      outcomeOf: (run: string) => this.#runs.outcomeOf(run),
      unfinished: (run: string) => this.#runs.unfinished(run, this.now, "time stands still"),
      progress: () => (this.#time.isPassing ? null : this.#time.turns),
    };
    const ends = new RunEnds(seen, patienceMs);
    this.#worker.on("run", ({ run }) => ends.told(run));
    return ends;
  }

  #hostOf(): TestHost {
    const worker = this.#worker;
    return {
      get isReady() {
        return worker.isReady;
      },
      outcome: async (run) => {
        if (this.#closing !== null) throw closed();
        return this.#ends.of(this.#runs.view(run).id);
      },
      on: (kind, listener) => worker.on(kind, listener),
      close: () => this.close(),
    };
  }
}

function past(at: number, now: number): TenfoldError {
  const [moment, present] = [at, now].map((ms) => new Date(ms).toISOString());
  return new TenfoldError(
    "TIME_INVALID",
    `What \`advanceTo\` was given is ${moment}, and it is ${present} already; time was not moved. Give a moment that is still to come.`,
  );
}

function closed(): TenfoldError {
  return new TenfoldError("CLOSED", "This test was closed; nothing was done. Open another one with `openTest`.");
}
