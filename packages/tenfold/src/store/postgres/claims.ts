/** Gives out the due runs of each lane, and looks whether there are some, from the place that was served last. */
import type { ClaimedRun, Due } from "../store.ts";
import { texts } from "./arrays.ts";
import { claim, LOOK, type Claim } from "./claim.ts";
import { ClaimCursor } from "./claim-cursor.ts";
import type { Connection } from "./connection.ts";

export interface ClaimConnections {
  readonly claims: Connection;
  readonly reads: Connection;
}

export class Claims {
  readonly #to: ClaimConnections;
  readonly #cursors: readonly ClaimCursor[];

  constructor(to: ClaimConnections, lanes: number) {
    this.#to = to;
    this.#cursors = Array.from({ length: lanes }, () => new ClaimCursor());
  }

  /** Something may have become due anywhere. */
  expectLate(): void {
    this.#cursors.forEach((cursor) => cursor.expectLate());
  }

  /** Null: the lease is gone. */
  async claim(what: Omit<Claim, "range">): Promise<readonly ClaimedRun[] | null> {
    const cursor = this.#cursors[what.lane]!;
    const from = performance.now();
    const range = cursor.range(from);
    const claimed = await this.#to.claims.transaction((transaction) => claim(transaction, { ...what, range }));
    if (claimed === null) return null;
    cursor.read(range, from, performance.now());
    cursor.claimed(from, claimed.turn, claimed.wakeAt);
    return claimed.runs;
  }

  /** Undefined: the lease is gone. */
  async look(lane: number, owner: string, workflows: readonly string[], now: number): Promise<Due | undefined> {
    const cursor = this.#cursors[lane]!;
    const from = performance.now();
    const range = cursor.range(from);
    const places = [range.turn, range.wakeAt];
    const [due] = await this.#to.reads.rows<Due>(LOOK, lane, owner, now, texts(workflows), ...places);
    if (due !== undefined) cursor.read(range, from, performance.now());
    return due;
  }
}
