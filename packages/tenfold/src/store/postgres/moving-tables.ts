/**
 * The tables as a move reads and writes them: a read answers the cells of its cursor, then those of the row; a write
 * takes the lane, then a column for each cell, and is a piece whole.
 */
import type { Cell, MovedTable, ReadForm, Row } from "../moving.ts";
import { joined, jsons, plain, texts } from "./arrays.ts";
import type { Statement } from "./connection.ts";
import { APPEND_CHANGES } from "./tally-changes.ts";

export const READ_GRAPHS = `
  select g.hash as k1, g.hash, g.workflow, g.graph
  from tenfold.graphs g where g.lane = $1 and g.hash > $2 order by g.hash limit $3`;

export const READ_RUNS_TO_MOVE = `
  select r.id as k1, r.id, r.workflow, r.status, r.wake_at, r.turn, r.mail, r.deaths, r.tenant, r.key, r.generation,
    r.ended_at, r.graph, r.input, r.output, r.error
  from tenfold.runs r where r.lane = $1 and r.id > $2 order by r.id limit $3`;

export const READ_LINES = `
  select j.run as k1, j.seq as k2, j.run, j.seq, j.kind, j.node, j.data, j.at
  from tenfold.journal j where j.lane = $1 and (j.run, j.seq) > ($2, $3) order by j.run, j.seq limit $4`;

export const READ_MESSAGES = `
  select i.run as k1, i.ordinal as k2, i.run,
    (select count(*) from tenfold.inbox b where b.lane = $1 and b.run = i.run and b.ordinal <= i.ordinal) as nth,
    i.key, i.body, i.at
  from tenfold.inbox i where i.lane = $1 and (i.run, i.ordinal) > ($2, $3) order by i.run, i.ordinal limit $4`;

export const READ_PARCELS = `
  select o.run as k1, o.key as k2, o.run, o.key, o.send
  from tenfold.outbox o where o.lane = $1 and (o.run, o.key) > ($2, $3) order by o.run, o.key limit $4`;

export const READ_RECEIVED = `
  select r.run as k1, r.key as k2, r.run, r.key, r.at
  from tenfold.received r where r.lane = $1 and (r.run, r.key) > ($2, $3) order by r.run, r.key limit $4`;

export const READ_KEYS = `
  select k.key as k1, k.workflow as k2, k.tenant as k3, k.generation as k4,
    k.key, k.workflow, k.tenant, k.generation, k.run, k.input_hash, k.status, k.until
  from tenfold.keys k
  where k.lane = $1 and (k.key, k.workflow, k.tenant, k.generation) > ($2, $3, $4, $5)
  order by k.key, k.workflow, k.tenant, k.generation limit $6`;

export const READ_ATTRIBUTES = `
  select b.name as k1, b.value as k2, b.run as k3, b.name, b.value, b.run
  from tenfold.attributes b where b.lane = $1 and (b.name, b.value, b.run) > ($2, $3, $4)
  order by b.name, b.value, b.run limit $5`;

/** A turn that is not after the one that is served now tells nothing. */
export const READ_TURNS = `
  select u.tenant as k1, max(u.turn) as k2, u.tenant, max(u.turn) as turn
  from tenfold.turns u
  where u.lane = $1 and (u.tenant, u.turn) > ($2, $3)
    and u.turn > coalesce((select max(s.turn) from tenfold.turns s where s.lane = $1 and s.tenant is null), 0)
  group by u.tenant order by u.tenant limit $4`;

export const READ_SERVED = `
  select max(u.turn) as k1, max(u.turn) as turn
  from tenfold.turns u where u.lane = $1 and u.tenant is null having max(u.turn) > $2 limit $3`;

export const READ_TALLIES = `
  select y.slot as k1, y.workflow as k2, y.status as k3, y.slot, y.workflow, y.status, y.runs
  from tenfold.tallies y
  where y.lane = $1 and y.grain = 0 and y.runs <> 0 and (y.slot, y.workflow, y.status) > ($2, $3, $4)
  order by y.slot, y.workflow, y.status limit $5`;

