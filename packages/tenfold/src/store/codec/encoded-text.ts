/**
 * How an encoded text is told from a plain one: stores keep JSON, which begins otherwise.
 * Invariant: what is neither JSON by its two ends nor encoded is an error, whoever reads it, with a codec or without.
 */
import { TenfoldError } from "../../value/error.ts";
import type { MessageBody } from "../store.ts";
import { codecDamaged, placeText, type Codec, type TextPlace } from "./codec.ts";

const ENCODED = "enc:";

export function encodeText(codec: Codec, text: string, place: TextPlace): string {
  return ENCODED + codec.encode(text, place);
}

/** The text that was encoded, or was kept as it is; null: there is no codec. Answers why not, where it cannot be read. */
export function decodeText(codec: Codec | null, kept: string, place: TextPlace): string | TenfoldError {
  if (isPlain(kept)) return kept;
  if (!kept.startsWith(ENCODED)) return codecDamaged(place, "it is neither JSON nor encoded");
  if (codec === null) return codecMissing(place);
  try {
    const text: unknown = codec.decode(kept.slice(ENCODED.length), place);
    return typeof text === "string" ? text : codecDamaged(place, "the codec answered no text");
  } catch (thrown) {
    if (thrown instanceof TenfoldError) return thrown;
    return codecDamaged(place, thrown instanceof Error ? thrown.message : String(thrown), thrown);
  }
}

const ENDS: Readonly<Record<string, string>> = { "{": "}", "[": "]", '"': '"' };

/** A look at its two ends: what was encoded, and lost its first letters, is not taken for JSON. Asked first, because mostly nothing is encoded. */
export function isPlain(text: string): boolean {
  const end = ENDS[text[0] ?? ""];
  if (end !== undefined) return text.length > 1 && text.endsWith(end);
  return text === "null" || text === "true" || text === "false" || /^-?\d[\d.e+-]*$/i.test(text);
}

/** A message's body as it is kept when it is encoded: whole, its kind too. For a store it is as good as any other. */
interface EncodedBody {
  readonly kind: "encoded";
  readonly text: string;
}

export function encodeBody(codec: Codec, body: MessageBody, place: TextPlace): MessageBody {
  if (encodedOf(body) !== null) return body;
  const encoded: EncodedBody = { kind: "encoded", text: encodeText(codec, JSON.stringify(body), place) };
  return encoded as unknown as MessageBody;
}

export function decodeBody(codec: Codec | null, body: MessageBody, place: TextPlace): MessageBody | TenfoldError {
  const encoded = encodedOf(body);
  if (encoded === null) return body;
  const text = decodeText(codec, encoded.text, place);
  return typeof text === "string" ? (JSON.parse(text) as MessageBody) : text;
}

function encodedOf(body: MessageBody): EncodedBody | null {
  const { kind }: { readonly kind: string } = body;
  return kind === "encoded" ? (body as unknown as EncodedBody) : null;
}

function codecMissing(place: TextPlace): TenfoldError {
  const { run, what } = place;
  return new TenfoldError(
    "CODEC_KEY_MISSING",
    `What is kept as ${placeText(place)} is encoded, and the store was opened without a codec; it was not read. Give \`open\`, or the config, the \`codec\` that it was written with.`,
    { facts: { run, what } },
  );
}
