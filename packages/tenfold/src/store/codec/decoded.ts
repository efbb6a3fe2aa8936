/**
 * What a store answers, its texts decoded; null for a codec: none, and what is not encoded is answered as it is.
 * Invariant: what cannot be decoded is named beside the rest, which is answered all the same.
 */
import type { JournalLine } from "../../core/journal-line.ts";
import { TenfoldError } from "../../value/error.ts";
import type { ClaimedRun, Mail, Message, RunRecord, ShownLine, Unread } from "../store.ts";
import type { Codec, TextPlace } from "./codec.ts";
import { decodeBody, decodeText, isPlain } from "./encoded-text.ts";

/** Where a run's input, output or error is. */
export function partPlace(run: string, what: "input" | "output" | "error"): TextPlace {
  return { run, what, which: "" };
}

/** Where a line is; `seq` counts from 0. */
export function linePlace(run: string, seq: number, { kind, node }: JournalLine): TextPlace {
  return { run, what: "line", which: `${seq} ${kind}${node === "" ? "" : ` ${node}`}` };
}

export function messagePlace(run: string, key: string): TextPlace {
  return { run, what: "message", which: key };
}

export function decodedClaim(codec: Codec | null, claimed: ClaimedRun): ClaimedRun {
  if (claimed.unread !== undefined) return claimed;
  const { id } = claimed;
  const mail = decodedMail(codec, claimed.mail);
  const input = decodeText(codec, claimed.input, partPlace(id, "input"));
  if (typeof input !== "string") return { ...claimed, mail, unread: input };
  const journal = decodedLines(codec, id, claimed.journal);
  const unread = journal.find((line) => line.unread !== undefined)?.unread;
  if (unread !== undefined) return { ...claimed, mail, unread };
  const isPlain = input === claimed.input && journal === claimed.journal && mail === claimed.mail;
  return isPlain ? claimed : { ...claimed, input, journal, mail };
}

export function decodedMail(codec: Codec | null, mail: Mail): Mail {
  if (mail.messages.length === 0) return mail;
  let isPlain = true;
  let unread = mail.unread;
  const messages: Message[] = [];
  for (const message of mail.messages) {
    const body = decodeBody(codec, message.body, messagePlace(mail.run, message.key));
    if (body !== message.body) isPlain = false;
    if (body instanceof TenfoldError) unread ??= body;
    else messages.push({ ...message, body });
  }
  if (isPlain) return mail;
  return unread === undefined ? { ...mail, messages } : { ...mail, messages, unread };
}

/** The lines of a run's journal, from its first on; the same list, if none of them is encoded. */
export function decodedLines(codec: Codec | null, run: string, lines: readonly ShownLine[]): readonly ShownLine[] {
  let decoded: ShownLine[] | null = null;
  for (const [seq, line] of lines.entries()) {
    if (line.unread !== undefined || isPlain(line.data)) continue;
    const data = decodeText(codec, line.data, linePlace(run, seq, line));
    if (data === line.data) continue;
    decoded ??= [...lines];
    decoded[seq] = typeof data === "string" ? { ...line, data } : { ...line, data: "{}", unread: data };
  }
  return decoded ?? lines;
}

export function decodedRecord(codec: Codec | null, record: RunRecord): RunRecord {
  const { id } = record;
  const unread: Unread[] = [...(record.unread ?? [])];
  const read = (what: Unread["what"], instead: string | null): string | null => {
    const kept = record[what];
    if (kept === null) return null;
    const text = decodeText(codec, kept, partPlace(id, what));
    if (typeof text === "string") return text;
    unread.push({ what, error: text });
    return instead;
  };
  const input = read("input", "null")!;
  const output = read("output", null);
  const error = read("error", null);
  if (input === record.input && output === record.output && error === record.error) return record;
  const decoded = { ...record, input, output, error };
  return unread.length === 0 ? decoded : { ...decoded, unread };
}
