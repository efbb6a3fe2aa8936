/**
 * Runs that one death more would have held. Workers die of one run, and all that they hold count a death: so suspected
 * runs are driven one at a time, and only the one that its worker dies of is held.
 * Invariant: a run is suspected until its journal grows; while one is, no other suspected run is driven here, but for one that others
 * wait for: the one may be among them.
 */
import type { ClaimedRun } from "../store/store.ts";
import type { LiveRun } from "./live-run.ts";

/** How long a suspected run waits for another one's turn. */
export const SUSPECT_PAUSE_MS = 250;

export class Suspects {
  readonly #deathsMax: number;
  #driven: LiveRun | null = null;

  constructor(deathsMax: number) {
    this.#deathsMax = deathsMax;
  }

  isSuspect({ deaths }: ClaimedRun): boolean {
    return deaths > 0 && deaths >= this.#deathsMax - 1;
  }

  /** Whether another suspected run is driven now. */
  mustWait(claimed: ClaimedRun): boolean {
    const driven = this.#driven;
    return this.isSuspect(claimed) && driven !== null && !driven.isGone && driven.clearsDeaths;
  }

  /** It is this one's turn. */
  drives(run: LiveRun): void {
    this.#driven = run;
  }
}
