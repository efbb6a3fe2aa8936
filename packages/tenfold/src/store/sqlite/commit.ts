/**
 * Writes what drivers decided: the hot verb.
 * What this handle remembers of a run (held-runs.ts) says that it is owned and how long its journal is, so "keep"
 * writes its lines and nothing else. Where it remembers nothing, or the length differs, or a row refuses the update,
 * the run's row and journal are asked: `#writeCarefully` is the law, `#writeHeld` the same answer sooner.
 */
import { RUNNING, statusCode } from "../status-code.ts";
import type { CommitAnswer, RunCommit, Then } from "../store.ts";
import { minuteOf } from "../tally-spans.ts";
import { commitVerdict } from "../verdict.ts";
import { BulkInsert } from "./bulk-insert.ts";
import type { Connection } from "./connection.ts";
import { COUNT_OUTSIDE_COMMIT, hold, type HeldRun, type LiveLease } from "./held-runs.ts";
import { journalLength, readJournal } from "./load.ts";
import { INSERT_ATTRIBUTE } from "./start.ts";
import { TallyChanges } from "./tally.ts";

export const INSERT_LINE = "insert into journal (lane, run, seq, kind, node, data, at) values (?, ?, ?, ?, ?, ?, ?)";

export const RUN_TO_COMMIT = "select number, workflow, owner, mail from runs where lane = ? and id = ?";

export const END_RUN = `
  update runs set owner = null, wake_at = null, status = ?, output = ?, error = ?, ended_at = ?
  where lane = ? and number = ? and owner = ? and mail = ?`;

export const PARK_RUN = `
  update runs set owner = null, wake_at = ?
  where lane = ? and number = ? and owner = ? and mail = ?`;

export const MAIL_ABSORBED = `
  update runs set wake_at = null
  where lane = ? and number = ? and owner = ? and mail = ? and wake_at is not null`;

export const CLEAR_DEATHS = "update runs set deaths = 0 where lane = ? and number = ?";

export const SET_GRAPH = "update runs set graph = ? where lane = ? and number = ?";

export const INSERT_PARCEL = `
  insert into outbox (lane, run, key, send) values (?, ?, ?, ?)
  on conflict (lane, run, key) do nothing`;

/** One that is there stays as it is, but for being new. */
export const INSERT_PLACE = `
  insert into tasks (lane, queue, key, rank, run, node, cost, weight, is_new) values (?, ?, ?, ?, ?, ?, ?, ?, ?)
  on conflict (lane, queue, key, rank, run, node) do update set is_new = excluded.is_new`;

export const DROP_FACT = "delete from attributes where lane = ? and run = ? and name = ?";

export const ABSORB = "delete from inbox where lane = ? and run = ? and key = ?";

/** Most commits have no parcels and places, and change no facts. */
const NONE: readonly never[] = [];

/** One transaction's commits. */
export class Commits {
  readonly #connection: Connection;
  readonly #lane: number;
  readonly #lease: LiveLease;
  readonly #now: number;
  readonly #lines: BulkInsert;
  readonly #tallies: TallyChanges;

  constructor(connection: Connection, lane: number, lease: LiveLease, now: number) {
    this.#connection = connection;
    this.#lane = lane;
    this.#lease = lease;
    this.#now = now;
    this.#lines = new BulkInsert(connection, INSERT_LINE);
    this.#tallies = new TallyChanges(connection, lane);
  }

  /** `owner` is the lease's; careful is what comes after a line was refused because another one has its place. */
  commitAll(owner: string, batch: readonly RunCommit[], careful: boolean): CommitAnswer[] {
    const answers = batch.map((commit): CommitAnswer => {
      const held = careful ? undefined : this.#lease.runs.get(commit.run);
      if (held !== undefined && held.length === commit.from && this.#writeHeld(commit, held)) return "written";
      return this.#writeCarefully(commit);
    });
    this.#lines.flush();
    this.#tallies.flush();
    if (!this.#lease.isOurs) this.#connection.run(COUNT_OUTSIDE_COMMIT, this.#lane, owner);
    return answers;
  }

  /** Writes `commit` of a run that is owned and as long as it says; false: mail came, nothing was written. */
  #writeHeld(commit: RunCommit, held: HeldRun): boolean {
    const { then, lines, absorbed, mailSeen } = commit;
    if (then.kind === "keep") {
      if (absorbed.length > 0) this.#connection.run(MAIL_ABSORBED, ...this.#compare(held, mailSeen));
    } else {
      if (!this.#release(then, held, mailSeen)) return false;
      if (then.kind === "park") this.#writePlaces(commit);
      this.#lease.runs.delete(commit.run);
    }
    for (const key of absorbed) this.#connection.run(ABSORB, this.#lane, held.number, key);
    if (commit.clearsDeaths) this.#connection.run(CLEAR_DEATHS, this.#lane, held.number);
    if (commit.graph !== undefined) this.#connection.run(SET_GRAPH, commit.graph, this.#lane, held.number);
    for (const send of commit.parcels ?? NONE) {
      this.#connection.run(INSERT_PARCEL, this.#lane, commit.run, send.message.key, JSON.stringify(send));
    }
    for (const { name, value } of commit.facts ?? NONE) {
      this.#connection.run(DROP_FACT, this.#lane, commit.run, name);
      if (value !== null) this.#connection.run(INSERT_ATTRIBUTE, this.#lane, name, value, commit.run);
    }
    let seq = commit.from;
    for (const { kind, node, data, at } of lines) this.#lines.add(this.#lane, held.number, seq++, kind, node, data, at);
    held.length = seq;
    return true;
  }

  /** Parks or ends a run if it is still owned and its mail was seen. */
  #release(then: Exclude<Then, { kind: "keep" }>, { number, workflow, minute }: HeldRun, mailSeen: number): boolean {
    const compared = this.#compare({ number }, mailSeen);
    if (then.kind === "park") return this.#connection.run(PARK_RUN, then.wakeAt, ...compared) > 0;
    const status = statusCode(then.status);
    const endedAt = then.status === "held" ? null : this.#now;
    if (this.#connection.run(END_RUN, status, then.output, then.error, endedAt, ...compared) === 0) return false;
    this.#tallies.add(workflow, RUNNING, minute, -1);
    this.#tallies.add(workflow, status, minute, 1);
    return true;
  }

  #writePlaces({ run, places }: RunCommit): void {
    for (const { queue, key, rank, node, cost, weight, isNew } of places ?? NONE) {
      this.#connection.run(INSERT_PLACE, this.#lane, queue, key, rank, run, node, cost, weight, isNew ? 1 : 0);
    }
  }

  #compare({ number }: { readonly number: number }, mailSeen: number): [number, number, number, number] {
    return [this.#lane, number, this.#lease.number, mailSeen];
  }

  #writeCarefully(commit: RunCommit): CommitAnswer {
    const { run, from } = commit;
    this.#lines.flush();
    const row = this.#connection.get<{ number: number; workflow: string; owner: number | null; mail: number }>(
      RUN_TO_COMMIT,
      this.#lane,
      run,
    );
    if (row === undefined) return "lost";
    const { number, workflow, owner, mail } = row;
    const length = journalLength(this.#connection, this.#lane, number);
    const kept = () => readJournal(this.#connection, this.#lane, number, from);
    const verdict = commitVerdict(commit, { owner, committer: this.#lease.number, length, mail }, kept);
    if (verdict !== "new") return verdict;
    const held: HeldRun = { number, workflow, minute: minuteOf(run), length };
    hold(this.#lease, run, held);
    this.#writeHeld(commit, held);
    return "written";
  }
}
