/** How a key of a queue is kept: by a hash where no index could hold it. */
import { contentHash } from "../value/hash.ts";
import { isColumnText } from "../value/plain-name.ts";

/** By which a hash is told from a key. */
export const HASHED = "tenfold-hash:";

/** With the names of its queue, run and node it has to fit into an index of Postgres: 2704 bytes. */
const KEY_MAX = 256;

/** The same again for what this has answered. */
export function keptKey(key: string): string {
  return isColumnText(key) && key.length <= KEY_MAX ? key : `${HASHED}${contentHash(key)}`;
}
