/**
 * Room for runs of workflows whose queue lets only so many wait: whoever starts them is refused, or waits.
 * Invariants: what is known of a queue is no older than it is said to be here, and is read by one at a time; what this process has
 * started since, and is starting, is counted with it. Nothing is asked for workflows that let as many wait as come.
 */
import type { WorkflowDefinition } from "../../flow/definition.ts";
import type { BacklogDefinition } from "../../flow/queue-definition.ts";
import type { Store } from "../../store/store.ts";
import { TenfoldError } from "../../value/error.ts";
import { ofReached } from "../listing.ts";
import { waitFor, type Clock } from "../ports.ts";
import type { LineReport } from "./line-report.ts";
import { laneOfLine, runsOf } from "../../core/queues/queue-of.ts";
import { rowOf } from "./queue-row.ts";

/** How long what was read is believed, and the pause between two looks for room (ms). */
const FRESH_MS = 250;
/** How long one start waits for room (ms). */
export const ROOM_WITHIN_MS = 60_000;

export interface StartRoomParts {
  readonly store: Store;
  readonly clock: Clock;
  /** Who decides of the line is in this process. */
  readonly isHere: (line: string) => boolean;
  /** What is to be said of a line that is owned in this process; null: it is not. */
  readonly reportOf: (line: string) => LineReport | null;
}

/** What is known of the runs of one workflow. */
interface Known {
  readonly max: number;
  counted: number;
  readAt: number;
  /** Starts that were answered since that was read. */
  since: number;
  /** The same between that and the time before: the word of another process comes late. */
  before: number;
  /** Starts that are not answered. */
  inFlight: number;
  reading: Promise<void> | null;
}

export class StartRoom {
  readonly #parts: StartRoomParts;
  readonly #byWorkflow = new Map<string, Known>();

  constructor(parts: StartRoomParts) {
    this.#parts = parts;
  }

  /** Calls `send`, which starts one run, when there is room for it; QUEUE_FULL if there is none within `patienceMs`. */
  async start<T>(definition: WorkflowDefinition, patienceMs: number, send: () => Promise<T>): Promise<T> {
    if ((await this.take(definition, 1, patienceMs)) === 0) throw full(definition, patienceMs);
    try {
      return await send();
    } finally {
      this.sent(definition, 1);
    }
  }

  /** So many of `wanted` runs may be started, of which `sent` is to be told; 0: there is no room, and none came within `patienceMs`. */
  async take({ name, queue }: WorkflowDefinition, wanted: number, patienceMs: number): Promise<number> {
    const backlog = queue?.backlog ?? null;
    if (backlog === null) return wanted;
    const { clock } = this.#parts;
    const known = this.#knownOf(name, backlog);
    const until = clock.elapsed() + (backlog.whenFull === "park" ? patienceMs : 0);
    for (;;) {
      const room = await this.#reserve(name, known, wanted);
      if (room > 0) return room;
      if (clock.elapsed() >= until) return 0;
      await waitFor(clock, FRESH_MS);
    }
  }

  /** So many of those that were taken are answered. */
  sent({ name }: WorkflowDefinition, count: number): void {
    const known = this.#byWorkflow.get(name);
    if (known === undefined) return;
    known.inFlight -= count;
    known.since += count;
  }

  #knownOf(workflow: string, { max }: BacklogDefinition): Known {
    const nothing = { max, counted: 0, readAt: -Infinity, since: 0, before: 0, inFlight: 0, reading: null };
    const known = this.#byWorkflow.get(workflow) ?? nothing;
    this.#byWorkflow.set(workflow, known);
    return known;
  }

  /** Counts what it answers at once: others ask at the same moment. */
  async #reserve(workflow: string, known: Known, wanted: number): Promise<number> {
    const { clock, isHere } = this.#parts;
    for (;;) {
      const room = known.max - known.counted - known.since - known.before - known.inFlight;
      const isFresh = clock.elapsed() - known.readAt < FRESH_MS;
      if (isFresh && room > 0) {
        const reserved = Math.min(wanted, room);
        known.inFlight += reserved;
        return reserved;
      }
      // What was started here since may run already, if who decides is here too: then that is worth a look.
      if (isFresh && (known.since === 0 || !isHere(runsOf(workflow)))) return 0;
      known.reading ??= this.#read(workflow, known).finally(() => (known.reading = null));
      await known.reading;
    }
  }

  async #read(workflow: string, known: Known): Promise<void> {
    const { clock, isHere } = this.#parts;
    const readAt = clock.elapsed();
    const { since } = known;
    const wasHere = isHere(runsOf(workflow));
    const counted = await this.#count(workflow, known.max + 1);
    known.counted = counted;
    known.readAt = readAt;
    known.before = wasHere ? 0 : since;
    known.since -= since;
  }

  /** Runs that nobody has begun, those that have a place in the store, and those that wait in the memory of who decides. */
  async #count(workflow: string, most: number): Promise<number> {
    const { store, reportOf } = this.#parts;
    const line = runsOf(workflow);
    const lanes = Array.from({ length: store.lanes }, (_, lane) => lane);
    const counts = await Promise.all(
      lanes.map((lane) =>
        ofReached(store, lane, () =>
          Promise.all([store.queues.count(lane, line, most), store.queues.unbegun(lane, workflow, most)]),
        ),
      ),
    );
    const report = reportOf(line) ?? (await this.#lastReport(line));
    const said = report?.queues.find(({ queue }) => queue === line);
    return counts.flat().reduce((sum, count) => sum + count, said?.waiting ?? 0);
  }

  async #lastReport(line: string): Promise<LineReport | null> {
    const { store } = this.#parts;
    const lane = laneOfLine(line, store.lanes);
    const [row] = await ofReached(store, lane, () => store.queues.rows(lane, [line]));
    if (row === undefined) return null;
    const { isOwned, report } = rowOf(row);
    return isOwned ? report : null;
  }
}

export function full({ name, queue }: WorkflowDefinition, waitedMs: number): TenfoldError {
  const { max, whenFull } = queue!.backlog!;
  const waited = whenFull === "park" && waitedMs > 0 ? `, and have for ${waitedMs / 1000} s` : "";
  return new TenfoldError(
    "QUEUE_FULL",
    `As many runs of workflow "${name}" wait as its \`queue.maxBacklog\` lets (${max})${waited}; no run was started. Start it later, or raise \`maxBacklog\`: \`tenfold queues\` shows what holds them up.`,
    { facts: { workflow: name, max } },
  );
}
