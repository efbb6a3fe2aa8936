/**
 * A codec: what a store keeps of a payload, and how it becomes that payload again.
 * Invariants: the same text at the same place is encoded alike, because what got no answer is sent again and compared;
 * what was encoded for one place is decoded at no other; a text that cannot be decoded is an error, never another text.
 */
import { describe } from "../../value/describe.ts";
import { TenfoldError } from "../../value/error.ts";

/** Where a text is kept: a codec binds what it encodes to it. */
export interface TextPlace {
  /** The run's id; of a delivery the event's name, tenant and id, as a JSON list. */
  readonly run: string;
  readonly what: "input" | "output" | "error" | "line" | "message" | "file" | "part" | "delivery" | "result";
  /**
   * Which line (its number in the journal, its kind, its node), message or result of a transaction (its key), file (its id), part of one (its id, its
   * place), or part of a delivery ("input" or "error", and its workflow); "" of what a run has one of.
   */
  readonly which: string;
}

/** Synchronous, since whole batches are encoded at once: keys are fetched before, and kept. */
export interface Codec {
  /** Any text of printable ASCII, the same each time. */
  encode(text: string, place: TextPlace): string;
  /** Throws where it cannot: CODEC_KEY_MISSING, CODEC_DAMAGED; anything else is told as CODEC_DAMAGED. */
  decode(text: string, place: TextPlace): string;
  /**
   * The bytes of a part of a file; they too are encoded alike each time. Without these two they are encoded as a text, in
   * base64, which takes more room.
   */
  encodeBytes?(bytes: Uint8Array, place: TextPlace): Uint8Array;
  decodeBytes?(bytes: Uint8Array, place: TextPlace): Uint8Array;
  /** Keyed hashes that stand for `text` and do not tell it: the one in use first, then those that were before. */
  digests(text: string): readonly string[];
}

/** The place as a sentence names it. */
export function placeText({ run, what, which }: TextPlace): string {
  if (what === "delivery") return `the ${which} of event ${run}`;
  if (what === "part") return `part of the file ${which.split(" ")[0]} of run ${run}`;
  return which === "" ? `the ${what} of run ${run}` : `the ${what} "${which}" of run ${run}`;
}

/** What is kept there is no text that the codec, or anybody, can make sense of. */
export function codecDamaged(place: TextPlace, why: string, cause?: unknown): TenfoldError {
  const { run, what } = place;
  return new TenfoldError(
    "CODEC_DAMAGED",
    `What is kept as ${placeText(place)} cannot be decoded: ${why}; it was not read. Bring its row back from a backup, or correct the codec.`,
    { facts: { run, what }, cause },
  );
}

const CODEC_WAY =
  "Give what `aes256gcm(…)` answers, or an object with `encode`, `decode` and `digests` (and both of `encodeBytes` and `decodeBytes`, or neither).";

function isCodec(value: unknown): value is Codec {
  if (typeof value !== "object" || value === null) return false;
  const { encode, decode, digests, encodeBytes, decodeBytes } = value as Partial<Codec>;
  if ((encodeBytes === undefined) !== (decodeBytes === undefined)) return false;
  const forBytes = encodeBytes === undefined ? [] : [encodeBytes, decodeBytes];
  return [encode, decode, digests, ...forBytes].every((verb) => typeof verb === "function");
}

const PROBES = ["", `{"email":"zoë@example.com","note":"\\n“✓”"}`, JSON.stringify("x".repeat(1000))];
const PROBE_PLACE: TextPlace = { run: "a run", what: "line", which: "0 done probe" };

/** Tries the codec; OPTION_UNSUPPORTED if it is none, or breaks what a codec has to keep. */
export function checkCodec(codec: unknown): Codec {
  const refuse = (reason: string, way: string, cause?: unknown): TenfoldError =>
    new TenfoldError("OPTION_UNSUPPORTED", `open was given ${reason}; nothing was opened. ${way}`, { cause });
  if (!isCodec(codec)) throw refuse(`${describe(codec)} as \`codec\``, CODEC_WAY);
  const breach = (reason: string, cause?: unknown): TenfoldError =>
    refuse(`a \`codec\` that ${reason}`, "Correct it, or give what `aes256gcm(…)` answers.", cause);
  let problem: string | undefined;
  try {
    problem = breachOf(codec);
  } catch (thrown) {
    throw breach(`throws: ${thrown instanceof Error ? thrown.message : String(thrown)}`, thrown);
  }
  if (problem !== undefined) throw breach(problem);
  return codec;
}

function breachOf(codec: Codec): string | undefined {
  for (const probe of PROBES) {
    const encoded: unknown = codec.encode(probe, PROBE_PLACE);
    if (typeof encoded !== "string") return `encodes a text as ${describe(encoded)}`;
    if (!/^[\x20-\x7e]*$/.test(encoded)) return "encodes a text as one that is not printable ASCII";
    if (codec.encode(probe, PROBE_PLACE) !== encoded) return "encodes the same text in two ways";
    if (codec.decode(encoded, PROBE_PLACE) !== probe) return "does not decode what it encodes";
  }
  const ofBytes = breachOfBytes(codec);
  if (ofBytes !== undefined) return ofBytes;
  const digests: unknown = codec.digests("probe");
  const areTexts = Array.isArray(digests) && digests.length > 0 && digests.every((each) => typeof each === "string");
  return areTexts ? undefined : "answers no texts as `digests`";
}

function breachOfBytes(codec: Codec): string | undefined {
  if (codec.encodeBytes === undefined) return undefined;
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const kept: unknown = codec.encodeBytes(bytes, PROBE_PLACE);
  if (!(kept instanceof Uint8Array)) return `encodes bytes as ${describe(kept)}`;
  if (!isEqual(codec.encodeBytes(bytes, PROBE_PLACE), kept)) return "encodes the same bytes in two ways";
  const read: unknown = codec.decodeBytes!(kept, PROBE_PLACE);
  return read instanceof Uint8Array && isEqual(read, bytes) ? undefined : "does not decode the bytes that it encodes";
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
