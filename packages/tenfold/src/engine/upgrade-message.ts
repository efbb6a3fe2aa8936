/** What asks for a move to another graph, and one that waits for its run's journal. */
import type { JournalLine } from "../core/journal-line.ts";
import type { Message, MessageBody } from "../store/store.ts";

export interface UpgradeMessage extends Message {
  readonly body: Extract<MessageBody, { kind: "upgrade" }>;
}

export function isUpgrade(message: Message): message is UpgradeMessage {
  return message.body.kind === "upgrade";
}

/** A move of a run in memory, whose journal is only in the store. */
export interface Upgrading {
  readonly messages: UpgradeMessage[];
  /** Its lines so far that were not durable when the rest was asked for, and those since; null: it was not yet. */
  since: JournalLine[] | null;
  /** Those before. */
  before: readonly JournalLine[] | null;
}
