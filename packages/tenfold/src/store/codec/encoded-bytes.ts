/** The bytes of files as a codec makes them: by its own verbs for bytes, or as a text where it has none. */
import { TenfoldError } from "../../value/error.ts";
import { codecDamaged, type Codec, type TextPlace } from "./codec.ts";

export function encodeBytes(codec: Codec, bytes: Uint8Array, place: TextPlace): Uint8Array {
  if (codec.encodeBytes !== undefined) return codec.encodeBytes(bytes, place);
  return Buffer.from(codec.encode(bufferOf(bytes).toString("base64"), place), "latin1");
}

/** Throws CODEC_KEY_MISSING or CODEC_DAMAGED. */
export function decodeBytes(codec: Codec, kept: Uint8Array, place: TextPlace): Uint8Array {
  try {
    if (codec.decodeBytes !== undefined) return codec.decodeBytes(kept, place);
    return Buffer.from(codec.decode(bufferOf(kept).toString("latin1"), place), "base64");
  } catch (thrown) {
    if (thrown instanceof TenfoldError) throw thrown;
    throw codecDamaged(place, thrown instanceof Error ? thrown.message : String(thrown), thrown);
  }
}

export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
