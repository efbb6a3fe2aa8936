/**
 * Names of files: what is a name in every file system, and no path in any.
 * Invariant: a name that passes can be joined to a folder's without leaving it.
 */
import { describe } from "./describe.ts";
import { TenfoldError } from "./error.ts";

const LENGTH_MAX = 200;
const BYTES_MAX = 255;
const NOT_IN_NAMES = /[\\/:*?"<>|\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
const AT_ENDS = /^[. ]|[. ]$/;
/** Devices of Windows, with whatever ending. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;
const TYPE = /^[\w.+-]+\/[\w.+-]+(?:; ?[\w-]+=[\w.+-]+)*$/;

const WAY = `Give 1 to ${LENGTH_MAX} characters, of ${BYTES_MAX} bytes at most, without / \\ : * ? " < > | and control characters, and with no dot or space at either end: "report.xlsx".`;

export function checkFileName(name: unknown): string {
  if (typeof name !== "string") throw refused(`A file was to be called ${describe(name)}`, WAY);
  const isName =
    name.length > 0 &&
    name.length <= LENGTH_MAX &&
    name.isWellFormed() &&
    Buffer.byteLength(name) <= BYTES_MAX &&
    !NOT_IN_NAMES.test(name) &&
    !AT_ENDS.test(name) &&
    !DEVICE.test(name);
  if (!isName) throw refused(`A file was to be called ${describe(name)}, which is no file's name`, WAY);
  return name;
}

/** A media type; null: none. */
export function checkFileType(type: unknown, name: string): string | null {
  if (type === undefined || type === null || type === "") return null;
  if (typeof type === "string" && type.length <= 200 && TYPE.test(type)) return type;
  throw refused(
    `The type of ${name} is ${describe(type)}, which is no media type`,
    'Give one such as "text/csv", or none.',
  );
}

function refused(reason: string, way: string): TenfoldError {
  return new TenfoldError("FILE_INVALID", `${reason}; nothing was written. ${way}`);
}
