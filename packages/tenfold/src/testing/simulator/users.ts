/** The people of a simulation: they start runs, cancel and retry them, and send messages at the wrong moment. */
import { FINISHED } from "../../store/store.ts";
import { TenfoldError } from "../../value/error.ts";
import { hash32 } from "../../value/hash.ts";
import { laneOfRun } from "../../value/id.ts";
import { answerOf } from "./answer.ts";
import { EVENT, payloadOf, VARIANTS } from "./emitted.ts";
import { signalOf, votesOf } from "./fates.ts";
import type { AskedApproval, AskedDoubt } from "./waits.ts";
import type { SimulatedWorkers } from "./workers.ts";
import type { World } from "./world.ts";

/** A start that got no answer may be sent again for so long. */
export const LATE_STARTS_MS = 60_000;
/** By more than clocks are off. */
const PRUNED_AFTER_MS = 3000;

export class Users {
  readonly #world: World;
  readonly #processes: SimulatedWorkers;
  #signals = 0;
  #upgrades = 0;

  constructor(world: World, processes: SimulatedWorkers) {
    this.#world = world;
    this.#processes = processes;
  }

  async start(): Promise<void> {
    const { scenario, auditor } = this.#world;
    const running = this.#processes.anyAwake();
    if (running === undefined) return;
    const workflow = scenario.workflows[this.#below(scenario.workflows.length)]!;
    const input = answerOf("input", this.#below(20));
    const hasKey = scenario.random() < 0.5;
    const options = hasKey ? { key: `key-${this.#below(10)}`, tenant: `tenant-${this.#below(2)}` } : {};
    await unlessRefused(async () => {
      const { id } = await running.tenfold.startNamed(workflow.name, input, options);
      auditor.accept(id);
    });
  }

  /** Emits one of a few events, so that most come again and again, some with another payload. */
  async emit(): Promise<void> {
    const { emitted, scenario } = this.#world;
    const running = this.#processes.anyAwake();
    if (running === undefined) return;
    const id = `${this.#below(12)}`;
    const tenant = `tenant-${this.#below(2)}`;
    const payload = payloadOf(id, this.#below(VARIANTS));
    await unlessRefused(async () => {
      emitted.accept(tenant, await running.tenfold.emit(EVENT, payload, { id, tenant }));
    });
    if (scenario.random() < 0.3) void this.emit();
  }

  /** Cancels or retries a run, sometimes one after the other, or both at once. */
  bother(): void {
    const { scenario, time } = this.#world;
    const run = this.#anyRun();
    if (run === undefined) return;
    void this.#tell(scenario.random() < 0.6 ? "cancel" : "retry", run);
    const later = scenario.random() < 0.3 ? 0 : this.#below(3000);
    if (scenario.random() < 0.4) time.at(time.now + later, () => void this.#tell("retry", run));
  }

  /** Has a run, or all of a workflow, go on with the graph of whatever code some process has; sometimes without a look before. */
  async upgrade(): Promise<void> {
    const { book, time } = this.#world;
    const running = this.#processes.anyAwake();
    const open = book.records().filter(({ status }) => status === "running" || status === "held");
    const row = open[this.#upgrades++ % Math.max(1, open.length)];
    const today = running?.tenfold.workflows.find(({ name }) => name === row?.workflow);
    if (running === undefined || row === undefined || today === undefined) return;
    const { id: run, workflow } = row;
    if (this.#upgrades % 2 === 0) {
      const selection = this.#upgrades % 8 === 0 ? { workflow } : run;
      return unlessRefused(() => running.tenfold.upgrade(selection, { dryRun: this.#upgrades % 10 === 0 }));
    }
    const key = `upgrade ${this.#upgrades}`;
    const message = { key, body: { kind: "upgrade", graph: today.hash }, at: time.now } as const;
    await book.store.send(laneOfRun(run)!, [{ run, message, reopens: false }], time.now);
  }

  /** Messages that change nothing, all the time until `until`. */
  pester(until: number): void {
    const { time, book } = this.#world;
    const at = time.now;
    const run = this.#anyRun();
    const lane = run === undefined ? undefined : laneOfRun(run);
    const message = { key: `pester-${at}`, body: { kind: "retry" }, at } as const;
    if (lane !== undefined) void book.store.send(lane, [{ run: run!, message, reopens: false }], at);
    const next = at + 1 + this.#below(100);
    if (next < until) time.at(next, () => this.pester(until));
  }

  /** Removes what ended a while ago. */
  async prune(): Promise<void> {
    const { time, book, auditor, queued, scenario } = this.#world;
    const before = time.now - PRUNED_AFTER_MS;
    const old = book.records().filter(({ endedAt, key }) => {
      return endedAt !== null && endedAt < (key === null ? time.now - LATE_STARTS_MS : before);
    });
    const pruning = { before, keysForMs: 1e12, linesMax: this.#below(30) };
    const unneeded = old.filter((row) => !auditor.family.isNeeded(row));
    for (const [lane, rows] of Map.groupBy(unneeded, ({ id }) => laneOfRun(id)!)) {
      const chosen = rows.filter(() => scenario.random() < 0.7);
      for (const { id } of chosen) queued.noteDecisions(book, id);
      const gone = chosen.map((row) => auditor.prune(row));
      const answers = await book.store.prune(
        lane,
        chosen.map(({ id }) => id),
        pruning,
      );
      gone.forEach((tell, nth) => void (answers[nth] === "pruned" && tell()));
    }
  }

  /** A run is held after too many deaths: somebody looks every few seconds, and has it go on. */
  retryHeld(): void {
    const { time, book } = this.#world;
    time.at(time.now + 5000, () => {
      const open = book.records().filter(({ status }) => !FINISHED.has(status));
      for (const { id, status } of open) if (status === "held") void this.#tell("retry", id);
      if (open.length > 0) this.retryHeld();
    });
  }

  /** Sends what runs wait for, early, often, and twice; until the faults are over and every run has come to its end. */
  signal(): void {
    const { time, book, auditor, scenario } = this.#world;
    time.at(time.now + 1 + this.#below(3000), () => {
      const open = book.records().filter(({ status }) => !FINISHED.has(status));
      for (const row of open) {
        auditor.checkFacts(row);
        const { signals, approvals, doubts } = auditor.waits(row);
        for (const doubt of doubts) void this.#resolve(row.id, doubt);
        const early = scenario.random() < 0.4 ? [{ signal: "paid", for: null }] : [];
        for (const { signal, for: whom } of [...signals, ...early]) void this.#signal(row.id, signal, whom);
        for (const asked of approvals) if (!asked.timesOut) void this.#decide(row.id, asked);
      }
      this.signal();
    });
  }

  /** Somebody looks whether it happened, once it is over, and says so; sometimes twice. */
  async #resolve(run: string, { node, token, attempt }: AskedDoubt): Promise<void> {
    const running = this.#processes.anyAwake();
    const found = this.#world.auditor.lookUp(run, node, attempt);
    if (running === undefined || found === null) return;
    const { answer: output } = found;
    const said = output === undefined ? { happened: false as const } : { happened: true as const, output };
    for (let left = this.#world.scenario.random() < 0.3 ? 2 : 1; left > 0; left--) {
      await unlessRefused(() => running.tenfold.resolve(token, { ...said, by: "kim" }));
    }
  }

  /** Kim, then Lee, says what they come to; sometimes twice. */
  async #decide(run: string, { node, token, approved }: AskedApproval): Promise<void> {
    const running = this.#processes.anyAwake();
    const vote = votesOf(run, node)[approved];
    if (running === undefined || vote === undefined) return;
    const verb = vote.verdict === "approved" ? "approve" : "refuse";
    for (let left = this.#world.scenario.random() < 0.3 ? 2 : 1; left > 0; left--) {
      await unlessRefused(() => running.tenfold[verb](token, { by: vote.by }));
    }
  }

  async #signal(run: string, signal: string, whom: string | null): Promise<void> {
    const running = this.#processes.anyAwake();
    if (running === undefined || signal === "never") return;
    const id = `${this.#signals++}`;
    const options = { id, ...(whom === null ? {} : { for: whom }) };
    const again = this.#world.scenario.random() < 0.3 ? 2 : 1;
    for (let left = again; left > 0; left--) {
      await unlessRefused(async () => {
        await running.tenfold.signal(run, signal, signalOf(signal, whom), options);
        this.#world.auditor.signalled(run, id);
      });
    }
  }

  async #tell(kind: "cancel" | "retry", run: string): Promise<void> {
    const running = this.#processes.anyAwake();
    if (running === undefined) return;
    if (kind === "cancel") this.#world.auditor.cancelled.add(run);
    const undo = hash32(run) % 3 === 0;
    const how = this.#howRetried(run);
    await unlessRefused(() =>
      kind === "cancel" ? running.tenfold.cancel(run, { undo }) : running.tenfold.retry(run, how),
    );
  }

  /** From where it stopped; or from something that it has done, with the keys that it had or with others. */
  #howRetried(run: string): { from?: string; newKeys?: boolean } {
    const chance = hash32(`${run} ${this.#world.time.now}`) % 10;
    if (chance > 2) return {};
    const done = this.#world.book.journal(run).filter(({ kind }) => kind === "done");
    const from = done[this.#below(Math.max(1, done.length))]?.node;
    return { ...(from === undefined || chance === 0 ? {} : { from }), newKeys: chance < 2 };
  }

  #anyRun(): string | undefined {
    const { auditor, scenario } = this.#world;
    const runs = scenario.random() < 0.7 ? [...auditor.accepted] : auditor.family.children();
    return runs[this.#below(Math.max(1, runs.length))];
  }

  #below(limit: number): number {
    return Math.floor(this.#world.scenario.random() * limit);
  }
}

/** A store's error is an honest answer to a caller; anything else is a bug. */
async function unlessRefused(call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (thrown) {
    if (!(thrown instanceof TenfoldError) || thrown.code === "INVARIANT_BROKEN") throw thrown;
  }
}
