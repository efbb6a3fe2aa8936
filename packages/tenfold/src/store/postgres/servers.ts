/**
 * A store that is spread over several Postgres servers, each with some of its lanes.
 * Invariants: a verb goes to the one server that holds its lane, so no transaction touches two; which server that is,
 * is what stands there, and the map of it here is a hint: a server without the lane writes nothing, and says so. What
 * a server that is away holds is missing; all else goes on.
 */
import type { JournalLine } from "../../core/journal-line.ts";
import { TenfoldError } from "../../value/error.ts";
import type { CallerClient } from "../caller-client.ts";
import type { Tell } from "../heartbeat.ts";
import type { Files } from "../files.ts";
import * as port from "../store.ts";
import { LaneGone } from "./lane-row.ts";
import { watchersOf } from "./notices.ts";
import type { Place, Whole } from "./place.ts";
import { partsAt } from "./server-parts.ts";
import type { PostgresStore } from "./postgres.ts";
import type { Events } from "../events.ts";
import type { Queues } from "../queues.ts";
import type { Schedules } from "../schedules.ts";
import type { Transactions } from "../transactions.ts";

/** How long a lane that no server holds is looked for: the moment in which it changes its server. */
const LOOK_FOR_MS = 15_000;
const LOOK_PAUSE_MS = 10;
const LOOK_PAUSE_MAX_MS = 250;

export class PostgresServers implements port.Store {
  readonly name: string;
  readonly lanes: number;
  readonly pipelinesCommits = true;
  readonly places: readonly Place[];
  readonly post: port.Post;
  readonly schedules: Schedules;
  readonly files: Files;
  readonly events: Events;
  readonly transactions: Transactions;
  readonly queues: Queues;
  readonly #whole: Whole;
  readonly #watchers = watchersOf<() => void>();
  readonly #watched = new Set<PostgresStore>();
  #map: ReadonlyMap<number, Place> = new Map();
  #reading: Promise<void> | null = null;

  /** Use `openServers`. */
  constructor(whole: Whole, places: readonly Place[]) {
    this.name = places.map(({ name }) => name).join(", ");
    this.lanes = whole.lanes;
    this.#whole = whole;
    this.places = places;
    const { post, schedules, files, events, transactions, queues } = partsAt(
      (lane, ask) => this.#at(lane, ask),
      (lane, ask) => this.#read(lane, ask),
    );
    this.post = post;
    this.schedules = schedules;
    this.files = files;
    this.events = events;
    this.transactions = transactions;
    this.queues = queues;
  }

  get hears(): boolean {
    return this.#open().every((store) => store.hears);
  }

  get missing(): readonly port.Missing[] {
    const lost = this.#lanesOf(undefined);
    const away = this.places.flatMap((place): port.Missing[] => {
      if (place.away === null) return [];
      const known = this.#lanesOf(place);
      const lanes = place.store === null ? [...known, ...lost].sort((a, b) => a - b) : known;
      return lanes.length === 0 ? [] : [{ lanes, server: place.name, reason: place.away.message }];
    });
    if (lost.length === 0 || away.length > 0) return away;
    const reason = "No server holds it: a `tenfold lanes move` of it was not ended, or the data of its server is gone.";
    return [{ lanes: lost, server: "none", reason }];
  }

  /** Where each lane is, as far as known. */
  placeOf(lane: number): Place | undefined {
    return this.#map.get(lane);
  }

  putGraphs(lane: number, graphs: readonly port.StoredGraph[]): Promise<void> {
    return this.#at(lane, (store) => store.putGraphs(lane, graphs));
  }

  graph(lane: number, hash: string): Promise<port.StoredGraph | undefined> {
    return this.#read(lane, (store) => store.graph(lane, hash));
  }

  join(lease: port.Lease, holder: port.Holder): Promise<void> {
    return this.#at(lease.lane, (store) => store.join(lease, holder));
  }

  renew(lease: port.Lease): Promise<readonly port.LeaseSeen[]> {
    return this.#at(lease.lane, (store) => store.renew(lease));
  }

  takeOver(lane: number, owner: string, beat: number | null, now: number, leaves: boolean): Promise<boolean> {
    return this.#at(lane, (store) => store.takeOver(lane, owner, beat, now, leaves));
  }

  start(
    lane: number,
    starts: readonly port.RunStart[],
    now: number,
    lease: port.Lease | null,
  ): Promise<readonly port.StartAnswer[]> {
    return this.#at(lane, (store) => store.start(lane, starts, now, lease));
  }

