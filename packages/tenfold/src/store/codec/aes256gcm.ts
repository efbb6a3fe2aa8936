/**
 * AES-256-GCM with named keys: texts are encoded with the key in use, and decoded with the one that they name.
 *
 * A text is encoded alike each time, so its nonce is made from it: the first 192 bits of HMAC-SHA-256, under a key of its
 * own, over the place and the text, as SIV makes its initialization vector (Rogaway and Shrimpton, "Deterministic
 * Authenticated-Encryption", 2006; RFC 5297). It is sealed by XAES-256-GCM with the place as associated data. Two texts
 * of one key get the same nonce with a chance of 2^-32 after 2^80 of them: no number that a store reaches. The keys of
 * all three uses are derived from the one that is given by HKDF (RFC 5869). AES-GCM-SIV (RFC 8452) was weighed: Node has
 * it only where its OpenSSL does, and does not document it.
 * Told by what is kept: how long a text is, with which key it was encoded, and that the same text is at its place again.
 */
import { createHmac, hkdfSync } from "node:crypto";
import { TenfoldError } from "../../value/error.ts";
import { readKeys } from "./aes256gcm-keys.ts";
import { bufferOf } from "./encoded-bytes.ts";
import { codecDamaged, placeText, type Codec, type TextPlace } from "./codec.ts";
import { NONCE_BYTES, TAG_BYTES, seal, unseal, xaesKey, type XaesKey } from "./xaes256gcm.ts";

export interface Aes256GcmOptions {
  /** Each of 32 random bytes, as they are or as base64 or hex, by a name that is kept with what it has encoded. */
  readonly keys: Readonly<Record<string, Uint8Array | string>>;
  /** The name of the key that encodes from now on; the others only decode. */
  readonly use: string;
}

/** A key by its uses. */
interface UsedKey {
  readonly sealing: XaesKey;
  readonly nonces: Buffer;
  readonly digests: Buffer;
}

const NAME = "aes256gcm";

/** What sealed bytes begin with: the name of their key, which is short. */
const HEAD = /^aes256gcm:([\w.-]{1,64}):/;
const HEAD_BYTES_MAX = 80;

/** Encodes payloads by AES-256-GCM; throws OPTION_UNSUPPORTED for what are no keys. */
export function aes256gcm(options: Aes256GcmOptions): Codec {
  const { keys: given, use } = readKeys(options);
  const keys = new Map([...given].map(([name, key]) => [name, usedKey(key)]));
  const inUse = keys.get(use)!;
  const others = [...keys].filter(([name]) => name !== use).map(([, key]) => key);
  const sealed = (plain: Buffer, place: TextPlace): Buffer => {
    const bound = boundOf(place);
    const nonce = nonceOf(inUse, bound, plain);
    return Buffer.concat([nonce, seal(inUse.sealing, nonce, plain, bound)]);
  };
  const unsealed = (id: string, bytes: Buffer, place: TextPlace): Buffer => {
    const key = keys.get(id);
    if (key === undefined) throw keyMissing(place, id, [...keys.keys()]);
    if (bytes.length < NONCE_BYTES + TAG_BYTES) throw incomplete(place);
    try {
      const nonce = bytes.subarray(0, NONCE_BYTES);
      return unseal(key.sealing, nonce, bytes.subarray(NONCE_BYTES), boundOf(place));
    } catch (cause) {
      const why = `it was changed, or belongs to another place, or "${id}" was another key when it was encoded`;
      throw codecDamaged(place, why, cause);
    }
  };
  return {
    encode: (text, place) => `${NAME}:${use}:${sealed(Buffer.from(text), place).toString("base64url")}`,
    decode(text, place) {
      const [name, id = "", body = "", ...more] = text.split(":");
      if (name !== NAME || more.length > 0) throw codecDamaged(place, `it is no text of ${NAME}`);
      const bytes = Buffer.from(body, "base64url");
      // Another spelling of the same bytes was not written here.
      if (keys.has(id) && bytes.toString("base64url") !== body) throw incomplete(place);
      return unsealed(id, bytes, place).toString();
    },
    encodeBytes: (bytes, place) => Buffer.concat([Buffer.from(`${NAME}:${use}:`), sealed(bufferOf(bytes), place)]),
    decodeBytes(kept, place) {
      const bytes = bufferOf(kept);
      const head = HEAD.exec(bytes.subarray(0, HEAD_BYTES_MAX).toString("latin1"));
      if (head === null) throw codecDamaged(place, `it is not of ${NAME}`);
      return unsealed(head[1]!, bytes.subarray(head[0].length), place);
    },
    digests: (text) => [inUse, ...others].map((key) => hmac(key.digests, Buffer.from(text)).toString("base64url")),
  };
}

function usedKey(key: Buffer): UsedKey {
  const derived = (use: string): Buffer => Buffer.from(hkdfSync("sha256", key, "", `tenfold ${NAME} 1 ${use}`, 32));
  return { sealing: xaesKey(derived("sealing")), nonces: derived("nonces"), digests: derived("digests") };
}

function boundOf({ run, what, which }: TextPlace): Buffer {
  return Buffer.from(JSON.stringify([run, what, which]));
}

function nonceOf({ nonces }: UsedKey, bound: Buffer, text: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bound.length);
  return hmac(nonces, length, bound, text).subarray(0, NONCE_BYTES);
}

function hmac(key: Buffer, ...parts: readonly Buffer[]): Buffer {
  const made = createHmac("sha256", key);
  for (const part of parts) made.update(part);
  return made.digest();
}

function incomplete(place: TextPlace): TenfoldError {
  return codecDamaged(place, "a part of it is missing or was changed");
}

function keyMissing(place: TextPlace, id: string, known: readonly string[]): TenfoldError {
  const { run, what } = place;
  return new TenfoldError(
    "CODEC_KEY_MISSING",
    `The key "${id}", with which ${placeText(place)} was encoded, is not among those of the codec (${known.join(", ")}); it was not read. Give that key to \`aes256gcm\` again.`,
    { facts: { key: id, run, what, known } },
  );
}
