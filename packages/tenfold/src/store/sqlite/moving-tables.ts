/**
 * The file's tables as a move reads and writes them: a read answers the cells of its cursor, then those of the row; a
 * write takes the lane, then the cells of the row, and changes one row.
 */
import type { MovedTable, ReadForm, Row } from "../moving.ts";
import type { Connection } from "./connection.ts";
import { keyDigest } from "./key-digest.ts";
import { BY_DAY, BY_MINUTE, dayOf, IN_ALL } from "../tally-spans.ts";
import { ADD_TO_TALLY } from "./tally.ts";

export const READ_GRAPHS = `
  select hash as k1, hash, workflow, graph
  from graphs where lane = ? and hash > ? order by hash limit ?`;

export const READ_RUNS = `
  select id as k1, id, workflow, status, wake_at, turn, mail, deaths, tenant, key, generation, ended_at, graph, input,
    output, error
  from runs where lane = ? and id > ? order by id limit ?`;

export const READ_LINES = `
  select j.run as k1, j.seq as k2, r.id, j.seq, j.kind, j.node, j.data, j.at
  from journal j join runs r on r.number = j.run
  where j.lane = ? and (j.run, j.seq) > (?, ?) order by j.run, j.seq limit ?`;

export const READ_MESSAGES = `
  select i.run as k1, i.rowid as k2, r.id,
    (select count(*) from inbox b where b.lane = i.lane and b.run = i.run and b.rowid <= i.rowid) as nth,
    i.key, i.body, i.at
  from inbox i join runs r on r.number = i.run
  where i.lane = ? and (i.run, i.rowid) > (?, ?) order by i.run, i.rowid limit ?`;

export const READ_PARCELS = `
  select run as k1, key as k2, run, key, send
  from outbox where lane = ? and (run, key) > (?, ?) order by run, key limit ?`;

export const READ_RECEIVED = `
  select run as k1, key as k2, run, key, at
  from received where lane = ? and (run, key) > (?, ?) order by run, key limit ?`;

/** In the order of the rows: no index is in that of the keys. */
export const READ_KEYS = `
  select rowid as k1, key, workflow, tenant, generation, run, input_hash, status, until
  from keys where +lane = ? and rowid > ? order by rowid limit ?`;

export const READ_ATTRIBUTES = `
  select name as k1, value as k2, run as k3, name, value, run
  from attributes where lane = ? and (name, value, run) > (?, ?, ?) order by name, value, run limit ?`;

/** A turn that is not after the one that is served now tells nothing. */
export const READ_TURNS = `
  select t.tenant as k1, t.turn as k2, t.tenant, t.turn
  from turns t
  where t.lane = ?1 and (t.tenant, t.turn) > (?2, ?3)
    and t.turn > coalesce((select s.turn from turns_served s where s.lane = ?1), 0)
  order by t.tenant limit ?4`;

export const READ_SERVED = "select turn as k1, turn from turns_served where lane = ? and turn > ? limit ?";

export const READ_TALLIES = `
  select slot as k1, workflow as k2, status as k3, slot, workflow, status, runs
  from tallies where lane = ? and grain = ${BY_MINUTE} and (slot, workflow, status) > (?, ?, ?)
  order by slot, workflow, status limit ?`;

export const READ_SCHEDULES = `
  select workflow as k1, schedule as k2, workflow, schedule, at, run
  from schedules where lane = ? and (workflow, schedule) > (?, ?) order by workflow, schedule limit ?`;

export const READ_FILES = `
  select run as k1, file as k2, run, file, node, about, parts, state, at
  from files where lane = ? and (run, file) > (?, ?) order by run, file limit ?`;

export const READ_FILE_PARTS = `
  select run as k1, file as k2, seq as k3, run, file, seq, bytes
  from file_parts where lane = ? and (run, file, seq) > (?, ?, ?) order by run, file, seq limit ?`;

export const READ_SUBSCRIPTIONS_TO_MOVE = `
  select event as k1, workflow as k2, event, workflow, version, spec, former, at
  from subscriptions where lane = ? and (event, workflow) > (?, ?) order by event, workflow limit ?`;