export const READ_SCHEDULES = `
  select s.workflow as k1, s.schedule as k2, s.workflow, s.schedule, s.at, s.run
  from tenfold.schedules s where s.lane = $1 and (s.workflow, s.schedule) > ($2, $3)
  order by s.workflow, s.schedule limit $4`;

export const READ_FILES = `
  select f.run as k1, f.file as k2, f.run, f.file, f.node, f.about, f.parts, f.state, f.at
  from tenfold.files f where f.lane = $1 and (f.run, f.file) > ($2, $3) order by f.run, f.file limit $4`;

export const READ_FILE_PARTS = String.raw`
  select p.run as k1, p.file as k2, p.seq as k3, p.run, p.file, p.seq,
    translate(encode(p.bytes, 'base64'), E'\n', '') as bytes
  from tenfold.file_parts p where p.lane = $1 and (p.run, p.file, p.seq) > ($2, $3, $4)
  order by p.run, p.file, p.seq limit $5`;

export const READ_SUBSCRIPTIONS_TO_MOVE = `
  select s.event as k1, s.workflow as k2, s.event, s.workflow, s.version, s.spec, s.former, s.at
  from tenfold.subscriptions s where s.lane = $1 and (s.event, s.workflow) > ($2, $3)
  order by s.event, s.workflow limit $4`;

export const READ_EVENTS = `
  select e.event as k1, e.tenant as k2, e.id as k3, e.event, e.tenant, e.id, e.emission, e.at
  from tenfold.events e where e.lane = $1 and (e.event, e.tenant, e.id) > ($2, $3, $4)
  order by e.event, e.tenant, e.id limit $5`;

export const READ_DELIVERIES_TO_MOVE = `
  select d.event as k1, d.tenant as k2, d.id as k3, d.workflow as k4,
    d.event, d.tenant, d.id, d.workflow, d.emitted_at, d.due_at, d.start_at, d.run, d.error, d.input
  from tenfold.deliveries d where d.lane = $1 and (d.event, d.tenant, d.id, d.workflow) > ($2, $3, $4, $5)
  order by d.event, d.tenant, d.id, d.workflow limit $6`;

export const READ_RESULTS = `
  select r.run as k1, r.key as k2, r.run, r.key, r.attempt, r.output, r.at
  from tenfold.tx_results r where r.lane = $1 and (r.run, r.key) > ($2, $3) order by r.run, r.key limit $4`;

export const READ_PLACES_TO_MOVE = `
  select p.queue as k1, p.key as k2, p.rank as k3, p.run as k4, p.node as k5,
    p.queue, p.key, p.rank, p.run, p.node, p.cost, p.weight, p.is_new::integer as is_new
  from tenfold.tasks p where p.lane = $1 and (p.queue, p.key, p.rank, p.run, p.node) > ($2, $3, $4, $5, $6)
  order by p.queue, p.key, p.rank, p.run, p.node limit $7`;

/** Nobody owns them any more. */
export const READ_QUEUES_TO_MOVE = `
  select q.queue as k1, q.queue, (q.was_used or q.owner is not null)::integer as was_used, q.settings, q.stats
  from tenfold.queues q where q.lane = $1 and q.queue > $2 order by q.queue limit $3`;

export const READ_BUCKETS_TO_MOVE = `
  select b.queue as k1, b.scope as k2, b.queue, b.scope, b.tat, b.at
  from tenfold.buckets b where b.lane = $1 and (b.queue, b.scope) > ($2, $3) order by b.queue, b.scope limit $4`;

export const WRITE_GRAPHS = `
  insert into tenfold.graphs (lane, hash, workflow, graph)
  select a.lane, t.hash, t.workflow, t.graph
  from tenfold.lanes a, unnest($2::text[], $3::text[], ${jsons("$4")}) as t (hash, workflow, graph)
  where a.lane = $1`;

