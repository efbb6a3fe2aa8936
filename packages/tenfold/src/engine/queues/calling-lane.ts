/** The worker of one lane, as those see it who call up its runs. */
import type { ClaimedRun, Lease } from "../../store/store.ts";
import type { OneByOne } from "../one-by-one.ts";

export interface CallingLane {
  readonly lane: number;
  /** Null while it has no lease. */
  readonly lease: Lease | null;
  adopt(claimed: readonly ClaimedRun[]): Promise<void>;
  /** Whether this attempt may ask for its turn with nothing else happening to its run before; null: the run is not driven here. */
  mayCome(run: string, node: string): boolean | null;
  /** Calls no two at once, nor one while runs in its name are loaded: the answer that is heard last may be the older one. */
  readonly exclusively: OneByOne;
  /** Runs may be in its name that it does not drive. */
  isIncomplete(): void;
}
