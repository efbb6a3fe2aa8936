/**
 * What the owner of a line says of it, in its row of the store: for whoever looks from another process.
 * Invariants: written every few seconds while something changes, and once more when nobody waits or runs; nothing while nothing
 * changes. What nobody reads costs nobody's turn: a report that cannot be written is left out.
 */
import { binding, running, size, type Binding } from "../../core/queues/line-facts.ts";
import type { Line, LineLimits } from "../../core/queues/line-state.ts";
import { LeaseLost, type Lease, type Store } from "../../store/store.ts";
import { isClosed, isPassing } from "../passing.ts";
import type { Clock } from "../ports.ts";
import type { Backlogs, TurnedAway } from "./backlogs.ts";
import { limitTexts, type LimitTexts } from "../../core/queues/limit-texts.ts";
import { StartRate } from "./start-rate.ts";
import type { Turn } from "./turn.ts";

/** How often a line is reported of, at most (ms): one by which others start runs, or do not, more often. */
const REPORT_EVERY_MS = 2000;
const REPORT_SOON_MS = 250;
/** The most bodies that are told of one by one. */
const BEGUN_MAX = 50;

export interface QueueReport {
  readonly queue: string;
  /** In the owner's memory; the places in the store are not among them. */
  readonly waiting: number;
  readonly running: number;
  /** Starts in a second, over the last ten. */
  readonly perSecond: number;
  /** The least and the highest rank of those that wait in memory. */
  readonly first: number | null;
  readonly last: number | null;
  /** What keeps it from starting one; `until` in ms since 1970. */
  readonly binds: Binding | null;
  readonly own: LimitTexts;
  /** Null: it has no keys. */
  readonly per: LimitTexts | null;
  /** What came of those who were too many, since its owner decides; null, or not there: as many wait as come. */
  readonly turnedAway?: TurnedAway | null;
  /** The attempts whose bodies run, as `turnIdOf` names them; null: more than are told. */
  readonly begun: readonly string[] | null;
}

export interface LineReport {
  /** When it was written (ms since 1970). */
  readonly at: number;
  readonly worker: string;
  /** The limit that its queues share. */
  readonly shared: LimitTexts | null;
  readonly queues: readonly QueueReport[];
}

/** What is reported of. */
export interface ReportedLine {
  readonly line: Line;
  readonly lease: Lease;
  readonly turns: Iterable<Turn>;
  /** Those that hold now. */
  readonly limits: LineLimits;
  readonly backlogs: Pick<Backlogs, "turnedAway">;
}

export interface LineReporterParts {
  readonly name: string;
  readonly worker: string;
  readonly store: Store;
  readonly clock: Clock;
  /** Whoever starts runs elsewhere goes by how many wait in it. */
  readonly isHeeded: () => boolean;
}

export class LineReporter {
  readonly #parts: LineReporterParts;
  /** Null: the line is not owned here. */
  readonly #reported: () => ReportedLine | null;
  readonly #rates = new Map<string, StartRate>();
  #cancel: (() => void) | null = null;
  /** What was written last, but for when. */
  #written = "";
  #isWriting = false;
  #isStopped = false;

  constructor(parts: LineReporterParts, reported: () => ReportedLine | null) {
    this.#parts = parts;
    this.#reported = reported;
  }

  /** A body of the queue begins. */
  started(queue: string): void {
    const rate = this.#rates.get(queue) ?? new StartRate();
    this.#rates.set(queue, rate);
    rate.started(this.#parts.clock.elapsed());
  }

  /** Something has changed: it is reported soon. */
  stir(): void {
    if (this.#cancel !== null || this.#isStopped) return;
    const { clock, isHeeded } = this.#parts;
    this.#cancel = clock.at(clock.now() + (isHeeded() ? REPORT_SOON_MS : REPORT_EVERY_MS), () => {
      this.#cancel = null;
      void this.#report();
    });
  }

  /** Others say what becomes of the line. */
  lost(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#written = "";
  }

  /** Says nothing any more. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  /** As it is now; null: others decide. */
  now(): LineReport | null {
    const reported = this.#reported();
    if (reported === null) return null;
    const { worker, clock } = this.#parts;
    const shared = reported.limits.shared && limitTexts(reported.limits.shared);
    return { at: clock.now(), worker, shared, queues: this.#queues(reported) };
  }

  async #report(): Promise<void> {
    const [reported, report] = [this.#reported(), this.now()];
    if (reported === null || report === null) return;
    if (this.#isWriting) return this.stir();
    const { name, store } = this.#parts;
    const { shared, queues } = report;
    const said = JSON.stringify([shared, queues]);
    if (said === this.#written) return;
    this.#isWriting = true;
    try {
      await store.queues.setStats(reported.lease, name, JSON.stringify(report));
      this.#written = said;
    } catch (thrown) {
      if (thrown instanceof LeaseLost || isClosed(thrown)) return;
      if (!isPassing(thrown)) throw thrown;
    } finally {
      this.#isWriting = false;
    }
    // Nobody waits or runs: what is left, the rate, falls by itself, and whoever reads it knows for how long it holds.
    const isOver = said === this.#written && queues.every(({ waiting, running: runs }) => waiting + runs === 0);
    if (!isOver && this.#reported() !== null) this.stir();
  }

  #queues({ line, turns, limits, backlogs }: ReportedLine): readonly QueueReport[] {
    const { clock } = this.#parts;
    const elapsed = clock.elapsed();
    const offset = clock.now() - elapsed;
    const keyed = new Set(limits.queues.filter(({ per }) => per !== null).map(({ queue }) => queue));
    const byQueue = Map.groupBy(turns, ({ waiting }) => waiting.queue);
    return [...line.queues.values()].map(({ name: queue, limit, per }) => {
      const [begun, ranks]: [string[], number[]] = [[], []];
      for (const { state, waiting } of byQueue.get(queue) ?? []) {
        if (state === "permitted" || state === "called") begun.push(waiting.id);
        else if (state === "waits") ranks.push(waiting.rank);
      }
      const binds = binding(line, queue, elapsed);
      return {
        queue,
        waiting: size(line, queue),
        running: running(line, queue),
        perSecond: this.#rates.get(queue)?.perSecond(elapsed) ?? 0,
        first: ranks.length === 0 ? null : ranks.reduce((least, rank) => Math.min(least, rank)),
        last: ranks.length === 0 ? null : ranks.reduce((most, rank) => Math.max(most, rank)),
        binds: binds && { ...binds, until: binds.until === null ? null : Math.round(binds.until + offset) },
        own: limitTexts(limit),
        per: keyed.has(queue) ? limitTexts(per) : null,
        turnedAway: backlogs.turnedAway(queue),
        begun: begun.length > BEGUN_MAX ? null : begun,
      };
    });
  }
}
