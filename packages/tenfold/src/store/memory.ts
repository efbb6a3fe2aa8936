/**
 * The store's port in memory: the specification that one can run, and the store of tests and trials.
 * Invariant: each verb takes effect in one piece, when it is called; so it is serial, and its laws are easy to see.
 */
import { startedAtOfRun } from "../value/id.ts";
import { TenfoldError } from "../value/error.ts";
import type { JournalLine } from "../core/journal-line.ts";
import { matches } from "./filter.ts";
import {
  FINISHED,
  LeaseLost,
  type ClaimedRun,
  type CommitAnswer,
  type Holder,
  type Lease,
  type LeaseSeen,
  type Mail,
  type Message,
  type Page,
  type RunCommit,
  type RunFilter,
  type RunRecord,
  type RunStart,
  type Send,
  type SendAnswer,
  type StartAnswer,
  type Store,
  type StoredGraph,
  type Tally,
} from "./store.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface Row extends Mutable<RunRecord> {
  /** Its place among the runs that wait to begin; null once it has begun, or if it waits for a time. */
  turn: number | null;
  mail: number;
  readonly inbox: Map<string, Message>;
  readonly journal: JournalLine[];
  readonly attributes: ReadonlyMap<string, string>;
}

/** A run as it is held, its journal not copied. */
export interface Peek {
  readonly record: RunRecord;
  readonly journal: readonly JournalLine[];
  readonly unread: number;
}

interface Lane {
  readonly graphs: Map<string, StoredGraph>;
  readonly leases: Map<string, Mutable<LeaseSeen>>;
  readonly owners: Set<string>;
  readonly runs: Map<string, Row>;
  /** Runs that are not finished. */
  readonly open: Set<Row>;
  readonly keys: Map<string, { run: string; inputHash: string; generation: number }>;
  /** The turn that comes next for each tenant, and the highest turn that was claimed. */
  readonly turns: Map<string, number>;
  turnServed: number;
}

export class MemoryStore implements Store {
  readonly name = ":memory:";
  readonly lanes: number;
  readonly #lanes: readonly Lane[];
  readonly #watchers = new Set<() => void>();

  constructor(lanes = 1) {
    this.lanes = lanes;
    this.#lanes = Array.from({ length: lanes }, newLane);
  }

