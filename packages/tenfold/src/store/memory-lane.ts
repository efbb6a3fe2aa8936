/** One lane of the memory store: its rows, and what each verb means for them. */
import type { JournalLine } from "../core/journal-line.ts";
import { startedAtOfRun } from "../value/id.ts";
import type { FilePart, FileRecord, FileState } from "./files.ts";
import type { EventRows } from "./memory-events.ts";
import { keepPlaces, type QueueRows } from "./memory-queue-rows.ts";
import type { Reached } from "./schedules.ts";
import type { KeptResult } from "./transactions.ts";
import {
  FINISHED,
  type ClaimedRun,
  type CommitAnswer,
  type Lease,
  type LeaseSeen,
  type Mail,
  type Message,
  type Parcel,
  type ParcelName,
  type PruneAnswer,
  type Pruning,
  type RunCommit,
  type RunRecord,
  type RunStart,
  type RunStatus,
  type Send,
  type SendAnswer,
  type StartAnswer,
  type StoredGraph,
} from "./store.ts";
import {
  commitVerdict,
  goesOnWithMail,
  inPlaceOf,
  postponedTo,
  pruneVerdicts,
  sendRefusal,
  startVerdict,
  wakesWithMail,
} from "./verdict.ts";

export type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface Row extends Mutable<RunRecord> {
  /** Its place among the runs that wait to begin; null once it has begun, or if it waits for a time. */
  turn: number | null;
  mail: number;
  readonly inbox: Map<string, Message>;
  readonly journal: JournalLine[];
  readonly attributes: Map<string, string>;
}

/** A run as it is held, its journal not copied. */
export interface Peek {
  readonly record: RunRecord;
  readonly journal: readonly JournalLine[];
  readonly unread: number;
  readonly attributes: ReadonlyMap<string, string>;
}

interface UsedKey {
  readonly run: string;
  inputHash: string;
  readonly generation: number;
  /** Of a run that was removed: its status, and until when the key is known on. */
  pruned: { readonly status: RunStatus; readonly until: number } | null;
}

export interface KeptFile extends Mutable<FileRecord> {
  readonly run: string;
  state: FileState;
  readonly bytes: Map<FilePart["seq"], Uint8Array>;
}

export interface Lane extends EventRows, QueueRows {
  readonly graphs: Map<string, StoredGraph>;
  readonly leases: Map<string, Mutable<LeaseSeen>>;
  readonly owners: Set<string>;
  readonly runs: Map<string, Row>;
  /** Runs that are not finished. */
  readonly open: Set<Row>;
  /** The runs of each key, by generation. */
  readonly keys: Map<string, UsedKey[]>;
  /** The turn that comes next for each tenant, and the highest turn that was claimed. */
  readonly turns: Map<string, number>;
  turnServed: number;
  /** By their names. */
  readonly outbox: Map<string, Parcel>;
  readonly received: Map<string, { readonly name: ParcelName; readonly at: number }>;
  /** By their runs and names; what their bodies wrote, in order. */
  readonly results: Map<string, KeptResult>;
  readonly written: string[];
  /** By their names. */
  readonly schedules: Map<string, Reached>;
  /** By run and id. */
  readonly files: Map<string, KeptFile>;
}

export function newLane(): Lane {
  return {
    graphs: new Map(),
    leases: new Map(),
    owners: new Set(),
    runs: new Map(),
    open: new Set(),
    keys: new Map(),
    turns: new Map(),
    turnServed: 0,
    outbox: new Map(),
    received: new Map(),
    results: new Map(),
    written: [],
    schedules: new Map(),
    files: new Map(),
    subscriptions: new Map(),
    events: new Map(),
    queues: new Map(),
    places: new Map(),
  };
}

