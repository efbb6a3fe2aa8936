/**
 * A store whose payloads are encoded: what goes in is encoded, what comes out decoded, and everything else is the other
 * store's own. Inputs, outputs, errors, journal lines, messages, and files with their names are payloads; graphs, filters of events, keys, attributes, tenants and
 * the names of nodes are not: they are searched, or tell nothing of a run.
 * Invariant: nothing of a payload reaches the store plain; a key's hash of its input neither, nor a key of a queue.
 */
import type { CallerClient } from "../caller-client.ts";
import type {
  Change,
  ClaimedRun,
  CommitAnswer,
  Due,
  Holder,
  Lease,
  LeaseSeen,
  Mail,
  Missing,
  Page,
  Post,
  PruneAnswer,
  Pruning,
  RunCommit,
  RunFilter,
  RunRecord,
  RunStart,
  Send,
  SendAnswer,
  ShownLine,
  StartAnswer,
  Store,
  StoredGraph,
  Tally,
  Then,
} from "../store.ts";
import type { Files } from "../files.ts";
import type { Codec } from "./codec.ts";
import type { Events } from "../events.ts";
import type { Queues } from "../queues.ts";
import type { Schedules } from "../schedules.ts";
import type { Transactions } from "../transactions.ts";
import { decodedClaim, decodedLines, decodedMail, decodedRecord, linePlace, partPlace } from "./decoded.ts";
import { EncodedFiles } from "./encoded-files.ts";
import { EncodedEvents } from "./encoded-events.ts";
import { EncodedQueues, hashedPlace } from "./encoded-queues.ts";
import { EncodedPost, encodedSend } from "./encoded-post.ts";
import { encodeText } from "./encoded-text.ts";
import { EncodedTransactions } from "./encoded-transactions.ts";

export class EncodedStore implements Store {
  readonly post: Post;
  readonly files: Files;
  readonly events: Events;
  readonly transactions: Transactions;
  readonly queues: Queues;
  declare readonly beat?: NonNullable<Store["beat"]>;
  readonly #store: Store;
  readonly #codec: Codec;

  constructor(store: Store, codec: Codec) {
    this.#store = store;
    this.#codec = codec;
    this.post = new EncodedPost(store.post, codec);
    this.files = new EncodedFiles(store.files, codec);
    this.events = new EncodedEvents(store.events, codec);
    this.transactions = new EncodedTransactions(store.transactions, codec);
    this.queues = new EncodedQueues(store.queues, codec);
    if (store.beat !== undefined) this.beat = store.beat.bind(store);
  }

  get name(): string {
    return this.#store.name;
  }

  get lanes(): number {
    return this.#store.lanes;
  }

  get pipelinesCommits(): boolean {
    return this.#store.pipelinesCommits;
  }

  get hears(): boolean {
    return this.#store.hears;
  }

  /** They have no payloads. */
  get schedules(): Schedules {
    return this.#store.schedules;
  }

  get missing(): readonly Missing[] | undefined {
    return this.#store.missing;
  }

  putGraphs(lane: number, graphs: readonly StoredGraph[]): Promise<void> {
    return this.#store.putGraphs(lane, graphs);
  }

  graph(lane: number, hash: string): Promise<StoredGraph | undefined> {
    return this.#store.graph(lane, hash);
  }

  join(lease: Lease, holder: Holder): Promise<void> {
    return this.#store.join(lease, holder);
  }

  renew(lease: Lease): Promise<readonly LeaseSeen[]> {
    return this.#store.renew(lease);
  }

  takeOver(lane: number, owner: string, beat: number | null, now: number, leaves: boolean): Promise<boolean> {
    return this.#store.takeOver(lane, owner, beat, now, leaves);
  }

