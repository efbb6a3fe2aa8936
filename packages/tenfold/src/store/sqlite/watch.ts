/** Tells watchers that the file has changed: by other connections, seen in `data_version`, and by this one. */

const POLL_MS = 10;

export class Watch {
  readonly #dataVersion: () => number;
  readonly #watchers = new Set<() => void>();
  #timer: NodeJS.Timeout | null = null;
  #seen = 0;

  /** `dataVersion` answers a number that differs after each commit of another connection. */
  constructor(dataVersion: () => number) {
    this.#dataVersion = dataVersion;
  }

  /** Polls for as long as somebody watches, without keeping the program alive. */
  add(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    if (this.#timer === null) {
      this.#seen = this.#dataVersion();
      this.#timer = setInterval(() => this.#poll(), POLL_MS).unref();
    }
    return () => this.#remove(watcher);
  }

  /** This connection has changed the file. */
  changed(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  close(): void {
    this.#watchers.clear();
    this.#stop();
  }

  #remove(watcher: () => void): void {
    this.#watchers.delete(watcher);
    if (this.#watchers.size === 0) this.#stop();
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #poll(): void {
    const version = this.#dataVersion();
    if (version === this.#seen) return;
    this.#seen = version;
    this.changed();
  }
}