export const READ_EVENTS = `
  select event as k1, tenant as k2, id as k3, event, tenant, id, emission, at
  from events where lane = ? and (event, tenant, id) > (?, ?, ?) order by event, tenant, id limit ?`;

export const READ_DELIVERIES_TO_MOVE = `
  select event as k1, tenant as k2, id as k3, workflow as k4,
    event, tenant, id, workflow, emitted_at, due_at, start_at, run, error, input
  from deliveries where lane = ? and (event, tenant, id, workflow) > (?, ?, ?, ?)
  order by event, tenant, id, workflow limit ?`;

export const READ_RESULTS = `
  select run as k1, key as k2, run, key, attempt, output, at
  from tx_results where lane = ? and (run, key) > (?, ?) order by run, key limit ?`;

export const READ_PLACES_TO_MOVE = `
  select queue as k1, key as k2, rank as k3, run as k4, node as k5, queue, key, rank, run, node, cost, weight, is_new
  from tasks where lane = ? and (queue, key, rank, run, node) > (?, ?, ?, ?, ?)
  order by queue, key, rank, run, node limit ?`;

/** Nobody owns them any more. */
export const READ_QUEUES_TO_MOVE = `
  select queue as k1, queue, was_used or owner is not null as was_used, settings, stats
  from queues where lane = ? and queue > ? order by queue limit ?`;

export const READ_BUCKETS_TO_MOVE = `
  select queue as k1, scope as k2, queue, scope, tat, at
  from buckets where lane = ? and (queue, scope) > (?, ?) order by queue, scope limit ?`;

export const WRITE_GRAPH = "insert into graphs (lane, hash, workflow, graph) values (?, ?, ?, ?)";

export const WRITE_RUN = `
  insert into runs (
    lane, id, workflow, status, wake_at, turn, mail, deaths, tenant, key, generation, ended_at, graph, input, output, error
  ) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

export const WRITE_LINE = `
  insert into journal (lane, run, seq, kind, node, data, at)
  select r.lane, r.number, ?3, ?4, ?5, ?6, ?7 from runs r where r.lane = ?1 and r.id = ?2`;

/** Messages come in the order of `nth`, and get ascending row ids. */
export const WRITE_MESSAGE = `
  insert into inbox (lane, run, key, body, at)
  select r.lane, r.number, ?4, ?5, ?6 from runs r where r.lane = ?1 and r.id = ?2 and ?3 > 0`;

export const WRITE_PARCEL = "insert into outbox (lane, run, key, send) values (?, ?, ?, ?)";

export const WRITE_RECEIVED = "insert into received (lane, run, key, at) values (?, ?, ?, ?)";

export const WRITE_KEY = `
  insert into keys (lane, key, workflow, tenant, generation, run, input_hash, status, until, digest)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

export const WRITE_ATTRIBUTE = "insert into attributes (lane, name, value, run) values (?, ?, ?, ?)";

export const WRITE_TURN = "insert into turns (lane, tenant, turn) values (?, ?, ?)";

export const WRITE_SERVED = "insert into turns_served (lane, turn) values (?, ?)";

export const WRITE_SCHEDULE = "insert into schedules (lane, workflow, schedule, at, run) values (?, ?, ?, ?, ?)";

export const WRITE_FILE = `
  insert into files (lane, run, file, node, about, parts, state, at) values (?, ?, ?, ?, ?, ?, ?, ?)`;

export const WRITE_FILE_PART = "insert into file_parts (lane, run, file, seq, bytes) values (?, ?, ?, ?, ?)";

export const WRITE_SUBSCRIPTION = `
  insert into subscriptions (lane, event, workflow, version, spec, former, at) values (?, ?, ?, ?, ?, ?, ?)`;

export const WRITE_EVENT = "insert into events (lane, event, tenant, id, emission, at) values (?, ?, ?, ?, ?, ?)";

