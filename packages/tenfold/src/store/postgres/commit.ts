/**
 * Writes what drivers decided: the hot verb, one transaction in one round trip.
 * What this handle remembers of a run (held-runs.ts) says that it is owned and how long its journal is, so nothing is
 * read first. Runs of which that is not known are looked at in `commit-carefully.ts`, and then written by the same
 * statements. A run that is given up is so only if its mail was seen; what belongs to it is written only if it was.
 */
import type { CommitAnswer, Lease, RunCommit } from "../store.ts";
import { RUNNING, statusCode } from "../status-code.ts";
import { minuteOf } from "../tally-spans.ts";
import { joined, jsons, plain, texts } from "./arrays.ts";
import type { Connection, Statement } from "./connection.ts";
import { isConflict } from "./failure.ts";
import { FENCE, FENCED } from "./fence.ts";
import { remember, type KnownLease } from "./held-runs.ts";

/** A run of this commit that is not owned any more was given up by it. Each run is looked at once, however many its lines. */
const IS_OURS = `t.run = any (array(
    select r.id from tenfold.runs r
    where r.lane = $1 and r.id = any ($4::text[]) and r.owner is not distinct from $2))`;

export const END_RUNS = `
  update tenfold.runs r
  set owner = null, wake_at = null, status = t.status, output = t.output, error = t.error, ended_at = t.ended_at,
    deaths = case when t.clears then 0 else r.deaths end
  from tenfold.leases l,
    unnest($4::text[], $5::integer[], $6::boolean[], $7::smallint[], ${jsons("$8")}, ${jsons("$9")}, $10::bigint[])
      as t (run, mail, clears, status, output, error, ended_at)
  where ${FENCED} and r.lane = l.lane and r.id = t.run and r.owner is not distinct from l.owner and r.mail = t.mail
  returning r.id`;

export const PARK_RUNS = `
  update tenfold.runs r
  set owner = null, wake_at = t.wake_at, deaths = case when t.clears then 0 else r.deaths end
  from tenfold.leases l,
    unnest($4::text[], $5::integer[], $6::boolean[], $7::bigint[]) as t (run, mail, clears, wake_at)
  where ${FENCED} and r.lane = l.lane and r.id = t.run and r.owner is not distinct from l.owner and r.mail = t.mail
  returning r.id`;

export const MAIL_ABSORBED = `
  update tenfold.runs r set wake_at = null
  from tenfold.leases l, unnest($4::text[], $5::integer[]) as t (run, mail)
  where ${FENCED} and r.lane = l.lane and r.id = t.run and r.owner is not distinct from l.owner and r.mail = t.mail
    and r.wake_at is not null`;

export const CLEAR_DEATHS = `
  update tenfold.runs r set deaths = 0
  from tenfold.leases l, unnest($4::text[]) as t (run)
  where ${FENCED} and r.lane = l.lane and r.id = t.run and r.owner is not distinct from l.owner`;

export const ABSORB = `
  delete from tenfold.inbox i
  using tenfold.leases l, unnest($4::text[], $5::text[], $6::boolean[]) as t (run, key, releases)
  where ${FENCED} and i.lane = l.lane and i.run = t.run and i.key = t.key and not (t.releases and ${IS_OURS})`;

export const INSERT_PARCELS = `
  insert into tenfold.outbox (lane, run, key, send)
  select l.lane, t.run, t.key, t.send
  from tenfold.leases l, unnest($4::text[], $5::text[], ${jsons("$6")}, $7::boolean[]) as t (run, key, send, releases)
  where ${FENCED} and not (t.releases and ${IS_OURS})
  on conflict (lane, run, key) do nothing`;

export const DROP_FACTS = `
  delete from tenfold.attributes b
  using tenfold.leases l, unnest($4::text[], $5::text[], $6::boolean[]) as t (run, name, releases)
  where ${FENCED} and b.lane = l.lane and b.run = t.run and b.name = t.name and not (t.releases and ${IS_OURS})`;

export const INSERT_FACTS = `
  insert into tenfold.attributes (lane, name, value, run)
  select l.lane, t.name, t.value, t.run
  from tenfold.leases l, unnest($4::text[], $5::text[], $6::text[], $7::boolean[]) as t (run, name, value, releases)
  where ${FENCED} and not (t.releases and ${IS_OURS})`;

export const SET_GRAPHS = `
  update tenfold.runs r set graph = t.graph
  from tenfold.leases l, unnest($4::text[], $5::text[], $6::boolean[]) as t (run, graph, releases)
  where ${FENCED} and r.lane = l.lane and r.id = t.run and not (t.releases and ${IS_OURS})`;

