/**
 * The simulated store seen from outside of time: what it holds right now, without a verb, a delay or a fault.
 * It also notes which leases are alive, from what the store answered, apart from the store's own tables.
 */
import type { JournalLine } from "../../core/journal-line.ts";
import { MemoryStore } from "../../store/memory.ts";
import type { Holder, Lease, RunRecord, Store } from "../../store/store.ts";
import { laneOfRun } from "../../value/id.ts";
import type { Files } from "../../store/files.ts";
import type { Place, Queues } from "../../store/queues.ts";
import type { Schedules } from "../../store/schedules.ts";
import type { Transactions } from "../../store/transactions.ts";
import type { Verb } from "../store-by-verb.ts";
import type { Standing } from "./scheduled.ts";
import { TwinStore } from "./twin-store.ts";
import { Violation } from "./violation.ts";

/** Verbs that a lease is needed for, wherever it stands in their arguments. */
const FENCED: ReadonlySet<string> = new Set(["renew", "start", "claim", "load", "mail", "owned", "commit"]);

/** `verb`, and a violation if it does anything for a lease that is dead. */
function fenced(name: string, verb: Verb, alive: ReadonlySet<string>): Verb {
  return async (...args) => {
    const lease = args.find((arg) => typeof arg === "object" && arg !== null && "owner" in arg) as Lease | undefined;
    const answer = await verb(...args);
    if (lease !== undefined && !alive.has(lease.owner)) {
      throw new Violation("a worker whose lease is dead writes nothing", { verb: name, owner: lease.owner });
    }
    return answer;
  };
}

export class OpenBook {
  readonly store: Store;
  readonly #inner: MemoryStore;
  readonly #twin: TwinStore | null;
  readonly #alive = new Set<string>();
  /** When each schedule was first seen, by workflow and name. */
  readonly #firstSeen = new Map<string, number>();
  /** The last incarnation of each process in each lane. */
  readonly #latest = new Map<string, string>();
  /** The process of each incarnation. */
  readonly #processes = new Map<string, string>();
  #leaseEnded: (process: string, lane: number) => void = () => {};

  /** `tried`: a store that is to answer all that the memory store does; `note` is told where it does not. */
  constructor(lanes: number, tried: Store | null, note: (violation: Violation) => void) {
    this.#inner = new MemoryStore(lanes);
    this.#twin = tried === null ? null : new TwinStore(this.#inner, tried, note);
    this.store = this.#noting(this.#twin?.store ?? this.#inner);
  }

  /** What is under way in real time. */
  get underWay(): Promise<unknown> | null {
    return this.#twin?.underWay ?? null;
  }

  /** `told` hears of each lease that is dead from now on. */
  whenLeaseEnds(told: (process: string, lane: number) => void): void {
    this.#leaseEnded = told;
  }

  isAlive(owner: string): boolean {
    return this.#alive.has(owner);
  }

  /** Under which name a process drives a run now, alive or not. */
  ownerOf(process: string, run: string): string {
    return this.#latest.get(`${process} ${laneOfRun(run)}`) ?? "nobody";
  }

