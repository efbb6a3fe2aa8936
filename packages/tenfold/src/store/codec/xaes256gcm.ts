/**
 * XAES-256-GCM: AES-256-GCM under a key derived for each nonce, so that nonces have 192 bits (https://c2sp.org/XAES-256-GCM).
 * The key is derived as by NIST SP 800-108r1 with CMAC, which comes to three calls of AES; the first is made once a key.
 */
import { createCipheriv, createDecipheriv } from "node:crypto";

export const NONCE_BYTES = 24;
export const TAG_BYTES = 16;

/** A key, and what of the derivation depends on nothing else. */
export interface XaesKey {
  readonly key: Buffer;
  /** The first subkey of CMAC. */
  readonly k1: Buffer;
}

export function xaesKey(key: Buffer): XaesKey {
  return { key, k1: doubled(aes(key, Buffer.alloc(16))) };
}

/** The ciphertext followed by its tag. LAW: a nonce is never used for two texts. */
export function seal(key: XaesKey, nonce: Buffer, text: Buffer, bound: Buffer): Buffer {
  const cipher = createCipheriv("aes-256-gcm", keyFor(key, nonce), nonce.subarray(12));
  cipher.setAAD(bound);
  return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}

/** Throws if a bit of it, of `nonce` or of `bound` is not what it was. */
export function unseal(key: XaesKey, nonce: Buffer, sealed: Buffer, bound: Buffer): Buffer {
  const options = { authTagLength: TAG_BYTES };
  const decipher = createDecipheriv("aes-256-gcm", keyFor(key, nonce), nonce.subarray(12), options);
  decipher.setAAD(bound);
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]);
}

function keyFor({ key, k1 }: XaesKey, nonce: Buffer): Buffer {
  const blocks = Buffer.alloc(32);
  for (const [index, at] of [0, 16].entries()) {
    blocks[at + 1] = index + 1;
    blocks[at + 2] = "X".charCodeAt(0);
    nonce.copy(blocks, at + 4, 0, 12);
    for (let byte = 0; byte < 16; byte++) blocks[at + byte]! ^= k1[byte]!;
  }
  return aes(key, blocks);
}

/** Whole blocks, each by itself. */
function aes(key: Buffer, blocks: Buffer): Buffer {
  return createCipheriv("aes-256-ecb", key, null).setAutoPadding(false).update(blocks);
}

/** Twice `block` in the field of 2^128 elements. */
function doubled(block: Buffer): Buffer {
  const double = Buffer.alloc(16);
  for (let byte = 0; byte < 16; byte++) double[byte] = (block[byte]! << 1) | ((block[byte + 1] ?? 0) >> 7);
  if (block[0]! >= 0x80) double[15]! ^= 0b10000111;
  return double;
}