export const WRITE_RUNS = `
  insert into tenfold.runs (
    lane, id, workflow, status, wake_at, turn, mail, deaths, tenant, key, generation, ended_at, graph, input, output, error)
  select a.lane, t.id, t.workflow, t.status, t.wake_at, t.turn, t.mail, t.deaths, t.tenant, t.key, t.generation,
    t.ended_at, t.graph, t.input, t.output, t.error
  from tenfold.lanes a,
    unnest($2::text[], $3::text[], $4::smallint[], $5::bigint[], $6::bigint[], $7::integer[], $8::integer[], $9::text[],
        $10::text[], $11::integer[], $12::bigint[], $13::text[], ${jsons("$14")}, ${jsons("$15")}, ${jsons("$16")})
      as t (id, workflow, status, wake_at, turn, mail, deaths, tenant, key, generation, ended_at, graph, input, output,
        error)
  where a.lane = $1`;

export const WRITE_LINES = `
  insert into tenfold.journal (lane, run, seq, kind, node, data, at)
  select a.lane, t.run, t.seq, t.kind, t.node, t.data, t.at
  from tenfold.lanes a,
    unnest($2::text[], $3::integer[], $4::text[], $5::text[], ${jsons("$6")}, $7::bigint[])
      as t (run, seq, kind, node, data, at)
  where a.lane = $1`;

export const WRITE_MESSAGES = `
  insert into tenfold.inbox (lane, run, ordinal, key, body, at)
  select a.lane, t.run, t.ordinal, t.key, t.body, t.at
  from tenfold.lanes a,
    unnest($2::text[], $3::integer[], $4::text[], ${jsons("$5")}, $6::bigint[]) as t (run, ordinal, key, body, at)
  where a.lane = $1`;

export const WRITE_PARCELS = `
  insert into tenfold.outbox (lane, run, key, send)
  select a.lane, t.run, t.key, t.send
  from tenfold.lanes a, unnest($2::text[], $3::text[], ${jsons("$4")}) as t (run, key, send)
  where a.lane = $1`;

export const WRITE_RECEIVED = `
  insert into tenfold.received (lane, run, key, at)
  select a.lane, t.run, t.key, t.at
  from tenfold.lanes a, unnest($2::text[], $3::text[], $4::bigint[]) as t (run, key, at)
  where a.lane = $1`;

export const WRITE_KEYS = `
  insert into tenfold.keys (lane, key, workflow, tenant, generation, run, input_hash, status, until)
  select a.lane, t.key, t.workflow, t.tenant, t.generation, t.run, t.input_hash, t.status, t.until
  from tenfold.lanes a,
    unnest($2::text[], $3::text[], $4::text[], $5::integer[], $6::text[], $7::text[], $8::smallint[], $9::bigint[])
      as t (key, workflow, tenant, generation, run, input_hash, status, until)
  where a.lane = $1`;

export const WRITE_ATTRIBUTES = `
  insert into tenfold.attributes (lane, name, value, run)
  select a.lane, t.name, t.value, t.run
  from tenfold.lanes a, unnest($2::text[], $3::text[], $4::text[]) as t (name, value, run)
  where a.lane = $1`;

export const WRITE_TURNS = `
  insert into tenfold.turns (lane, tenant, turn)
  select a.lane, t.tenant, t.turn
  from tenfold.lanes a, unnest($2::text[], $3::bigint[]) as t (tenant, turn)
  where a.lane = $1`;

/** The turn that is served now has no tenant. */
export const WRITE_SERVED = `
  insert into tenfold.turns (lane, tenant, turn)
  select a.lane, null, t.turn
  from tenfold.lanes a, unnest($2::bigint[]) as t (turn)
  where a.lane = $1`;

export const WRITE_SCHEDULES = `
  insert into tenfold.schedules (lane, workflow, schedule, at, run)
  select a.lane, t.workflow, t.schedule, t.at, t.run
  from tenfold.lanes a, unnest($2::text[], $3::text[], $4::bigint[], $5::text[]) as t (workflow, schedule, at, run)
  where a.lane = $1`;

