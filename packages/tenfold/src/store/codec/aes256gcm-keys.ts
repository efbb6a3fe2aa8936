/** Reads the keys of `aes256gcm`. Invariant: nothing of a key is ever in a message. */
import { TenfoldError } from "../../value/error.ts";
import { wayToName } from "../../value/nearest.ts";

const KEY_BYTES = 32;
const NAME = /^[\w.-]{1,64}$/;

export interface ReadKeys {
  readonly keys: ReadonlyMap<string, Buffer>;
  readonly use: string;
}

/** The keys by their names, each of 32 bytes, and the name of the one in use. */
export function readKeys(given: unknown): ReadKeys {
  const { keys, use, ...more } = Object(given) as Readonly<Record<string, unknown>>;
  const [unknown] = Object.keys(more);
  if (unknown !== undefined) throw refused(`no option \`${unknown}\``, wayToName(unknown, ["keys", "use"], "It takes"));
  const isList = typeof keys !== "object" || keys === null || Array.isArray(keys) || keys instanceof Uint8Array;
  const named = isList ? [] : Object.entries(keys as object);
  if (named.length === 0) throw refused("no keys", 'Write `keys: { "2026-11": process.env.TENFOLD_KEY }`.');
  const read = new Map(named.map(([name, key]) => [name, readKey(name, key)]));
  if (typeof use === "string" && read.has(use)) return { keys: read, use };
  if (typeof use !== "string") throw refused("no key to encode with", "Name the newest of `keys` as `use`.");
  throw refused(`a key to encode with, "${use}", that is not among its \`keys\``, wayToName(use, [...read.keys()], "There are")); // prettier-ignore
}

function readKey(name: string, key: unknown): Buffer {
  if (!NAME.test(name)) {
    throw refused(`a key named ${JSON.stringify(name)}`, "A name has 1 to 64 letters, digits, `-`, `_` or `.`.");
  }
  const bytes = bytesOf(key);
  if (bytes?.length === KEY_BYTES) return bytes;
  const found = bytes === undefined ? "that is neither bytes nor base64 or hex" : `of ${bytes.length} bytes`;
  throw refused(
    `a key "${name}" ${key === undefined || key === "" ? "that is not set" : found}`,
    `Give ${KEY_BYTES} random bytes, or their text: \`openssl rand -base64 ${KEY_BYTES}\` makes one.`,
  );
}

function bytesOf(key: unknown): Buffer | undefined {
  if (key instanceof Uint8Array) return Buffer.from(key);
  if (typeof key !== "string" || key === "") return undefined;
  if (/^[\da-f]{64}$/i.test(key)) return Buffer.from(key, "hex");
  return /^[\w+/-]+={0,2}$/.test(key) ? Buffer.from(key, "base64") : undefined;
}

function refused(what: string, way: string): TenfoldError {
  return new TenfoldError("OPTION_UNSUPPORTED", `aes256gcm was given ${what}; nothing was opened. ${way}`);
}
