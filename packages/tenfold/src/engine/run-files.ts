/**
 * The files of the runs that a driver owns: what each run has is read once, when a body first writes one, and known from then
 * on, since nobody else writes to it.
 * Invariants: of one node and name one file is written at a time, and one is there; a run has a bounded number of them; what
 * a dead worker's attempt has left is removed by the next one that writes the same.
 */
import { decodedFile } from "../store/codec/encoded-files.ts";
import type { FilePart, PartAnswer } from "../store/files.ts";
import { LeaseLost } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import { runIdMaker } from "../value/id.ts";
import type { Random } from "../value/random.ts";
import { isPassing } from "./passing.ts";
import { PartQueue, type PartQueueHost } from "./part-queue.ts";
import { waitFor } from "./ports.ts";
import { inOrder, knownFile, type FilePlace, type KnownFile } from "./stored-file.ts";

/** Files that a run may have. */
export const FILES_MAX = 1000;

/** Parts that one transaction frees. */
export const SWEEP_PARTS = 64;

const RETRY_MS = 100;

export interface RunFilesHost extends PartQueueHost {
  readonly random: Random;
}

export class DriverFiles {
  readonly #host: RunFilesHost;
  readonly #queue: PartQueue;
  readonly #runs = new WeakMap<object, RunFiles>();
  #newId: ((now: number, lane: number) => string) | null = null;
  #isSweeping = false;
  #sweepsAgain = false;
  #isClosed = false;

  constructor(host: RunFilesHost) {
    this.#host = host;
    this.#queue = new PartQueue(host);
  }

  /** The files of a run that is driven here, for as long as it is this object. */
  of(run: { readonly id: string }): RunFiles {
    let files = this.#runs.get(run);
    if (files === undefined) this.#runs.set(run, (files = new RunFiles(run.id, this)));
    return files;
  }

  placeOf(run: string, signal: AbortSignal): FilePlace {
    const { store, lease } = this.#host;
    const read: FilePlace["read"] = (...asked) => this.#patiently(signal, () => store.files.read(...asked));
    return { lane: lease.lane, run, read };
  }

  /** What the store has of a run, those that are not whole too. */
  async list(run: string, signal?: AbortSignal): Promise<readonly ReturnType<typeof decodedFile>[]> {
    const { store, lease } = this.#host;
    const [records] = await this.#patiently(signal, () => store.files.list(lease.lane, [run]));
    return records!.map((record) => decodedFile(null, run, record));
  }

  newId(): string {
    const { clock, random, lease } = this.#host;
    this.#newId ??= runIdMaker(random);
    return this.#newId(clock.now(), lease.lane);
  }

  async send(part: FilePart, signal: AbortSignal): Promise<PartAnswer> {
    const answer = await this.#queue.add(part, signal);
    if (answer === "written" && part.removes.length > 0) this.#sweep();
    return answer;
  }

  /**
   * Takes back what was begun, once its last part that was sent is `answered`: that would come behind it otherwise. If it fails,
   * the next attempt does, or whoever prunes the run.
   */
  async remove(run: string, file: string, answered: Promise<unknown>): Promise<void> {
    await answered.catch(() => {});
    if (this.#isClosed) return;
    const { store, lease } = this.#host;
    await this.#patiently(undefined, () => store.files.remove(lease, [{ run, file }])).catch(ignoreRefusal);
    this.#sweep();
  }

  close(): void {
    this.#isClosed = true;
    this.#queue.close();
  }

  #sweep(): void {
    this.#sweepsAgain = true;
    if (!this.#isSweeping) void this.#sweepAll();
  }

  /** As long for others as it takes itself. */
  async #sweepAll(): Promise<void> {
    const { clock, store, lease } = this.#host;
    this.#isSweeping = true;
    while (this.#sweepsAgain && !this.#isClosed) {
      this.#sweepsAgain = false;
      const from = clock.elapsed();
      const freed = await store.files.sweep(lease.lane, SWEEP_PARTS).catch(ignoreRefusal);
      if (freed !== undefined && freed > 0) this.#sweepsAgain = true;
      await waitFor(clock, clock.elapsed() - from);
    }
    this.#isSweeping = false;
  }

