/**
 * Membership of one lane: keeps this worker's lease alive, sees others die, and takes over what they held.
 * Invariant: leases compare no clocks; a lease is dead when this worker itself has seen its beat unchanged for a
 * lease's length, or when its process is gone from this very machine.
 */
import { LeaseLost, type Holder, type Lease, type LeaseSeen, type Store } from "../store/store.ts";
import { isPassing } from "./passing.ts";
import type { Host, Ports } from "./ports.ts";

export interface LeaseTimes {
  /** How long a worker may be silent before others take over its runs. */
  readonly leaseMs: number;
  readonly beatMs: number;
}

export interface LeaseParts {
  readonly ports: Ports;
  readonly host: Host;
  readonly store: Store;
  readonly settings: LeaseTimes;
  readonly lane: number;
  readonly name: string;
  readonly newOwner: () => string;
  /** Another worker's lease that was there is there no more: it has left, or was taken over. */
  readonly otherLeft: (owner: string) => void;
}

export class LeaseKeeper {
  readonly #parts: LeaseParts;
  readonly #lost: () => void;
  readonly #seen = new Map<string, { beat: number; since: number }>();
  #lease: Lease | null = null;
  #cancelBeat: (() => void) | null = null;
  #stopThread: (() => void) | null = null;
  #renewedAt = 0;

  constructor(parts: LeaseParts, lost: () => void) {
    this.#parts = parts;
    this.#lost = lost;
  }

  /** A new incarnation of this worker; dead predecessors of this machine are taken over at once. */
  async join(): Promise<Lease> {
    for (;;) {
      try {
        return await this.#joinOnce();
      } catch (thrown) {
        // So slow that others took it for dead: again, under another name.
        if (!(thrown instanceof LeaseLost)) throw thrown;
        this.stop();
      }
    }
  }

  async #joinOnce(): Promise<Lease> {
    const { store, host, name, lane, newOwner, ports, settings } = this.#parts;
    const lease: Lease = { lane, owner: newOwner() };
    const holder: Holder = { worker: name, host: host.host, process: host.process };
    this.#seen.clear();
    const now = ports.clock.elapsed();
    await store.join(lease, holder);
    this.#lease = lease;
    this.#renewedAt = now;
    await this.#takeOverDead(lease, await store.renew(lease));
    if (store.beat === undefined) {
      this.#beatSoon(lease);
      return lease;
    }
    this.#stopThread = store.beat(lease, settings.beatMs, (seen) => this.#told(lease, seen));
    this.#expectSoon(lease);
    return lease;
  }

  /** Ends the lease of this worker's own will: what it still owned is due at once, and no death is counted. */
  async leave(): Promise<void> {
    const lease = this.#lease;
    this.stop();
    if (lease === null) return;
    const { store, ports } = this.#parts;
    try {
      await store.takeOver(lease.lane, lease.owner, null, ports.clock.now(), true);
    } catch (thrown) {
      // Others take over what is left once they see the lease silent.
      if (!isPassing(thrown)) throw thrown;
    }
  }

  /** Whether others can be sure to think it alive: it was renewed, and not so long ago that they may have taken over. */
  get isSure(): boolean {
    const { ports, settings } = this.#parts;
    const silentMs = ports.clock.elapsed() - this.#renewedAt;
    return this.#lease !== null && silentMs < settings.leaseMs - settings.beatMs;
  }

  stop(): void {
    this.#lease = null;
    this.#cancelBeat?.();
    this.#stopThread?.();
    this.#cancelBeat = this.#stopThread = null;
  }

  /** A beat from outside of the main loop was answered. */
  #told(lease: Lease, seen: readonly LeaseSeen[] | null): void {
    if (this.#lease !== lease) return;
    if (seen === null) return this.#lost();
    this.#renewedAt = this.#parts.ports.clock.elapsed();
    this.#expectSoon(lease);
    this.#takeOverDead(lease, seen).catch((thrown: unknown) => {
      if (this.#lease !== lease) return;
      if (thrown instanceof LeaseLost) this.#lost();
      // The next beat tells of them again.
      else if (!isPassing(thrown)) throw thrown;
    });
  }

  /** A thread that tells of no beat any more is as bad as a lease that is refused. */
  #expectSoon(lease: Lease): void {
    const { clock } = this.#parts.ports;
    const { leaseMs, beatMs } = this.#parts.settings;
    this.#cancelBeat?.();
    this.#cancelBeat = clock.at(clock.now() + leaseMs - beatMs, () => {
      if (this.#lease !== lease) return;
      if (clock.elapsed() - this.#renewedAt >= leaseMs - beatMs) this.#lost();
      else this.#expectSoon(lease);
    });
  }

  #beatSoon(lease: Lease): void {
    const { clock } = this.#parts.ports;
    this.#cancelBeat = clock.at(clock.now() + this.#parts.settings.beatMs, () => void this.#beat(lease));
  }

  async #beat(lease: Lease): Promise<void> {
    const { store, ports, settings } = this.#parts;
    const sentAt = ports.clock.elapsed();
    // A renewal that gets no answer at all is as bad as one that is refused.
    const patience = settings.leaseMs - settings.beatMs;
    const giveUp = ports.clock.at(ports.clock.now() + patience, () => {
      if (this.#lease === lease) this.#lost();
    });
    try {
      const seen = await store.renew(lease).finally(giveUp);
      if (this.#lease !== lease) return;
      this.#renewedAt = sentAt;
      await this.#takeOverDead(lease, seen);
    } catch (thrown) {
      if (this.#lease !== lease) return;
      const isOverdue = ports.clock.elapsed() - this.#renewedAt > patience;
      if (thrown instanceof LeaseLost || (isPassing(thrown) && isOverdue)) return this.#lost();
      if (!isPassing(thrown)) throw thrown;
    }
    if (this.#lease === lease) this.#beatSoon(lease);
  }

  async #takeOverDead(own: Lease, leases: readonly LeaseSeen[]): Promise<void> {
    const { store, ports, host, settings } = this.#parts;
    const present = new Set(leases.map(({ owner }) => owner));
    for (const owner of this.#seen.keys()) {
      if (present.has(owner)) continue;
      this.#seen.delete(owner);
      this.#parts.otherLeft(owner);
    }
    for (const lease of leases) {
      if (lease.owner === own.owner) continue;
      const now = ports.clock.elapsed();
      const before = this.#seen.get(lease.owner);
      if (before === undefined || before.beat !== lease.beat)
        this.#seen.set(lease.owner, { beat: lease.beat, since: now });
      const isSilent = before !== undefined && before.beat === lease.beat && now - before.since >= settings.leaseMs;
      const isGone = lease.host === host.host && host.isGone(lease.process);
      if (!isSilent && !isGone) continue;
      if (await store.takeOver(own.lane, lease.owner, lease.beat, ports.clock.now(), false)) {
        // What it owned waits for somebody: not until the next beat shows that it is gone.
        this.#seen.delete(lease.owner);
        this.#parts.otherLeft(lease.owner);
        ports.log.write("warn", "took over the runs of a dead worker", { worker: lease.worker, owner: lease.owner });
      }
    }
  }
}
