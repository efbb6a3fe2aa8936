/** Hashes: a strong one for content that is compared, a fast one for spreading and for derived chance. */
import { createHash } from "node:crypto";

/** SHA-256 of `text` in base64url, cut to 22 characters (132 bits). */
export function contentHash(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 22);
}

/** FNV-1a, 32 bits, finished with murmur3's mixer so that short texts spread evenly. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
