/** What a run was told from outside, as its state remembers it. */
import type { Json } from "../value/json.ts";

export interface KeptSignal {
  /** The key of the message that brought it. */
  readonly message: string;
  readonly payload: Json | undefined;
  readonly at: number;
}

export interface ReceivedSignal {
  /** The path of the node. */
  readonly node: string;
  readonly message: string;
  /** When the node had it (ms since 1970). */
  readonly at: number;
}

/** How a run is to go on. */
export interface GoOn {
  /** The id or path of the node from which on all begins anew; null: from where it stopped. */
  readonly from: string | null;
  /** What runs again has other keys than before. */
  readonly newKeys: boolean;
}