export function startRun(lane: Lane, start: RunStart, now: number, lease: Lease | null): StartAnswer {
  if (lane.runs.has(start.id)) return { kind: "started" };
  let generation = 1;
  if (start.key !== null) {
    const name = nameOfKey(start, start.key.key);
    const used = lane.keys.get(name) ?? [];
    const known = used.at(-1);
    const row = known && lane.runs.get(known.run);
    const last = known && { ...known, status: known.pruned?.status ?? row!.status, mail: row?.mail ?? null };
    const verdict = startVerdict(start.key, last);
    if (verdict.kind === "postpone") return postpone(row!, start, known!, now);
    if (verdict.kind !== "new") return verdict;
    generation = verdict.generation;
    lane.keys.set(name, [...used, { run: start.id, inputHash: start.key.inputHash, generation, pruned: null }]);
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

function postpone(row: Row, start: RunStart, known: UsedKey, now: number): StartAnswer {
  row.wakeAt = postponedTo(row.wakeAt, row.id, [start], now);
  row.graph = start.graph;
  row.input = inPlaceOf(row.id, start);
  row.attributes.clear();
  for (const { name, value } of start.attributes) row.attributes.set(name, value);
  known.inputHash = start.key!.inputHash;
  return { kind: "existing", run: row.id, status: "waiting" };
}

/** Start-time fair queuing: a tenant's next turn comes after its last, and not before the turn that is served now. */
function takeTurn(lane: Lane, tenant: string): number {
  const turn = Math.max(lane.turnServed, lane.turns.get(tenant) ?? 0);
  lane.turns.set(tenant, turn + 1);
  return turn;
}

export function inOrder(lane: Lane, workflows: readonly string[], now: number): Row[] {
  const free = [...lane.open].filter((row) => row.owner === null && workflows.includes(row.workflow));
  const continuing = free.filter((row) => row.wakeAt !== null && row.wakeAt <= now);
  const beginning = free.filter((row) => row.turn !== null && row.wakeAt === null);
  continuing.sort((a, b) => a.wakeAt! - b.wakeAt! || (a.id < b.id ? -1 : 1));
  beginning.sort((a, b) => a.turn! - b.turn! || (a.id < b.id ? -1 : 1));
  return [...continuing, ...beginning];
}

export function commitRun(lane: Lane, lease: Lease, commit: RunCommit, now: number): CommitAnswer {
  const row = lane.runs.get(commit.run);
  if (row === undefined) return "lost";
  const { owner, journal, mail } = row;
  const toCommit = { owner, committer: lease.owner, length: journal.length, mail };
  const verdict = commitVerdict(commit, toCommit, () => journal.slice(commit.from));
  if (verdict !== "new") return verdict;
  row.journal.push(...commit.lines);
  for (const key of commit.absorbed) row.inbox.delete(key);
  if (commit.absorbed.length > 0 && commit.mailSeen === row.mail) row.wakeAt = null;
  if (commit.clearsDeaths) row.deaths = 0;
  for (const send of commit.parcels ?? []) {
    const name = textOf({ from: row.id, key: send.message.key });
    if (!lane.outbox.has(name)) lane.outbox.set(name, { from: row.id, send });
  }
  for (const { name, value } of commit.facts ?? []) {
    if (value === null) row.attributes.delete(name);
    else row.attributes.set(name, value);
  }
  if (commit.graph !== undefined) row.graph = commit.graph;
  if (commit.then.kind === "park") {
    row.owner = null;
    row.wakeAt = commit.then.wakeAt;
    keepPlaces(lane, row.id, commit.places ?? []);
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

/** Sorts as the name does. */
export function textOf({ from, key }: ParcelName): string {
  return `${from} ${key}`;
}

export function sendTo(lane: Lane, send: Send, now: number): SendAnswer {
  const row = lane.runs.get(send.run);
  const refusal = sendRefusal(send, row?.status);
  if (row === undefined || refusal !== null) return refusal!;
  const { message } = send;
  if (row.inbox.has(message.key)) return { kind: "sent" };
  row.inbox.set(message.key, message);
  row.mail++;
  row.turn = null;
  if (wakesWithMail(send, row, now)) row.wakeAt = Math.min(row.wakeAt ?? Infinity, now);
  if (goesOnWithMail(row.status)) {
    row.status = "running";
    row.endedAt = null;
    row.error = null;
    lane.open.add(row);
  }
  return { kind: "sent" };
}

export function pruneRuns(lane: Lane, runs: readonly string[], pruning: Pruning): PruneAnswer[] {
  const senders = new Set([...lane.outbox.values()].map(({ from }) => from));
  const answers = pruneVerdicts(
    runs,
    (run) => {
      const row = lane.runs.get(run);
      return row && { ...row, hasParcels: senders.has(run), length: row.journal.length };
    },
    pruning,
  );
  const gone = new Set(runs.filter((_, place) => answers[place] === "pruned"));
  for (const file of lane.files.values()) if (gone.has(file.run)) file.state = "removed";
  for (const run of gone) {
    const row = lane.runs.get(run)!;
    for (const name of lane.results.keys()) if (name.startsWith(`${run} `)) lane.results.delete(name);
    lane.runs.delete(run);
    if (row.key === null) continue;
    const used = lane.keys.get(nameOfKey(row, row.key))!.find((each) => each.run === run)!;
    used.pruned = { status: row.status, until: row.endedAt! + pruning.keysForMs };
  }
  return answers;
}

export function forgetKeys(lane: Lane, now: number, limit: number): number {
  const over = [...lane.keys]
    .filter(([, used]) => used.every(({ pruned }) => pruned !== null && pruned.until < now))
    .map(([name, used]) => ({ name, runs: used.length, run: used.at(-1)!.run, until: used.at(-1)!.pruned!.until }))
    .sort((a, b) => a.until - b.until || (a.run < b.run ? -1 : 1))
    .slice(0, limit);
  for (const { name } of over) lane.keys.delete(name);
  return over.reduce((sum, { runs }) => sum + runs, 0);
}

function nameOfKey({ workflow, tenant }: { readonly workflow: string; readonly tenant: string }, key: string): string {
  return JSON.stringify([workflow, tenant, key]);
}

export function claimedRun(row: Row): ClaimedRun {
  const { id, workflow, graph, tenant, key, input, deaths } = row;
  return { id, workflow, graph, tenant, key, input, deaths, journal: [...row.journal], mail: mailOf(row) };
}

export function mailOf(row: Row): Mail {
  return { run: row.id, messages: [...row.inbox.values()], count: row.mail };
}

export function recordOf(row: Row): RunRecord {
  const { turn: _turn, mail: _mail, inbox: _inbox, journal: _journal, attributes: _attributes, ...record } = row;
  return record;
}