  records(): readonly RunRecord[] {
    return Array.from({ length: this.#inner.lanes }, (_, lane) => this.#inner.peekAll(lane)).flat();
  }

  record(run: string): RunRecord | undefined {
    return this.#inner.peek(laneOfRun(run)!, run)?.record;
  }

  journal(run: string): readonly JournalLine[] {
    return this.#inner.peek(laneOfRun(run)!, run)?.journal ?? [];
  }

  /** Messages of the run that were not absorbed. */
  mailCount(run: string): number {
    return this.#inner.peek(laneOfRun(run)!, run)?.unread ?? 0;
  }

  /** Where the run waits in queues. */
  places(run: string): readonly Place[] {
    return this.#inner.queues.peek(laneOfRun(run)!, run);
  }

  /** What the run is found by. */
  attributes(run: string): ReadonlyMap<string, string> {
    return this.#inner.peek(laneOfRun(run)!, run)?.attributes ?? new Map<string, string>();
  }

  /** Paths of the nodes that have begun a file of the run which is not whole. */
  filesBegun(run: string): readonly string[] {
    const files = this.#inner.files.peek(laneOfRun(run)!, run);
    return files.filter(({ state }) => state === "begun").map(({ node }) => node);
  }

  /** The files of the run that are whole. */
  files(run: string): readonly { readonly node: string; readonly text: string }[] {
    const whole = this.#inner.files.peek(laneOfRun(run)!, run).filter(({ state }) => state === "whole");
    return whole.map(({ node, bytes }) => {
      return { node, text: Buffer.concat([...bytes].sort(([a], [b]) => a - b).map(([, part]) => part)).toString() };
    });
  }

  /** What bodies have written in transactions that are committed, by lane. */
  written(): readonly (readonly string[])[] {
    return Array.from({ length: this.#inner.lanes }, (_, lane) => this.#inner.peekWritten(lane));
  }

  /** How far a schedule has come; null: nobody has seen it. */
  standingOf(workflow: string, schedule: string): Standing | null {
    const firstSeenAt = this.#firstSeen.get(`${workflow} ${schedule}`);
    if (firstSeenAt === undefined) return null;
    const lanes = Array.from({ length: this.#inner.lanes }, (_, lane) => lane);
    const [reached] = lanes.flatMap((lane) => this.#inner.schedules.peek(lane, { workflow, schedule }) ?? []);
    return { firstSeenAt, settled: reached!.at };
  }

  /** Deliveries of events that no run has come of so far. */
  get deliveriesWaiting(): number {
    const lanes = Array.from({ length: this.#inner.lanes }, (_, lane) => lane);
    return lanes.reduce((sum, lane) => sum + this.#inner.events.peekWaiting(lane), 0);
  }

  #notingSchedules({ schedules }: Store): Schedules {
    return {
      reached: (lane, names) => schedules.reached(lane, names),
      advance: async (lane, batch) => {
        const isDone = await schedules.advance(lane, batch);
        batch.forEach(({ workflow, schedule, from, to }, nth) => {
          if (from === null && isDone[nth]!) this.#firstSeen.set(`${workflow} ${schedule}`, to.at);
        });
        return isDone;
      },
    };
  }

  #fencedFiles({ files }: Store): Files {
    const fencedVerb = (verb: "write" | "remove"): Verb => fenced(verb, (files[verb] as Verb).bind(files), this.#alive);
    return {
      write: fencedVerb("write") as Files["write"],
      remove: fencedVerb("remove") as Files["remove"],
      list: files.list.bind(files),
      read: files.read.bind(files),
      sweep: files.sweep.bind(files),
    };
  }

  #fencedQueues({ queues }: Store): Queues {
    const verbs = ["own", "release", "keepBuckets", "arrivals", "call", "setStats"] as const;
    const made = verbs.map((verb) => [verb, fenced(verb, (queues[verb] as Verb).bind(queues), this.#alive)] as const);
    return {
      keyOf: queues.keyOf.bind(queues),
      firsts: queues.firsts.bind(queues),
      behind: queues.behind.bind(queues),
      setSettings: queues.setSettings.bind(queues),
      list: queues.list.bind(queues),
      rows: queues.rows.bind(queues),
      ahead: queues.ahead.bind(queues),
      count: queues.count.bind(queues),
      unbegun: queues.unbegun.bind(queues),
      ...(Object.fromEntries(made) as Pick<Queues, (typeof verbs)[number]>),
    };
  }

  #fencedTransactions({ transactions }: Store): Transactions {
    return {
      kind: transactions.kind,
      transact: async (lease, work) => {
        const answer = await transactions.transact(lease, work);
        if (answer.kind === "written" && !this.#alive.has(lease.owner))
          throw new Violation("a worker whose lease is dead writes nothing", { verb: "transact", owner: lease.owner });
        return answer;
      },
    };
  }

  #noting(inner: Store): Store {
    const schedules = this.#notingSchedules(inner);
    const files = this.#fencedFiles(inner);
    const transactions = this.#fencedTransactions(inner);
    const queues = this.#fencedQueues(inner);
    const processes = this.#processes;
    const ended = (lane: number, owner: string): void => {
      alive.delete(owner);
      this.#leaseEnded(processes.get(owner)!, lane);
    };
    const alive = this.#alive;
    const latest = this.#latest;
    return new Proxy(inner, {
      get(target, name) {
        if (name === "schedules") return schedules;
        if (name === "files") return files;
        if (name === "transactions") return transactions;
        if (name === "queues") return queues;
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        if (name === "join") {
          return (lease: Lease, holder: Holder) => {
            alive.add(lease.owner);
            processes.set(lease.owner, holder.process);
            latest.set(`${holder.process} ${lease.lane}`, lease.owner);
            return target.join(lease, holder);
          };
        }
        if (name === "takeOver") {
          return async (lane: number, owner: string, beat: number | null, now: number, leaves: boolean) => {
            const isTaken = await target.takeOver(lane, owner, beat, now, leaves);
            if (isTaken) ended(lane, owner);
            return isTaken;
          };
        }
        if (FENCED.has(String(name))) return fenced(String(name), member.bind(target) as Verb, alive);
        return member.bind(target) as unknown;
      },
    });
  }
}
