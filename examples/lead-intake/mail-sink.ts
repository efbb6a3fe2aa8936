/**
 * An SMTP server on this machine that delivers nothing: every letter becomes an .eml file in a folder.
 * Invariant: a letter's file is named after its Message-ID and appears whole, so a letter sent twice is one file.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, rename, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import { SMTPServer } from "smtp-server";
import type { SMTPServerDataStream } from "smtp-server";

export interface MailSink {
  /** smtp://127.0.0.1:port, to be given to whatever sends mail. */
  readonly url: string;
  readonly folder: string;
  close(): Promise<void>;
}

export async function startMailSink(folder: string): Promise<MailSink> {
  await mkdir(folder, { recursive: true });
  let received = 0;

  async function keep(stream: SMTPServerDataStream): Promise<string> {
    const letter = await buffer(stream);
    const file = path.join(folder, `${fileNameOf(letter)}.eml`);
    // Two connections may bring the same letter at once: each writes a file of its own, the last rename stays.
    const unfinished = path.join(folder, `.unfinished-${process.pid}-${received++}`);
    await writeFile(unfinished, letter);
    await rename(unfinished, file);
    return file;
  }

  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["AUTH", "STARTTLS"],
    disableReverseLookup: true,
    closeTimeout: 1000,
    onData(stream, _session, answered) {
      keep(stream).then((file) => answered(null, `Kept as ${path.basename(file)}`), answered);
    },
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  // A client that hangs up in the middle of a letter is its own loss: nothing was kept, and it will send again.
  server.on("error", () => {});
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    folder,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** The names of the letters kept in `folder`, in order; none if there is no such folder. */
export async function lettersIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names.filter((name) => name.endsWith(".eml")).sort();
}

function fileNameOf(letter: Buffer): string {
  const head = letter.subarray(0, letter.indexOf("\r\n\r\n")).toString("latin1");
  const id = /^message-id:\s*<([^>@]+)/im.exec(head)?.[1];
  if (id !== undefined && /^[\w.-]+$/.test(id) && !id.startsWith(".")) return id;
  return createHash("sha256").update(letter).digest("hex").slice(0, 32);
}