export const WRITE_FILES = `
  insert into tenfold.files (lane, run, file, node, about, parts, state, at)
  select a.lane, t.run, t.file, t.node, t.about, t.parts, t.state, t.at
  from tenfold.lanes a,
    unnest($2::text[], $3::text[], $4::text[], ${jsons("$5")}, $6::integer[], $7::smallint[], $8::bigint[])
      as t (run, file, node, about, parts, state, at)
  where a.lane = $1`;

export const WRITE_FILE_PARTS = `
  insert into tenfold.file_parts (lane, run, file, seq, bytes)
  select a.lane, t.run, t.file, t.seq, decode(t.bytes, 'base64')
  from tenfold.lanes a, unnest($2::text[], $3::text[], $4::integer[], $5::text[]) as t (run, file, seq, bytes)
  where a.lane = $1`;

export const WRITE_SUBSCRIPTIONS = `
  insert into tenfold.subscriptions (lane, event, workflow, version, spec, former, at)
  select a.lane, t.event, t.workflow, t.version, t.spec, t.former, t.at
  from tenfold.lanes a,
    unnest($2::text[], $3::text[], $4::text[], ${jsons("$5")}, ${jsons("$6")}, $7::bigint[])
      as t (event, workflow, version, spec, former, at)
  where a.lane = $1`;

export const WRITE_EVENTS = `
  insert into tenfold.events (lane, event, tenant, id, emission, at)
  select a.lane, t.event, t.tenant, t.id, t.emission, t.at
  from tenfold.lanes a,
    unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[]) as t (event, tenant, id, emission, at)
  where a.lane = $1`;

export const WRITE_DELIVERIES = `
  insert into tenfold.deliveries (
    lane, event, tenant, id, workflow, emitted_at, due_at, start_at, run, error, input)
  select a.lane, t.event, t.tenant, t.id, t.workflow, t.emitted_at, t.due_at, t.start_at, t.run, t.error, t.input
  from tenfold.lanes a,
    unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::text[],
        ${jsons("$10")}, ${jsons("$11")})
      as t (event, tenant, id, workflow, emitted_at, due_at, start_at, run, error, input)
  where a.lane = $1`;

export const WRITE_RESULTS = `
  insert into tenfold.tx_results (lane, run, key, attempt, output, at)
  select a.lane, t.run, t.key, t.attempt, t.output, t.at
  from tenfold.lanes a,
    unnest($2::text[], $3::text[], $4::integer[], ${jsons("$5")}, $6::bigint[]) as t (run, key, attempt, output, at)
  where a.lane = $1`;

export const WRITE_PLACES = `
  insert into tenfold.tasks (lane, queue, key, rank, run, node, cost, weight, is_new)
  select a.lane, t.queue, t.key, t.rank, t.run, t.node, t.cost, t.weight, t.is_new = 1
  from tenfold.lanes a,
    unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::float8[], $8::float8[], $9::integer[])
      as t (queue, key, rank, run, node, cost, weight, is_new)
  where a.lane = $1`;

export const WRITE_QUEUES = `
  insert into tenfold.queues (lane, queue, was_used, settings, stats)
  select a.lane, t.queue, t.was_used = 1, t.settings, t.stats
  from tenfold.lanes a,
    unnest($2::text[], $3::integer[], ${jsons("$4")}, ${jsons("$5")}) as t (queue, was_used, settings, stats)
  where a.lane = $1`;

export const WRITE_BUCKETS = `
  insert into tenfold.buckets (lane, queue, scope, tat, at)
  select a.lane, t.queue, t.scope, t.tat, t.at
  from tenfold.lanes a, unnest($2::text[], $3::text[], $4::float8[], $5::bigint[]) as t (queue, scope, tat, at)
  where a.lane = $1`;

interface TableForm extends ReadForm {
  readonly write: string;
  /** How each cell's column is written. */
  readonly columns: readonly ((cells: never[]) => string)[];
}

