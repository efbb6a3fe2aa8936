/** Makes runs: their rows, keys, attributes, turns and tallies. */
import { RUNNING, STATUSES, WAITING } from "../status-code.ts";
import type { RunStart, StartAnswer } from "../store.ts";
import { minuteOf } from "../tally-spans.ts";
import { inPlaceOf, postponedTo, startVerdict, type LastOfKey } from "../verdict.ts";
import { BulkInsert } from "./bulk-insert.ts";
import type { Connection } from "./connection.ts";
import { hold, type LiveLease } from "./held-runs.ts";
import { keyDigest } from "./key-digest.ts";
import { DROP_ATTRIBUTES } from "./prune.ts";
import { TallyChanges } from "./tally.ts";

export const INSERT_RUN = `
  insert into runs (
    lane, id, workflow, status, owner, wake_at, turn, mail, deaths, tenant, key, generation, graph, input
  ) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

export const INSERT_KEY = `
  insert into keys (
    lane, digest, key, workflow, tenant, generation, run, input_hash
  ) values (?, ?, ?, ?, ?, ?, ?, ?)`;

export const INSERT_ATTRIBUTE = "insert into attributes (lane, name, value, run) values (?, ?, ?, ?)";

export const RUN_EXISTS = "select status, mail, wake_at as wakeAt from runs where lane = ? and id = ?";

export const POSTPONE_RUN = "update runs set wake_at = ?, graph = ?, input = ? where lane = ? and id = ?";

export const CHANGE_KEY = `
  update keys set input_hash = ?
  where lane = ? and digest = ? and run = ?`;

export const KNOWN_DIGESTS = `
  select digest
  from keys where lane = ? and digest in (select value from json_each(?))`;

export const LAST_OF_KEY = `
  select run, generation, input_hash as inputHash, status
  from keys where lane = ? and digest = ? and key = ? and workflow = ? and tenant = ?
  order by generation desc limit 1`;

export const NEXT_TURN = "select turn from turns where lane = ? and tenant = ?";

export const SET_NEXT_TURN = `
  insert into turns (lane, tenant, turn) values (?, ?, ?)
  on conflict (lane, tenant) do update set turn = excluded.turn`;

export const TURN_SERVED = "select turn from turns_served where lane = ?";

interface Unnumbered {
  readonly id: string;
  readonly workflow: string;
  readonly minute: number;
}

interface RunRow {
  readonly status: number;
  readonly mail: number;
  readonly wakeAt: number | null;
}

interface LastOfKeyRow extends Omit<LastOfKey, "status" | "mail"> {
  /** Of a run that was removed; null: its row tells. */
  readonly status: number | null;
}

/** One transaction's starts. */
export class Starts {
  readonly #connection: Connection;
  readonly #lane: number;
  readonly #now: number;
  readonly #lease: LiveLease | null;
  readonly #runs: BulkInsert;
  readonly #keys: BulkInsert;
  readonly #attributes: BulkInsert;
  readonly #tallies: TallyChanges;
  readonly #nextTurns = new Map<string, number>();
  #turnServed: number | null = null;
  /** Owned runs whose rows have no number yet, in the order of the rows; null stands for a run that nobody owns. */
  #unnumbered: (Unnumbered | null)[] = [];

  constructor(connection: Connection, lane: number, now: number, lease: LiveLease | null) {
    this.#connection = connection;
    this.#lane = lane;
    this.#now = now;
    this.#lease = lease;
    this.#runs = new BulkInsert(connection, INSERT_RUN, (last, count) => this.#numbered(last, count));
    this.#keys = new BulkInsert(connection, INSERT_KEY);
    this.#attributes = new BulkInsert(connection, INSERT_ATTRIBUTE);
    this.#tallies = new TallyChanges(connection, lane);
  }

  /**
   * Careless: takes every start for new whose key's digest is new, which `runs` refuses if its id is known. Careful:
   * looks for each, the earlier ones of this batch included.
   */
  startAll(starts: readonly RunStart[], careful: boolean): StartAnswer[] {
    const digests = starts.map(digestOf);
    const known = careful ? new Set<number>() : this.#knownDigests(digests);
    const answers = starts.map((start, index) => {
      const digest = digests[index]!;
      const isNew = !careful && (digest === null || !known.has(digest));
      return isNew ? this.#insert(start, digest, 1) : this.#startCarefully(start, digest);
    });
    this.#flush();
    for (const [tenant, turn] of this.#nextTurns) this.#connection.run(SET_NEXT_TURN, this.#lane, tenant, turn);
    this.#tallies.flush();
    return answers;
  }

  /** Digests that a row has, or that two of these starts share. */
  #knownDigests(digests: readonly (number | null)[]): Set<number> {
    const known = new Set<number>();
    const seen = new Set<number>();
    for (const digest of digests) {
      if (digest === null) continue;
      if (seen.has(digest)) known.add(digest);
      seen.add(digest);
    }
    if (seen.size === 0) return known;
    const rows = this.#connection.all<{ digest: number }>(KNOWN_DIGESTS, this.#lane, JSON.stringify([...seen]));
    for (const { digest } of rows) known.add(digest);
    return known;
  }

  #startCarefully(start: RunStart, digest: number | null): StartAnswer {
    this.#flush();
    if (this.#row(start.id) !== undefined) return { kind: "started" };
    if (start.key === null) return this.#insert(start, digest, 1);
    const last = this.#connection.get<LastOfKeyRow>(
      LAST_OF_KEY,
      this.#lane,
      digest,
      start.key.key,
      start.workflow,
      start.tenant,
    );
    const row = last && this.#row(last.run);
    const status = last && STATUSES[last.status ?? row!.status]!;
    const verdict = startVerdict(start.key, last && { ...last, status: status!, mail: row?.mail ?? null });
    if (verdict.kind === "postpone") return this.#postpone(verdict.run, start, digest!, row!.wakeAt);
    return verdict.kind === "new" ? this.#insert(start, digest, verdict.generation) : verdict;
  }

  #row(run: string): RunRow | undefined {
    return this.#connection.get<RunRow>(RUN_EXISTS, this.#lane, run);
  }

  #postpone(run: string, start: RunStart, digest: number, wakeAt: number | null): StartAnswer {
    const connection = this.#connection;
    const lane = this.#lane;
    const dueAt = postponedTo(wakeAt, run, [start], this.#now);
    connection.run(POSTPONE_RUN, dueAt, start.graph, inPlaceOf(run, start), lane, run);
    connection.run(CHANGE_KEY, start.key!.inputHash, lane, digest, run);
    connection.run(DROP_ATTRIBUTES, lane, run);
    this.#addAttributes(run, start);
    return { kind: "existing", run, status: "waiting" };
  }

  #insert(start: RunStart, digest: number | null, generation: number): StartAnswer {
    const { id, workflow, tenant, attributes } = start;
    const lane = this.#lane;
    const key = start.key?.key ?? null;
    const isDue = start.at === null || start.at <= this.#now;
    const owner = isDue && this.#lease !== null ? this.#lease.number : null;
    const status = owner === null ? WAITING : RUNNING;
    const wakeAt = isDue ? null : start.at;
    const turn = isDue && owner === null ? this.#takeTurn(tenant) : null;
    const minute = minuteOf(id);
    this.#unnumbered.push(owner === null ? null : { id, workflow, minute });
    const { graph, input } = start;
    this.#runs.add(lane, id, workflow, status, owner, wakeAt, turn, 0, 0, tenant, key, generation, graph, input);
    if (start.key !== null) {
      const { inputHash } = start.key;
      this.#keys.add(lane, digest, key, workflow, tenant, generation, id, inputHash);
    }
    if (attributes.length > 0) this.#addAttributes(id, start);
    this.#tallies.add(workflow, status, minute, 1);
    return { kind: "started" };
  }

  #addAttributes(run: string, { attributes }: RunStart): void {
    const last = new Map(attributes.map(({ name, value }) => [name, value]));
    for (const [name, value] of last) this.#attributes.add(this.#lane, name, value, run);
  }

  /** Start-time fair queuing: a tenant's next turn comes after its last, and not before the turn that is served now. */
  #takeTurn(tenant: string): number {
    let turn = this.#nextTurns.get(tenant);
    if (turn === undefined) {
      this.#turnServed ??= this.#connection.get<{ turn: number }>(TURN_SERVED, this.#lane)?.turn ?? 0;
      const kept = this.#connection.get<{ turn: number }>(NEXT_TURN, this.#lane, tenant)?.turn ?? 0;
      turn = Math.max(this.#turnServed, kept);
    }
    this.#nextTurns.set(tenant, turn + 1);
    return turn;
  }

  #flush(): void {
    this.#runs.flush();
    this.#keys.flush();
    this.#attributes.flush();
  }

  #numbered(last: number, count: number): void {
    this.#unnumbered.splice(0, count).forEach((run, index) => {
      if (run === null || this.#lease === null) return;
      const { id, workflow, minute } = run;
      hold(this.#lease, id, { number: last - count + 1 + index, workflow, minute, length: 0 });
    });
  }
}

function digestOf({ workflow, tenant, key }: RunStart): number | null {
  return key === null ? null : keyDigest(key.key, workflow, tenant);
}