export const WRITE_DELIVERY = `
  insert into deliveries (lane, event, tenant, id, workflow, emitted_at, due_at, start_at, run, error, input)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

export const WRITE_RESULT = "insert into tx_results (lane, run, key, attempt, output, at) values (?, ?, ?, ?, ?, ?)";

export const WRITE_PLACE = `
  insert into tasks (lane, queue, key, rank, run, node, cost, weight, is_new) values (?, ?, ?, ?, ?, ?, ?, ?, ?)`;

export const WRITE_QUEUE = "insert into queues (lane, queue, was_used, settings, stats) values (?, ?, ?, ?, ?)";

export const WRITE_BUCKET = "insert into buckets (lane, queue, scope, tat, at) values (?, ?, ?, ?, ?)";

type Write = (connection: Connection, lane: number, row: Row) => number;

export const TABLES: Readonly<Record<MovedTable, ReadForm & { readonly write: Write }>> = {
  graphs: { read: READ_GRAPHS, first: [""], write: byOne(WRITE_GRAPH) },
  runs: { read: READ_RUNS, first: [""], write: byOne(WRITE_RUN) },
  journal: { read: READ_LINES, first: [0, 0], write: byOne(WRITE_LINE) },
  inbox: { read: READ_MESSAGES, first: [0, 0], write: byOne(WRITE_MESSAGE) },
  outbox: { read: READ_PARCELS, first: ["", ""], write: byOne(WRITE_PARCEL) },
  received: { read: READ_RECEIVED, first: ["", ""], write: byOne(WRITE_RECEIVED) },
  keys: { read: READ_KEYS, first: [0], write: writeKey },
  attributes: { read: READ_ATTRIBUTES, first: ["", "", ""], write: byOne(WRITE_ATTRIBUTE) },
  turns: { read: READ_TURNS, first: ["", -1], write: byOne(WRITE_TURN) },
  served: { read: READ_SERVED, first: [-1], write: byOne(WRITE_SERVED) },
  tallies: { read: READ_TALLIES, first: [-1, "", -1], write: writeTally },
  schedules: { read: READ_SCHEDULES, first: ["", ""], write: byOne(WRITE_SCHEDULE) },
  files: { read: READ_FILES, first: ["", ""], write: byOne(WRITE_FILE) },
  file_parts: { read: READ_FILE_PARTS, first: ["", "", -1], write: writeFilePart },
  subscriptions: { read: READ_SUBSCRIPTIONS_TO_MOVE, first: ["", ""], write: byOne(WRITE_SUBSCRIPTION) },
  events: { read: READ_EVENTS, first: ["", "", ""], write: byOne(WRITE_EVENT) },
  deliveries: { read: READ_DELIVERIES_TO_MOVE, first: ["", "", "", ""], write: byOne(WRITE_DELIVERY) },
  tx_results: { read: READ_RESULTS, first: ["", ""], write: byOne(WRITE_RESULT) },
  tasks: { read: READ_PLACES_TO_MOVE, first: ["", "", 0, "", ""], write: byOne(WRITE_PLACE) },
  queues: { read: READ_QUEUES_TO_MOVE, first: [""], write: byOne(WRITE_QUEUE) },
  buckets: { read: READ_BUCKETS_TO_MOVE, first: ["", ""], write: byOne(WRITE_BUCKET) },
};

function byOne(sql: string): Write {
  return (connection, lane, row) => connection.run(sql, lane, ...row);
}

function writeKey(connection: Connection, lane: number, row: Row): number {
  const [key, workflow, tenant] = row as readonly [string, string, string];
  return connection.run(WRITE_KEY, lane, ...row, keyDigest(key, workflow, tenant));
}

function writeFilePart(connection: Connection, lane: number, row: Row): number {
  const [run, file, seq, bytes] = row as readonly [string, string, number, string];
  return connection.run(WRITE_FILE_PART, lane, run, file, seq, Buffer.from(bytes, "base64"));
}

/** A count by the minute is part of those by day and in all. */
function writeTally(connection: Connection, lane: number, row: Row): number {
  const [minute, workflow, status, runs] = row as readonly [number, string, number, number];
  connection.run(ADD_TO_TALLY, lane, BY_DAY, dayOf(minute), workflow, status, runs);
  connection.run(ADD_TO_TALLY, lane, IN_ALL, 0, workflow, status, runs);
  return connection.run(ADD_TO_TALLY, lane, BY_MINUTE, minute, workflow, status, runs);
}