/** One that is there stays as it is, but for being new. They are locked in the order of those who call up. */
export const INSERT_PLACES = `
  insert into tenfold.tasks (lane, queue, key, rank, run, node, cost, weight, is_new)
  select l.lane, t.queue, t.key, t.rank, t.run, t.node, t.cost, t.weight, t.is_new
  from tenfold.leases l,
    unnest($4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::float8[], $10::float8[], $11::boolean[])
      as t (run, queue, key, rank, node, cost, weight, is_new)
  where ${FENCED} and not ${IS_OURS}
  order by t.queue collate "C", t.rank, t.run collate "C", t.node collate "C", t.key collate "C"
  on conflict (lane, queue, key, rank, run, node) do update set is_new = excluded.is_new`;

export const INSERT_LINES = `
  insert into tenfold.journal (lane, run, seq, kind, node, data, at)
  select l.lane, t.run, t.seq, t.kind, t.node, t.data, t.at
  from tenfold.leases l,
    unnest($4::text[], $5::integer[], $6::text[], $7::text[], ${jsons("$8")}, $9::bigint[])
      as t (run, seq, kind, node, data, at)
  where ${FENCED}`;

export const INSERT_LAST_LINES = `${INSERT_LINES} and not ${IS_OURS}`;

export const COUNT_ENDED = `
  insert into tenfold.tally_changes (lane, minute, workflow, status, runs)
  select l.lane, t.minute, t.workflow, c.status, sum(c.runs)
  from tenfold.leases l,
    unnest($4::text[], $5::text[], $6::bigint[], $7::smallint[]) as t (run, workflow, minute, status)
    cross join lateral (values (t.status, 1), (${RUNNING}::smallint, -1)) as c (status, runs)
  where ${FENCED} and not ${IS_OURS}
  group by l.lane, t.minute, t.workflow, c.status`;

/** What is written of one run, and what is known of it. */
export interface Write {
  readonly commit: RunCommit;
  readonly workflow: string;
}

/** The statements that write all of these, each a run of its own that is owned and as long as its commit says. */
export function writesOf(fence: readonly [number, string, number], writes: readonly Write[], now: number): Statement[] {
  const ends: Write[] = [];
  const parks: Write[] = [];
  const kept: RunCommit[] = [];
  for (const write of writes) {
    const { kind } = write.commit.then;
    if (kind === "end") ends.push(write);
    else if (kind === "park") parks.push(write);
    else kept.push(write.commit);
  }
  const statements: Statement[] = [{ sql: FENCE, values: fence }];
  const add = (sql: string, ...columns: string[]): void =>
    void statements.push({ sql, values: [...fence, ...columns] });
  const mail = kept.filter(({ absorbed }) => absorbed.length > 0);
  if (mail.length > 0) add(MAIL_ABSORBED, runsOf(mail), mailOf(mail));
  const cleared = kept.filter(({ clearsDeaths }) => clearsDeaths);
  if (cleared.length > 0) add(CLEAR_DEATHS, runsOf(cleared));
  const ended = ends.map(({ commit }) => commit);
  if (ends.length > 0) {
    const thens = ended.map(({ then }) => then as Extract<RunCommit["then"], { kind: "end" }>);
    add(
      END_RUNS,
      runsOf(ended),
      mailOf(ended),
      clearsOf(ended),
      plain(thens.map(({ status }) => statusCode(status))),
      joined(thens.map(({ output }) => output)),
      joined(thens.map(({ error }) => error)),
      plain(thens.map(({ status }) => (status === "held" ? null : now))),
    );
  }
  const parked = parks.map(({ commit }) => commit);
  if (parks.length > 0) {
    const wakes = parked.map(({ then }) => (then as Extract<RunCommit["then"], { kind: "park" }>).wakeAt);
    add(PARK_RUNS, runsOf(parked), mailOf(parked), clearsOf(parked), plain(wakes));
  }
  const absorbing = writes.filter(({ commit }) => commit.absorbed.length > 0);
  if (absorbing.length > 0) {
    const keys = absorbing.flatMap(({ commit }) => commit.absorbed.map((key) => ({ commit, key })));
    add(
      ABSORB,
      texts(keys.map(({ commit }) => commit.run)),
      texts(keys.map(({ key }) => key)),
      plain(keys.map(({ commit }) => commit.then.kind !== "keep")),
    );
  }
  addParcels(writes, add);
  addFacts(writes, add);
  addGraphs(writes, add);
  addPlaces(parked, add);
  addLines(INSERT_LINES, kept, add);
  addLines(INSERT_LAST_LINES, [...ended, ...parked], add);
  if (ends.length > 0) {
    add(
      COUNT_ENDED,
      runsOf(ended),
      texts(ends.map(({ workflow }) => workflow)),
      plain(ended.map(({ run }) => minuteOf(run))),
      plain(ended.map(({ then }) => statusCode((then as Extract<RunCommit["then"], { kind: "end" }>).status))),
    );
  }
  return statements;
}

function addParcels(writes: readonly Write[], add: (sql: string, ...columns: string[]) => void): void {
  const parcels = writes.flatMap(({ commit }) => (commit.parcels ?? []).map((send) => ({ commit, send })));
  if (parcels.length === 0) return;
  add(
    INSERT_PARCELS,
    texts(parcels.map(({ commit }) => commit.run)),
    texts(parcels.map(({ send }) => send.message.key)),
    joined(parcels.map(({ send }) => JSON.stringify(send))),
    plain(parcels.map(({ commit }) => commit.then.kind !== "keep")),
  );
}

