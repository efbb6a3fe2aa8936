/**
 * The store's tables, made and changed by numbered migrations; migrate.ts has each lack of a store made up for.
 * Invariants: a migration never changes once released; the programs of the format before it go on working beside it;
 * it is one transaction that holds no lock for longer than a catalogue takes to change, so it makes indexes only on
 * its own tables, and rewrites no other; a lane leads every primary key, so that the same statements run where the
 * tables are distributed by it; no trigger, no sequence, no foreign key.
 */

export interface Migration {
  /** The oldest format whose programs work beside it: whatever they read, write and leave out is still right. */
  readonly least: number;
  readonly sql: string;
}

/**
 * `runs` is updated twice or three times in a run's life: its pages leave room for that, and whatever is only wanted
 * of a few rows is a partial index. Texts are compared byte by byte: ids and paths are no prose.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    least: 1,
    sql: `
  create table tenfold.lanes (lane integer primary key);

  create table tenfold.graphs (
    lane integer not null, hash text collate "C" not null, workflow text not null, graph text not null,
    primary key (lane, hash)
  );

  create table tenfold.leases (
    lane integer not null, owner text collate "C" not null,
    worker text not null, host text not null, process text not null,
    beat bigint not null, is_alive boolean not null, outside_commits bigint not null,
    primary key (lane, owner)
  ) with (fillfactor = 50);

  create table tenfold.runs (
    lane integer not null, id text collate "C" not null,
    workflow text collate "C" not null, status smallint not null, owner text collate "C",
    wake_at bigint, turn bigint, mail integer not null, deaths integer not null,
    tenant text collate "C" not null, key text, generation integer not null, ended_at bigint,
    graph text collate "C" not null, input text not null, output text, error text,
    primary key (lane, id)
  ) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
  create index runs_due on tenfold.runs (lane, workflow, wake_at, id) where owner is null and wake_at is not null;
  create index runs_beginning on tenfold.runs (lane, workflow, turn, id) where turn is not null;
  create index runs_owned on tenfold.runs (lane, owner) where owner is not null;
  create index runs_with_mail on tenfold.runs (lane, owner, wake_at) where owner is not null and wake_at is not null;
  create index runs_listed on tenfold.runs (lane, workflow, status, id);
  create index runs_of_tenant on tenfold.runs (lane, tenant, id) where tenant <> '';

  create table tenfold.journal (
    lane integer not null, run text collate "C" not null, seq integer not null,
    kind text collate "C" not null, node text collate "C" not null, data text not null, at bigint not null,
    primary key (lane, run, seq)
  ) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);

  create table tenfold.inbox (
    lane integer not null, run text collate "C" not null, key text collate "C" not null,
    ordinal integer not null, body text not null, at bigint not null,
    primary key (lane, run, key)
  );

  create table tenfold.keys (
    lane integer not null, key text collate "C" not null, workflow text collate "C" not null,
    tenant text collate "C" not null, generation integer not null, run text collate "C" not null,
    input_hash text not null, status smallint, until bigint,
    primary key (lane, key, workflow, tenant, generation)
  );
  create index keys_to_forget on tenfold.keys (lane, until, run) where until is not null;

  create table tenfold.attributes (
    lane integer not null, name text collate "C" not null, value text collate "C" not null,
    run text collate "C" not null,
    primary key (lane, name, value, run)
  );
  create index attributes_of_run on tenfold.attributes (lane, run);

  create table tenfold.turns (lane integer not null, tenant text collate "C", turn bigint not null);
  create index turns_of_tenant on tenfold.turns (lane, tenant, turn);

  create table tenfold.tallies (
    lane integer not null, grain smallint not null, slot bigint not null,
    workflow text collate "C" not null, status smallint not null, runs bigint not null,
    primary key (lane, grain, slot, workflow, status)
  ) with (fillfactor = 50);
  create table tenfold.tally_changes (
    lane integer not null, minute bigint not null,
    workflow text collate "C" not null, status smallint not null, runs integer not null
  );
  create index tally_changes_of_lane on tenfold.tally_changes (lane);

  create table tenfold.moves (lane integer primary key, target text not null, is_handed boolean not null);

  create table tenfold.outbox (
    lane integer not null, run text collate "C" not null, key text collate "C" not null, send text not null,
    primary key (lane, run, key)
  );

  create table tenfold.received (
    lane integer not null, run text collate "C" not null, key text collate "C" not null, at bigint not null,
    primary key (lane, run, key)
  );
  create index received_at on tenfold.received (lane, at);

  create table tenfold.schedules (
    lane integer not null, workflow text collate "C" not null, schedule text collate "C" not null,
    at bigint not null, run text collate "C",
    primary key (lane, workflow, schedule)
  ) with (fillfactor = 50);

  create table tenfold.files (
    lane integer not null, run text collate "C" not null, file text collate "C" not null,
    node text collate "C" not null, about text not null, parts integer not null, state smallint not null, at bigint,
    primary key (lane, run, file)
  );
  create index files_to_sweep on tenfold.files (lane, run, file) where state = 2;

  create table tenfold.file_parts (
    lane integer not null, run text collate "C" not null, file text collate "C" not null, seq integer not null,
    bytes bytea not null,
    primary key (lane, run, file, seq)
  );

  create table tenfold.subscriptions (
    lane integer not null, event text collate "C" not null, workflow text collate "C" not null,
    version text collate "C" not null, spec text, former text not null, at bigint not null,
    primary key (lane, event, workflow)
  ) with (fillfactor = 50);

  create table tenfold.events (
    lane integer not null, event text collate "C" not null, tenant text collate "C" not null,
    id text collate "C" not null, emission text collate "C" not null, at bigint not null,
    primary key (lane, event, tenant, id)
  );
  create index events_by_age on tenfold.events (lane, at, event, tenant, id);

  create table tenfold.deliveries (
    lane integer not null, event text collate "C" not null, tenant text collate "C" not null,
    id text collate "C" not null, workflow text collate "C" not null,
    emitted_at bigint not null, due_at bigint, start_at bigint, run text, error text, input text,
    primary key (lane, event, tenant, id, workflow)
  ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
  create index deliveries_due on tenfold.deliveries (lane, workflow, due_at, event, tenant, id)
    where due_at is not null;
  create index deliveries_open on tenfold.deliveries (lane, workflow, event, tenant, id) where run is null;
  `,
  },
  {
    // A program of the format before it prunes runs and leaves their results, which nobody asks for any more.
    least: 1,
    sql: `
  create table tenfold.tx_results (
    lane integer not null, run text collate "C" not null, key text collate "C" not null,
    attempt integer not null, output text, at bigint not null,
    primary key (lane, run, key)
  );
  `,
  },
  {
    // A program of the format before it takes over from an owner of queues and leaves them to it; whoever owns them next sees to that.
    least: 1,
    sql: `
  create table tenfold.tasks (
    lane integer not null, queue text collate "C" not null, key text collate "C" not null, rank bigint not null,
    run text collate "C" not null, node text collate "C" not null,
    cost double precision not null, weight double precision not null, is_new boolean not null,
    primary key (lane, queue, key, rank, run, node)
  ) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
  create index tasks_new on tenfold.tasks (lane, queue, rank, run, node, key) where is_new;

  create table tenfold.queues (
    lane integer not null, queue text collate "C" not null, owner text collate "C", was_used boolean not null,
    settings text, stats text,
    primary key (lane, queue)
  ) with (fillfactor = 50);

  create table tenfold.buckets (
    lane integer not null, queue text collate "C" not null, scope text collate "C" not null,
    tat double precision not null, at bigint not null,
    primary key (lane, queue, scope)
  ) with (fillfactor = 50);
  `,
  },
];