  startWith(
    client: CallerClient,
    lane: number,
    starts: readonly port.RunStart[],
    now: number,
  ): Promise<readonly port.StartAnswer[]> {
    return this.#at(lane, (store) => store.startWith(client, lane, starts, now));
  }

  claim(
    lease: port.Lease,
    workflows: readonly string[],
    now: number,
    runsMax: number,
    bytesMax: number,
  ): Promise<readonly port.ClaimedRun[]> {
    return this.#at(lease.lane, (store) => store.claim(lease, workflows, now, runsMax, bytesMax));
  }

  mail(lease: port.Lease, now: number): Promise<readonly port.Mail[]> {
    return this.#at(lease.lane, (store) => store.mail(lease, now));
  }

  owned(lease: port.Lease): Promise<readonly string[]> {
    return this.#at(lease.lane, (store) => store.owned(lease));
  }

  load(lease: port.Lease, runs: readonly string[]): Promise<readonly port.ClaimedRun[]> {
    return this.#at(lease.lane, (store) => store.load(lease, runs));
  }

  look(lease: port.Lease, workflows: readonly string[], now: number): Promise<port.Due> {
    return this.#at(lease.lane, (store) => store.look(lease, workflows, now));
  }

  commit(lease: port.Lease, batch: readonly port.RunCommit[], now: number): Promise<readonly port.CommitAnswer[]> {
    return this.#at(lease.lane, (store) => store.commit(lease, batch, now));
  }

  send(lane: number, sends: readonly port.Send[], now: number): Promise<readonly port.SendAnswer[]> {
    return this.#at(lane, (store) => store.send(lane, sends, now));
  }

  prune(lane: number, runs: readonly string[], pruning: port.Pruning): Promise<readonly port.PruneAnswer[]> {
    return this.#at(lane, (store) => store.prune(lane, runs, pruning));
  }

  forgetKeys(lane: number, now: number, limit: number): Promise<number> {
    return this.#at(lane, (store) => store.forgetKeys(lane, now, limit));
  }

  read(lane: number, runs: readonly string[]): Promise<readonly (port.RunRecord | undefined)[]> {
    return this.#read(lane, (store) => store.read(lane, runs));
  }

  journal(lane: number, run: string): Promise<readonly JournalLine[]> {
    return this.#read(lane, (store) => store.journal(lane, run));
  }

  list(lane: number, filter: port.RunFilter, page: port.Page): Promise<readonly port.RunRecord[]> {
    return this.#read(lane, (store) => store.list(lane, filter, page));
  }

  tallies(lane: number, from: number | null, until: number | null): Promise<readonly port.Tally[]> {
    return this.#read(lane, (store) => store.tallies(lane, from, until));
  }

