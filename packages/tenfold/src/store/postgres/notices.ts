/**
 * Tells other workers that something is due, and hears it from them: a notification only saves a poll.
 * Invariants: no notification is part of a commit; however much changes, few are sent a second; one that is lost
 * costs a poll, so nothing here is ever waited for.
 */
import type { Connection } from "./connection.ts";

/** Changes within this time are told together. */
const GATHER_MS = 10;

export const NOTIFY = "select pg_notify($1, $2)";

export class Notices {
  readonly #channel: string;
  readonly #tells: Connection;
  readonly #hears: Connection | null;
  readonly #watchers = new Set<() => void>();
  readonly #lanes = new Set<number>();
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  /** `hears`: a connection that stays with one server process, or null where there is none (a pool of transactions). */
  constructor(channel: string, tells: Connection, hears: Connection | null) {
    this.#channel = channel;
    this.#tells = tells;
    this.#hears = hears;
  }

  get isHearing(): boolean {
    return this.#hears?.isOpen ?? false;
  }

  /** Something of this lane has changed. */
  tell(lane: number): void {
    for (const watcher of [...this.#watchers]) watcher();
    this.#lanes.add(lane);
    this.#timer ??= setTimeout(() => this.#send(), GATHER_MS).unref();
  }

  watch(changed: () => void): () => void {
    this.#watchers.add(changed);
    if (this.#watchers.size === 1) void this.#hears?.listen(this.#channel, () => this.#heard());
    return () => this.#watchers.delete(changed);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#watchers.clear();
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#hears?.close();
  }

  #heard(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  #send(): void {
    this.#timer = null;
    const lanes = [...this.#lanes].join(" ");
    this.#lanes.clear();
    if (!this.#isClosed) void this.#tells.rows(NOTIFY, this.#channel, lanes).catch(() => undefined);
  }
}