export const TABLES: Readonly<Record<MovedTable, TableForm>> = {
  graphs: { read: READ_GRAPHS, first: [""], write: WRITE_GRAPHS, columns: [texts, texts, joined] },
  runs: {
    read: READ_RUNS_TO_MOVE,
    first: [""],
    write: WRITE_RUNS,
    columns: [
      ...[texts, texts, plain, plain, plain, plain, plain, texts, texts, plain, plain],
      ...[texts, joined, joined, joined],
    ],
  },
  journal: {
    read: READ_LINES,
    first: ["", -1],
    write: WRITE_LINES,
    columns: [texts, plain, texts, texts, joined, plain],
  },
  inbox: { read: READ_MESSAGES, first: ["", -1], write: WRITE_MESSAGES, columns: [texts, plain, texts, joined, plain] },
  outbox: { read: READ_PARCELS, first: ["", ""], write: WRITE_PARCELS, columns: [texts, texts, joined] },
  received: { read: READ_RECEIVED, first: ["", ""], write: WRITE_RECEIVED, columns: [texts, texts, plain] },
  keys: {
    read: READ_KEYS,
    first: ["", "", "", 0],
    write: WRITE_KEYS,
    columns: [texts, texts, texts, plain, texts, texts, plain, plain],
  },
  attributes: { read: READ_ATTRIBUTES, first: ["", "", ""], write: WRITE_ATTRIBUTES, columns: [texts, texts, texts] },
  turns: { read: READ_TURNS, first: ["", -1], write: WRITE_TURNS, columns: [texts, plain] },
  served: { read: READ_SERVED, first: [-1], write: WRITE_SERVED, columns: [plain] },
  // Appended, and folded into the counts before they are read.
  tallies: { read: READ_TALLIES, first: [-1, "", -1], write: APPEND_CHANGES, columns: [plain, texts, plain, plain] },
  schedules: { read: READ_SCHEDULES, first: ["", ""], write: WRITE_SCHEDULES, columns: [texts, texts, plain, texts] },
  files: {
    read: READ_FILES,
    first: ["", ""],
    write: WRITE_FILES,
    columns: [texts, texts, texts, joined, plain, plain, plain],
  },
  file_parts: {
    read: READ_FILE_PARTS,
    first: ["", "", -1],
    write: WRITE_FILE_PARTS,
    columns: [texts, texts, plain, texts],
  },
  subscriptions: {
    read: READ_SUBSCRIPTIONS_TO_MOVE,
    first: ["", ""],
    write: WRITE_SUBSCRIPTIONS,
    columns: [texts, texts, texts, joined, joined, plain],
  },
  events: {
    read: READ_EVENTS,
    first: ["", "", ""],
    write: WRITE_EVENTS,
    columns: [texts, texts, texts, texts, plain],
  },
  deliveries: {
    read: READ_DELIVERIES_TO_MOVE,
    first: ["", "", "", ""],
    write: WRITE_DELIVERIES,
    columns: [texts, texts, texts, texts, plain, plain, plain, texts, joined, joined],
  },
  tx_results: {
    read: READ_RESULTS,
    first: ["", ""],
    write: WRITE_RESULTS,
    columns: [texts, texts, plain, joined, plain],
  },
  tasks: {
    read: READ_PLACES_TO_MOVE,
    first: ["", "", 0, "", ""],
    write: WRITE_PLACES,
    columns: [texts, texts, plain, texts, texts, plain, plain, plain],
  },
  queues: { read: READ_QUEUES_TO_MOVE, first: [""], write: WRITE_QUEUES, columns: [texts, plain, joined, joined] },
  buckets: { read: READ_BUCKETS_TO_MOVE, first: ["", ""], write: WRITE_BUCKETS, columns: [texts, texts, plain, plain] },
};

export function writeOf(lane: number, table: MovedTable, rows: readonly Row[]): Statement {
  const { write, columns } = TABLES[table];
  const cells = columns.map((column, place) => column(rows.map((row): Cell => row[place]!) as never[]));
  return { sql: write, values: [lane, ...cells] };
}