  async start(
    lane: number,
    starts: readonly RunStart[],
    now: number,
    lease: Lease | null,
  ): Promise<readonly StartAnswer[]> {
    const encoded = starts.map((start) => encodedStart(this.#codec, start));
    return this.#store.start(lane, encoded, now, lease);
  }

  async startWith(
    client: CallerClient,
    lane: number,
    starts: readonly RunStart[],
    now: number,
  ): Promise<readonly StartAnswer[]> {
    const encoded = starts.map((start) => encodedStart(this.#codec, start));
    return this.#store.startWith(client, lane, encoded, now);
  }

  async claim(
    lease: Lease,
    workflows: readonly string[],
    now: number,
    runsMax: number,
    bytesMax: number,
  ): Promise<readonly ClaimedRun[]> {
    const claimed = await this.#store.claim(lease, workflows, now, runsMax, bytesMax);
    return claimed.map((run) => decodedClaim(this.#codec, run));
  }

  async mail(lease: Lease, now: number): Promise<readonly Mail[]> {
    return (await this.#store.mail(lease, now)).map((mail) => decodedMail(this.#codec, mail));
  }

  owned(lease: Lease): Promise<readonly string[]> {
    return this.#store.owned(lease);
  }

  async load(lease: Lease, runs: readonly string[]): Promise<readonly ClaimedRun[]> {
    return (await this.#store.load(lease, runs)).map((run) => decodedClaim(this.#codec, run));
  }

  look(lease: Lease, workflows: readonly string[], now: number): Promise<Due> {
    return this.#store.look(lease, workflows, now);
  }

  async commit(lease: Lease, batch: readonly RunCommit[], now: number): Promise<readonly CommitAnswer[]> {
    return this.#store.commit(
      lease,
      batch.map((commit) => encodedCommit(this.#codec, commit)),
      now,
    );
  }

  async send(lane: number, sends: readonly Send[], now: number): Promise<readonly SendAnswer[]> {
    return this.#store.send(
      lane,
      sends.map((send) => encodedSend(this.#codec, send)),
      now,
    );
  }

  prune(lane: number, runs: readonly string[], pruning: Pruning): Promise<readonly PruneAnswer[]> {
    return this.#store.prune(lane, runs, pruning);
  }

  forgetKeys(lane: number, now: number, limit: number): Promise<number> {
    return this.#store.forgetKeys(lane, now, limit);
  }

  async read(lane: number, runs: readonly string[]): Promise<readonly (RunRecord | undefined)[]> {
    const records = await this.#store.read(lane, runs);
    return records.map((record) => record && decodedRecord(this.#codec, record));
  }

  async journal(lane: number, run: string): Promise<readonly ShownLine[]> {
    return decodedLines(this.#codec, run, await this.#store.journal(lane, run));
  }

  async list(lane: number, filter: RunFilter, page: Page): Promise<readonly RunRecord[]> {
    return (await this.#store.list(lane, filter, page)).map((record) => decodedRecord(this.#codec, record));
  }

  tallies(lane: number, from: number | null, until: number | null): Promise<readonly Tally[]> {
    return this.#store.tallies(lane, from, until);
  }

  watch(what: Change, changed: () => void): () => void {
    return this.#store.watch(what, changed);
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

/**
 * A key that was used before has the hash of its input under the codec's key of that time, or a plain one of the time
 * before the codec.
 */
function encodedStart(codec: Codec, start: RunStart): RunStart {
  const { id, key } = start;
  const input = encodeText(codec, start.input, partPlace(id, "input"));
  if (key === null) return { ...start, input };
  const hashes = [key.inputHash, ...(key.formerHashes ?? [])].flatMap((hash) => [...codec.digests(hash), hash]);
  const [inputHash = key.inputHash, ...formerHashes] = hashes;
  const { debounce } = key;
  if (debounce === undefined) return { ...start, input, key: { ...key, inputHash, formerHashes } };
  const inputOf = (run: string): string => encodeText(codec, start.input, partPlace(run, "input"));
  return { ...start, input, key: { ...key, inputHash, formerHashes, debounce: { ...debounce, inputOf } } };
}

function encodedCommit(codec: Codec, commit: RunCommit): RunCommit {
  const { run, from, lines, parcels, places, then } = commit;
  const encoded: RunCommit = {
    ...commit,
    then: encodedThen(codec, run, then),
    lines: lines.map((line, index) => {
      return { ...line, data: encodeText(codec, line.data, linePlace(run, from + index, line)) };
    }),
  };
  if (parcels === undefined && places === undefined) return encoded;
  return {
    ...encoded,
    parcels: parcels?.map((send) => encodedSend(codec, send)),
    places: places?.map((place) => hashedPlace(codec, place)),
  };
}

function encodedThen(codec: Codec, run: string, then: Then): Then {
  if (then.kind !== "end") return then;
  const { output, error } = then;
  return {
    ...then,
    output: output === null ? null : encodeText(codec, output, partPlace(run, "output")),
    error: error === null ? null : encodeText(codec, error, partPlace(run, "error")),
  };
}