  watch(what: port.Change, changed: () => void): () => void {
    this.#watchers[what].add(changed);
    for (const store of this.#open()) this.#watchOne(store);
    return () => this.#watchers[what].delete(changed);
  }

  beat(lease: port.Lease, everyMs: number, tell: Tell): () => void {
    const store = this.#map.get(lease.lane)?.store;
    if (store !== undefined && store !== null) return store.beat(lease, everyMs, tell);
    const telling = setImmediate(() => tell(null));
    return () => clearImmediate(telling);
  }

  async close(): Promise<void> {
    for (const watchers of Object.values(this.#watchers)) watchers.clear();
    await Promise.all(this.places.map((place) => place.close()));
  }

  /** Asks every server that is reached which lanes it holds; of the others, what was known stays. */
  readMap(): Promise<void> {
    this.#reading ??= this.#readMap().finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #readMap(): Promise<void> {
    const map = new Map<number, Place>();
    const moving = new Map<number, Place>();
    await Promise.all(
      this.places.map(async (place) => {
        if (place.away !== null) return;
        try {
          for (const { lane, isMoving } of await place.lanes()) (isMoving ? moving : map).set(lane, place);
        } catch (thrown) {
          this.leave(place, thrown);
        }
      }),
    );
    // One that moves is read where it was, until it is worked elsewhere.
    for (const [lane, place] of moving) if (!map.has(lane)) map.set(lane, place);
    for (const [lane, place] of this.#map) if (!map.has(lane) && place.away !== null) map.set(lane, place);
    this.#map = map;
  }

  /** Calls `act` with the server that holds the lane, and again where the map was wrong. */
  async #at<T>(lane: number, act: (store: PostgresStore) => Promise<T>): Promise<T> {
    if (!Number.isInteger(lane) || lane < 0 || lane >= this.lanes) {
      throw new TenfoldError("INVARIANT_BROKEN", `There is no lane ${lane} in ${this.name}.`);
    }
    const until = performance.now() + LOOK_FOR_MS;
    for (let pauseMs = LOOK_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LOOK_PAUSE_MAX_MS)) {
      const place = this.#map.get(lane);
      if (place !== undefined && place.away !== null) throw this.#isAway(lane, place);
      try {
        if (place !== undefined) return await act(place.store!);
      } catch (thrown) {
        await this.#asks(place!, thrown);
        if (!(thrown instanceof LaneGone)) throw thrown;
      }
      await this.readMap();
      const now = this.#map.get(lane);
      if (now !== undefined && now !== place) continue;
      if (now === undefined && this.places.some(({ away }) => away !== null)) throw this.#isAway(lane, undefined);
      if (performance.now() >= until) throw this.#isAway(lane, undefined);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /** Nothing of the lane may have left before it was read. */
  async #read<T>(lane: number, act: (store: PostgresStore) => Promise<T>): Promise<T> {
    const read = async (store: PostgresStore): Promise<T> => {
      const [answer, isHere] = await Promise.all([act(store), store.holds(lane)]);
      if (!isHere) throw new LaneGone(lane, store.name);
      return answer;
    };
    try {
      return await this.#at(lane, read);
    } catch (thrown) {
      // A connection broke, and the server is there: what was only asked is asked again.
      if (!isUnreached(thrown) || (this.#map.get(lane)?.away ?? thrown) !== null) throw thrown;
      return this.#at(lane, read);
    }
  }

  /** After an error on the way to a server: whether the server itself is away. */
  async #asks(place: Place, thrown: unknown): Promise<void> {
    if (isUnreached(thrown) && place.away === null && !(await place.answers())) this.leave(place, thrown);
  }

  /** The server is away, until it answers. */
  leave(place: Place, thrown: unknown): void {
    if (!(thrown instanceof TenfoldError)) throw thrown;
    if (place.away === null) place.leaves(thrown, () => this.#comes(place));
  }

  /** Rejects while the server is away. */
  async #comes(place: Place): Promise<void> {
    await place.lanes().catch((thrown: unknown) => {
      if (isUnreached(thrown)) throw thrown;
    });
    await this.admit(place);
    setImmediate(
      () =>
        void this.readMap().then(() => {
          for (const what of port.CHANGES) this.#changed(what);
        }),
    );
  }

  /** Opens the part of the store that a server holds; STORE_MIXED if it holds one of another store. */
  async admit(place: Place, held: readonly number[] = []): Promise<void> {
    const store = await place.open(this.#whole, held);
    if ((await place.survey())?.store !== this.#whole.store) throw foreignServer(place.name);
    if (this.#isWatched) this.#watchOne(store);
  }

  get #isWatched(): boolean {
    return port.CHANGES.some((what) => this.#watchers[what].size > 0);
  }

  #watchOne(store: PostgresStore): void {
    if (this.#watched.has(store)) return;
    this.#watched.add(store);
    for (const what of port.CHANGES) store.watch(what, () => this.#changed(what));
  }

  #changed(what: port.Change): void {
    for (const watcher of [...this.#watchers[what]]) watcher();
  }

  #open(): readonly PostgresStore[] {
    return this.places.flatMap(({ store, away }) => (store === null || away !== null ? [] : [store]));
  }

  #lanesOf(place: Place | undefined): number[] {
    return Array.from({ length: this.lanes }, (_, lane) => lane).filter((lane) => this.#map.get(lane) === place);
  }

  #isAway(lane: number, place: Place | undefined): TenfoldError {
    const away = this.missing.find(({ lanes }) => lanes.includes(lane));
    const server = place?.name ?? away?.server ?? "none";
    const reason = place?.away?.message ?? away?.reason ?? "No server of the store holds it now.";
    return new TenfoldError(
      "STORE_UNREACHABLE",
      `Lane ${lane} is not reached (${server}); nothing of this call was sent. ${reason}`,
      { facts: { store: this.name, lane, server, sent: false } },
    );
  }
}

function isUnreached(thrown: unknown): boolean {
  return thrown instanceof TenfoldError && thrown.code === "STORE_UNREACHABLE";
}

export function foreignServer(name: string): TenfoldError {
  return new TenfoldError(
    "STORE_MIXED",
    `The server ${name} holds another store than the other servers of the list; nothing was opened. Name only the servers ` +
      `of one store.`,
    { facts: { server: name } },
  );
}