  async #patiently<T>(signal: AbortSignal | undefined, act: () => Promise<T>): Promise<T> {
    for (;;) {
      signal?.throwIfAborted();
      try {
        return await act();
      } catch (thrown) {
        if (!isPassing(thrown) || this.#isClosed) throw thrown;
        await waitFor(this.#host.clock, RETRY_MS);
      }
    }
  }
}

/** A file that is being written, and what it takes the place of. */
export interface Writing {
  readonly file: string;
  readonly node: string;
  readonly name: string;
  /** Begun by an attempt that is over. */
  readonly left: readonly string[];
}

interface Kept {
  readonly key: string;
  readonly isWhole: boolean;
}

export class RunFiles {
  readonly #run: string;
  readonly #driver: DriverFiles;
  #loading: Promise<void> | null = null;
  /** By id. */
  readonly #kept = new Map<string, Kept>();
  readonly #writing = new Set<string>();

  constructor(run: string, driver: DriverFiles) {
    this.#run = run;
    this.#driver = driver;
  }

  /** Those that are whole. */
  async list(signal: AbortSignal): Promise<readonly KnownFile[]> {
    const records = await this.#driver.list(this.#run, signal);
    return inOrder(records.map(knownFile).filter((file) => file !== undefined));
  }

  placeOf(signal: AbortSignal): FilePlace {
    return this.#driver.placeOf(this.#run, signal);
  }

  /** Answers once it is known what the run has; read for all that ask, whichever of them stops meanwhile. */
  loaded(): Promise<void> {
    this.#loading ??= this.#load().catch((thrown: unknown) => {
      this.#loading = null;
      throw thrown;
    });
    return this.#loading;
  }

  /** From now on nobody else writes a file of that node and name, until it is `kept` or `dropped`. It was `loaded`. */
  begin(node: string, name: string): Writing {
    const key = keyOf(node, name);
    if (this.#writing.has(key)) throw writtenTwice(node, name);
    const others = new Set([...this.#writing, ...[...this.#kept.values()].map((kept) => kept.key)]);
    others.delete(key);
    if (others.size >= FILES_MAX) throw tooMany(this.#run, node, name);
    this.#writing.add(key);
    return { file: this.#driver.newId(), node, name, left: this.#idsOf(key, false) };
  }

  /** What is to go when it is whole. */
  replacedBy({ node, name }: Writing): readonly string[] {
    return this.#idsOf(keyOf(node, name), true);
  }

  send(part: Omit<FilePart, "run">, signal: AbortSignal): Promise<PartAnswer> {
    return this.#driver.send({ run: this.#run, ...part }, signal);
  }

  kept({ file, node, name }: Writing): void {
    const key = keyOf(node, name);
    for (const [id, kept] of this.#kept) if (kept.key === key) this.#kept.delete(id);
    this.#kept.set(file, { key, isWhole: true });
    this.#writing.delete(key);
  }

  /** It is not written any more; `sent`: the answer to the last part of it, null if the store was sent none. */
  dropped({ file, node, name }: Writing, sent: Promise<PartAnswer> | null): void {
    this.#writing.delete(keyOf(node, name));
    if (sent === null) return;
    this.#kept.set(file, { key: keyOf(node, name), isWhole: false });
    void this.#driver.remove(this.#run, file, sent);
  }

  async #load(): Promise<void> {
    for (const record of await this.#driver.list(this.#run)) {
      if (record.unread !== undefined) throw record.unread;
      const { name } = JSON.parse(record.about) as { readonly name: string };
      this.#kept.set(record.file, { key: keyOf(record.node, name), isWhole: record.at !== null });
    }
  }

  #idsOf(key: string, isWhole: boolean): readonly string[] {
    return [...this.#kept].filter(([, kept]) => kept.key === key && kept.isWhole === isWhole).map(([file]) => file);
  }
}

/** No name has a slash. */
function keyOf(node: string, name: string): string {
  return `${node}/${name}`;
}

/** What the store refuses now is done another time, by whoever works there. */
function ignoreRefusal(thrown: unknown): undefined {
  const isRefusal = thrown instanceof TenfoldError && thrown.code !== "INVARIANT_BROKEN";
  if (!isRefusal && !(thrown instanceof LeaseLost)) throw thrown;
  return undefined;
}

function writtenTwice(node: string, name: string): TenfoldError {
  return new TenfoldError(
    "FILE_NOT_KEPT",
    `${node} writes ${name} already; the second one of that name was not begun. Await the first, or give it another name.`,
    { facts: { node, name } },
  );
}

function tooMany(run: string, node: string, name: string): TenfoldError {
  return new TenfoldError(
    "FILES_TOO_MANY",
    `Run ${run} has ${FILES_MAX} files, as many as it may; ${name} of ${node} was not kept. Put more into one file (a ZIP, a CSV), or store them elsewhere and answer where they are.`,
    { facts: { run, node, name, max: FILES_MAX } },
  );
}
