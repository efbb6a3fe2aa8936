/**
 * Sends letters over SMTP. Invariant: Message-ID and date come from the caller's idempotency key and time, so that
 * what a repeated attempt sends is, byte for byte, the same letter.
 */
import { createHash } from "node:crypto";
import { createTransport } from "nodemailer";

/** A letter as it is written; plain text, UTF-8. */
export interface Letter {
  readonly to: { readonly name: string; readonly address: string };
  readonly subject: string;
  readonly text: string;
}

/** What a run remembers of a letter it sent. */
export interface SentLetter {
  readonly messageId: string;
  readonly to: string;
  readonly subject: string;
}

/** Of a step's `ctx`: what makes a letter the same letter in every attempt. */
export interface LetterCall {
  readonly key: string;
  readonly signal: AbortSignal;
  /** When the letter became due (ms since 1970). */
  now(): number;
}

export interface LetterPost {
  send(letter: Letter, call: LetterCall): Promise<SentLetter>;
}

const SENDER = { name: "Tenfold Sales", address: "sales@tenfold.example" };

/**
 * A pool of connections to the SMTP server at `url` (smtp://user:password@host:port, smtps:// for TLS). A letter waits
 * for a free one; mail providers allow few at a time.
 */
export function letterPostAt(url: string, connections = 5): LetterPost & { close(): void } {
  const transport = createTransport({ pool: true, url, maxConnections: connections });
  return {
    async send(letter, call) {
      const messageId = messageIdOf(call.key);
      const { to, subject, text } = letter;
      await transport.sendMail({
        from: SENDER,
        to,
        subject,
        text,
        messageId,
        date: new Date(call.now()),
        signal: call.signal,
      });
      return { messageId, to: letter.to.address, subject: letter.subject };
    },
    close() {
      transport.close();
    },
  };
}

export function messageIdOf(key: string): string {
  return `<${createHash("sha256").update(key).digest("hex").slice(0, 32)}@tenfold.example>`;
}

/** True for what sending again cannot mend: the server has refused this letter for good (a 5xx reply). */
export function isFinalRejection(error: unknown): boolean {
  const code = error instanceof Error && "responseCode" in error ? error.responseCode : undefined;
  return typeof code === "number" && code >= 500;
}