  async putGraphs(lane: number, graphs: readonly StoredGraph[]): Promise<void> {
    for (const graph of graphs)
      if (!this.#lane(lane).graphs.has(graph.hash)) this.#lane(lane).graphs.set(graph.hash, graph);
  }

  async graph(lane: number, hash: string): Promise<StoredGraph | undefined> {
    return this.#lane(lane).graphs.get(hash);
  }

  async join(lease: Lease, holder: Holder): Promise<void> {
    const lane = this.#lane(lease.lane);
    if (lane.owners.has(lease.owner)) throw new LeaseLost(lease);
    lane.owners.add(lease.owner);
    lane.leases.set(lease.owner, { ...holder, owner: lease.owner, beat: 0 });
  }

  async renew(lease: Lease): Promise<readonly LeaseSeen[]> {
    const lane = this.#fenced(lease);
    lane.leases.get(lease.owner)!.beat++;
    return [...lane.leases.values()].map((seen) => ({ ...seen }));
  }

  async takeOver(lane: number, owner: string, beat: number | null, now: number, leaves: boolean): Promise<boolean> {
    const { leases, open } = this.#lane(lane);
    const lease = leases.get(owner);
    if (lease === undefined || (beat !== null && lease.beat !== beat)) return false;
    leases.delete(owner);
    for (const row of open) {
      if (row.owner !== owner) continue;
      row.owner = null;
      row.wakeAt = now;
      if (!leaves) row.deaths++;
    }
    this.#changed();
    return true;
  }

  async start(
    laneNumber: number,
    starts: readonly RunStart[],
    now: number,
    lease: Lease | null,
  ): Promise<readonly StartAnswer[]> {
    const lane = lease === null ? this.#lane(laneNumber) : this.#fenced(lease);
    const answers = starts.map((start) => startRun(lane, start, now, lease));
    this.#changed();
    return answers;
  }

  async claim(
    lease: Lease,
    workflows: readonly string[],
    now: number,
    runsMax: number,
    bytesMax: number,
  ): Promise<readonly ClaimedRun[]> {
    const lane = this.#fenced(lease);
    const claimed: ClaimedRun[] = [];
    let bytes = 0;
    for (const row of inOrder(lane, workflows, now)) {
      if (claimed.length >= runsMax || (claimed.length > 0 && bytes >= bytesMax)) break;
      bytes += row.input.length + row.journal.reduce((sum, line) => sum + line.data.length, 0);
      if (row.turn !== null) lane.turnServed = Math.max(lane.turnServed, row.turn);
      row.turn = null;
      row.wakeAt = null;
      row.status = "running";
      row.owner = lease.owner;
      claimed.push(claimedRun(row));
    }
    return claimed;
  }

  async mail(lease: Lease, now: number): Promise<readonly Mail[]> {
    const mails: Mail[] = [];
    for (const row of this.#fenced(lease).open) {
      if (row.owner === lease.owner && row.wakeAt !== null && row.wakeAt <= now) mails.push(mailOf(row));
    }
    return mails;
  }

  async owned(lease: Lease): Promise<readonly string[]> {
    return [...this.#fenced(lease).open].filter((row) => row.owner === lease.owner).map((row) => row.id);
  }

  async load(lease: Lease, runs: readonly string[]): Promise<readonly ClaimedRun[]> {
    const lane = this.#fenced(lease);
    const rows = runs.map((run) => lane.runs.get(run));
    return rows.filter((row) => row !== undefined && row.owner === lease.owner).map((row) => claimedRun(row!));
  }

  async nextDue(lane: number, workflows: readonly string[]): Promise<number | null> {
    let next: number | null = null;
    for (const row of this.#lane(lane).open) {
      if (row.owner === null && row.wakeAt !== null && workflows.includes(row.workflow))
        next = Math.min(next ?? Infinity, row.wakeAt);
    }
    return next;
  }

  async commit(lease: Lease, batch: readonly RunCommit[], now: number): Promise<readonly CommitAnswer[]> {
    const lane = this.#fenced(lease);
    const answers = batch.map((commit) => commitRun(lane, lease, commit, now));
    this.#changed();
    return answers;
  }

  async send(lane: number, sends: readonly Send[], now: number): Promise<readonly SendAnswer[]> {
    const answers = sends.map((send) => sendTo(this.#lane(lane), send, now));
    this.#changed();
    return answers;
  }

  async read(lane: number, runs: readonly string[]): Promise<readonly (RunRecord | undefined)[]> {
    return runs.map((run) => {
      const row = this.#lane(lane).runs.get(run);
      return row === undefined ? undefined : recordOf(row);
    });
  }

  async journal(lane: number, run: string): Promise<readonly JournalLine[]> {
    return [...(this.#lane(lane).runs.get(run)?.journal ?? [])];
  }

  async list(lane: number, filter: RunFilter, page: Page): Promise<readonly RunRecord[]> {
    return [...this.#lane(lane).runs.values()]
      .filter((row) => (page.before === null || row.id < page.before) && matches(row, row.attributes, filter))
      .sort((a, b) => (a.id < b.id ? 1 : -1))
      .slice(0, page.limit)
      .map(recordOf);
  }

  async tallies(lane: number, from: number | null, until: number | null): Promise<readonly Tally[]> {
    const counts = new Map<string, Mutable<Tally>>();
    for (const { workflow, status, startedAt } of this.#lane(lane).runs.values()) {
      const minute = Math.floor(startedAt / 60_000) * 60_000;
      if ((from !== null && minute < from) || (until !== null && minute >= until)) continue;
      const tally = counts.get(`${workflow} ${status}`) ?? { workflow, status, runs: 0 };
      tally.runs++;
      counts.set(`${workflow} ${status}`, tally);
    }
    return [...counts.values()];
  }

  /** What is held of a run right now, for those who look from outside of time. */
  peek(lane: number, run: string): Peek | undefined {
    const row = this.#lane(lane).runs.get(run);
    return row === undefined ? undefined : { record: recordOf(row), journal: row.journal, unread: row.inbox.size };
  }

  peekAll(lane: number): readonly RunRecord[] {
    return [...this.#lane(lane).runs.values()].map(recordOf);
  }

  watch(changed: () => void): () => void {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  }

  async close(): Promise<void> {
    this.#watchers.clear();
  }

  #lane(lane: number): Lane {
    const found = this.#lanes[lane];
    if (found === undefined) throw new TenfoldError("INVARIANT_BROKEN", `There is no lane ${lane} in ${this.name}.`);
    return found;
  }

  #fenced(lease: Lease): Lane {
    const lane = this.#lane(lease.lane);
    if (!lane.leases.has(lease.owner)) throw new LeaseLost(lease);
    return lane;
  }

  #changed(): void {
    for (const changed of this.#watchers) changed();
  }
}

function newLane(): Lane {
  return {
    graphs: new Map(),
    leases: new Map(),
    owners: new Set(),
    runs: new Map(),
    open: new Set(),
    keys: new Map(),
    turns: new Map(),
    turnServed: 0,
  };
}

function startRun(lane: Lane, start: RunStart, now: number, lease: Lease | null): StartAnswer {
  if (lane.runs.has(start.id)) return { kind: "started" };
  let generation = 1;
  if (start.key !== null) {
    const name = JSON.stringify([start.workflow, start.tenant, start.key.key]);
    const known = lane.keys.get(name);
    if (known !== undefined) {
      const { status } = lane.runs.get(known.run)!;
      if (!start.key.again || !FINISHED.has(status)) {
        return known.inputHash === start.key.inputHash || start.key.again
          ? { kind: "existing", run: known.run, status }
          : { kind: "conflict", run: known.run };
      }
      generation = known.generation + 1;
    }
    lane.keys.set(name, { run: start.id, inputHash: start.key.inputHash, generation });
  }
  const isDue = start.at === null || start.at <= now;
  const isOwned = isDue && lease !== null;
  const row: Row = {
    id: start.id,
    workflow: start.workflow,
    graph: start.graph,
    status: isOwned ? "running" : "waiting",
    tenant: start.tenant,
    key: start.key?.key ?? null,
    generation,
    owner: isOwned ? lease.owner : null,
    wakeAt: isDue ? null : start.at,
    deaths: 0,
    input: start.input,
    output: null,
    error: null,
    startedAt: startedAtOfRun(start.id),
    endedAt: null,
    turn: isDue && !isOwned ? takeTurn(lane, start.tenant) : null,
    mail: 0,
    inbox: new Map(),
    journal: [],
    attributes: new Map(start.attributes.map(({ name, value }) => [name, value])),
  };
  lane.runs.set(row.id, row);
  lane.open.add(row);
  return { kind: "started" };
}

/** Start-time fair queuing: a tenant's next turn comes after its last, and not before the turn that is served now. */
function takeTurn(lane: Lane, tenant: string): number {
  const turn = Math.max(lane.turnServed, lane.turns.get(tenant) ?? 0);
  lane.turns.set(tenant, turn + 1);
  return turn;
}

function inOrder(lane: Lane, workflows: readonly string[], now: number): Row[] {
  const free = [...lane.open].filter((row) => row.owner === null && workflows.includes(row.workflow));
  const continuing = free.filter((row) => row.wakeAt !== null && row.wakeAt <= now);
  const beginning = free.filter((row) => row.turn !== null && row.wakeAt === null);
  continuing.sort((a, b) => a.wakeAt! - b.wakeAt! || (a.id < b.id ? -1 : 1));
  beginning.sort((a, b) => a.turn! - b.turn! || (a.id < b.id ? -1 : 1));
  return [...continuing, ...beginning];
}

function commitRun(lane: Lane, lease: Lease, commit: RunCommit, now: number): CommitAnswer {
  const row = lane.runs.get(commit.run);
  if (row === undefined) return "lost";
  const length = row.journal.length;
  const isRepeated = commit.lines.length > 0 && length === commit.from + commit.lines.length;
  if (isRepeated && (row.owner === lease.owner || row.owner === null)) {
    return sameLines(row.journal.slice(commit.from), commit.lines) ? "written" : "lost";
  }
  if (row.owner !== lease.owner || length !== commit.from) return "lost";
  if (commit.then.kind !== "keep" && commit.mailSeen !== row.mail) return "mail";
  row.journal.push(...commit.lines);
  for (const key of commit.absorbed) row.inbox.delete(key);
  if (commit.absorbed.length > 0 && commit.mailSeen === row.mail) row.wakeAt = null;
  if (commit.clearsDeaths) row.deaths = 0;
  if (commit.then.kind === "park") {
    row.owner = null;
    row.wakeAt = commit.then.wakeAt;
  } else if (commit.then.kind === "end") {
    row.owner = null;
    row.wakeAt = null;
    row.status = commit.then.status;
    row.output = commit.then.output;
    row.error = commit.then.error;
    row.endedAt = commit.then.status === "held" ? null : now;
    if (FINISHED.has(row.status)) lane.open.delete(row);
  }
  return "written";
}

function sameLines(kept: readonly JournalLine[], sent: readonly JournalLine[]): boolean {
  return kept.every(({ kind, node, data, at }, index) => {
    const line = sent[index]!;
    return kind === line.kind && node === line.node && data === line.data && at === line.at;
  });
}

function sendTo(lane: Lane, { run, message, reopens }: Send, now: number): SendAnswer {
  const row = lane.runs.get(run);
  if (row === undefined) return { kind: "unknown" };
  if (row.status === "completed" || (FINISHED.has(row.status) && !reopens)) {
    return { kind: "finished", status: row.status };
  }
  if (row.inbox.has(message.key)) return { kind: "sent" };
  row.inbox.set(message.key, message);
  row.mail++;
  row.turn = null;
  row.wakeAt = Math.min(row.wakeAt ?? Infinity, now);
  if (FINISHED.has(row.status) || row.status === "held") {
    row.status = "running";
    row.endedAt = null;
    row.error = null;
    lane.open.add(row);
  }
  return { kind: "sent" };
}

function claimedRun(row: Row): ClaimedRun {
  const { id, workflow, graph, tenant, key, input, deaths } = row;
  return { id, workflow, graph, tenant, key, input, deaths, journal: [...row.journal], mail: mailOf(row) };
}

function mailOf(row: Row): Mail {
  return { run: row.id, messages: [...row.inbox.values()], count: row.mail };
}

function recordOf(row: Row): RunRecord {
  const { turn: _turn, mail: _mail, inbox: _inbox, journal: _journal, attributes: _attributes, ...record } = row;
  return record;
}
