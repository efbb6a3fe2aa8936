/**
 * Tells other workers that something is due, and hears it from them: a notification only saves a poll.
 * Invariants: no notification is part of a driver's commit; however much changes, few are sent a second; one that is lost
 * costs a poll, so nothing here is ever waited for, by the server's disk neither.
 */
import { randomBytes } from "node:crypto";
import { CHANGES, type Change } from "../store.ts";
import type { Connection, Statement } from "./connection.ts";
import type { Listener } from "./listener.ts";

/** Between two notifications of one handle: the first goes out at once, what changes after it is told together. */
const GAP_MS = 20;

/** Told with a change that was made long before it became visible. */
const LATE = "late";

export function watchersOf<T>(): Readonly<Record<Change, Set<T>>> {
  return { due: new Set(), delivery: new Set(), ended: new Set(), place: new Set() };
}

export const NOTIFY = "select pg_notify($1, $2)";

/** Not worth a sync of the server's log. */
export const NOTIFY_UNSYNCED = `select set_config('synchronous_commit', 'off', true), pg_notify($1, $2)`;

export class Notices {
  /** Called before the watchers, where what has changed may be older than what was seen last. */
  onLate: () => void = () => {};
  readonly #channel: string;
  /** By which a handle knows what it has told itself; no part of it is a word that is told. */
  readonly #sender = randomBytes(8).toString("hex");
  readonly #tells: Connection;
  readonly #hears: Listener | null;
  readonly #watchers = watchersOf<() => void>();
  readonly #untold = new Set<Change>();
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  /** `hears` is null where no session stays with one server process, as in a pool of transactions. */
  constructor(channel: string, tells: Connection, hears: Listener | null) {
    this.#channel = channel;
    this.#tells = tells;
    this.#hears = hears;
  }

  get isHearing(): boolean {
    return this.#hears?.isHearing ?? false;
  }

  /** Tells, from within a caller's own transaction, that something is due: heard when that commits, and never if it does not. */
  dueWithin(): Statement {
    return { sql: NOTIFY, values: [this.#channel, `${"due" satisfies Change} ${LATE}`] };
  }

  /** Something has changed that nobody else needs to hear of. */
  tellHere(what: Change): void {
    for (const watcher of [...this.#watchers[what]]) watcher();
  }

  /** Something has changed through this handle. */
  tell(what: Change): void {
    this.tellHere(what);
    this.#untold.add(what);
    if (this.#timer === null) this.#send();
  }

  watch(what: Change, changed: () => void): () => void {
    this.#watchers[what].add(changed);
    if (!this.#isClosed) this.#hears?.listen((told) => this.#heard(told));
    return () => this.#watchers[what].delete(changed);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const watchers of Object.values(this.#watchers)) watchers.clear();
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#hears?.close();
  }

  /** Undefined: notifications may have been lost. */
  #heard(told: string | undefined): void {
    if (told?.includes(this.#sender)) return;
    if (told === undefined || told.includes(LATE)) this.onLate();
    for (const what of CHANGES) if (told === undefined || told.includes(what)) this.tellHere(what);
  }

  #send(): void {
    this.#timer = null;
    if (this.#untold.size === 0 || this.#isClosed) return;
    void this.#tells
      .rows(NOTIFY_UNSYNCED, this.#channel, [...this.#untold, this.#sender].join(" "))
      .catch(() => undefined);
    this.#untold.clear();
    this.#timer = setTimeout(() => this.#send(), GAP_MS).unref();
  }
}