function addGraphs(writes: readonly Write[], add: (sql: string, ...columns: string[]) => void): void {
  const moved = writes.map(({ commit }) => commit).filter(({ graph }) => graph !== undefined);
  if (moved.length === 0) return;
  const releases = plain(moved.map(({ then }) => then.kind !== "keep"));
  add(SET_GRAPHS, runsOf(moved), texts(moved.map(({ graph }) => graph!)), releases);
}

function addFacts(writes: readonly Write[], add: (sql: string, ...columns: string[]) => void): void {
  const facts = writes.flatMap(({ commit }) => (commit.facts ?? []).map((fact) => ({ commit, fact })));
  if (facts.length === 0) return;
  const runs = (of: typeof facts): string => texts(of.map(({ commit }) => commit.run));
  const names = (of: typeof facts): string => texts(of.map(({ fact }) => fact.name));
  const releases = (of: typeof facts): string => plain(of.map(({ commit }) => commit.then.kind !== "keep"));
  add(DROP_FACTS, runs(facts), names(facts), releases(facts));
  const set = facts.filter(({ fact }) => fact.value !== null);
  if (set.length === 0) return;
  add(INSERT_FACTS, runs(set), names(set), texts(set.map(({ fact }) => fact.value!)), releases(set));
}

function addPlaces(parked: readonly RunCommit[], add: (sql: string, ...columns: string[]) => void): void {
  const places = parked.flatMap(({ run, places: of = [] }) => of.map((place) => ({ ...place, run })));
  if (places.length === 0) return;
  add(
    INSERT_PLACES,
    texts(places.map(({ run }) => run)),
    texts(places.map(({ queue }) => queue)),
    texts(places.map(({ key }) => key)),
    plain(places.map(({ rank }) => rank)),
    texts(places.map(({ node }) => node)),
    plain(places.map(({ cost }) => cost)),
    plain(places.map(({ weight }) => weight)),
    plain(places.map(({ isNew }) => isNew)),
  );
}

function addLines(sql: string, commits: readonly RunCommit[], add: (sql: string, ...columns: string[]) => void): void {
  const runs: string[] = [];
  const places: number[] = [];
  const kinds: string[] = [];
  const nodes: string[] = [];
  const data: string[] = [];
  const times: number[] = [];
  for (const { run, from, lines } of commits) {
    let seq = from;
    for (const line of lines) {
      runs.push(run);
      places.push(seq++);
      kinds.push(line.kind);
      nodes.push(line.node);
      data.push(line.data);
      times.push(line.at);
    }
  }
  if (runs.length === 0) return;
  add(sql, texts(runs), plain(places), texts(kinds), texts(nodes), joined(data), plain(times));
}

function runsOf(commits: readonly RunCommit[]): string {
  return texts(commits.map(({ run }) => run));
}

function mailOf(commits: readonly RunCommit[]): string {
  return plain(commits.map(({ mailSeen }) => mailSeen));
}

function clearsOf(commits: readonly RunCommit[]): string {
  return plain(commits.map(({ clearsDeaths }) => clearsDeaths));
}

/** Writes runs that are known to be held; null: one is not, or what was thought of it is not so, and nothing was written. */
export async function commitHeld(
  connection: Connection,
  lease: Lease,
  known: KnownLease,
  batch: readonly RunCommit[],
  now: number,
): Promise<CommitAnswer[] | null> {
  const writes: Write[] = [];
  for (const commit of batch) {
    const held = known.runs.get(commit.run);
    if (held === undefined || held.length !== commit.from) return null;
    writes.push({ commit, workflow: held.workflow });
  }
  const statements = writesOf([lease.lane, lease.owner, known.outsideCommits], writes, now);
  try {
    const answers = await connection.send(statements);
    if (answers[0]!.count === 0) {
      known.runs.clear();
      return null;
    }
    const released = new Set<string>();
    for (const { rows } of answers.slice(1)) for (const row of rows) released.add((row as { id: string }).id);
    return writes.map(({ commit, workflow }) => {
      if (commit.then.kind !== "keep" && !released.has(commit.run)) return "mail";
      remember(known, commit, workflow);
      return "written";
    });
  } catch (error) {
    known.runs.clear();
    if (!isConflict(error)) throw error;
    return null;
  }
}

/** The batch in parts in which no run is twice, in order; one empty part of an empty batch, which is fenced too. */
export function eachRunOnce(batch: readonly RunCommit[]): (readonly RunCommit[])[] {
  const parts: RunCommit[][] = [[]];
  let runs = new Set<string>();
  for (const commit of batch) {
    if (runs.has(commit.run)) {
      parts.push([]);
      runs = new Set();
    }
    runs.add(commit.run);
    parts.at(-1)!.push(commit);
  }
  return parts;
}
