/** `tenfold files`: the files of a run; or one of them, into a file or a pipe. */
import type { Tenfold } from "../../engine/client.ts";
import { EXIT, usageError, type Call, type Command } from "../command.ts";
import { fileJson, fileLines, sizeText } from "../file-lines.ts";
import { placeFor, printFile, writeFile } from "../file-sink.ts";
import { openStored } from "../opening.ts";

export const filesCommand: Command = {
  name: "files",
  takes: "<run> [file]",
  counts: { least: 1, most: 2 },
  summary: "Lists the files that a run's steps have written, or writes one of them out.",
  about:
    "A file is named as it is listed; where several nodes have one of that name, with its node: render/report.csv.",
  flags: {
    out: { type: "string", value: "file", text: "into this file, or under its own name into this folder" },
    force: { type: "boolean", text: "replace the file, if there is one" },
  },
  examples: [
    { line: "tenfold files 01m4qk0v6b7x3c9r5t8w2000", does: "the files of a run, as `tenfold runs` lists it" },
    { line: "tenfold files 01m4qk0v6b7x3c9r5t8w2000 report.csv | head", does: "one of them, into a pipe" },
    { line: "tenfold files 01m4qk0v6b7x3c9r5t8w2000 report.xlsx --out .", does: "the same, into this folder" },
  ],
  async run(call: Call): Promise<number> {
    const [run, name] = call.words;
    const { terminal, flags } = call;
    if (name === undefined && (flags.has("out") || flags.has("force"))) {
      throw usageError(`Which file is not said; nothing was written. \`tenfold files ${run}\` lists them.`);
    }
    if (name !== undefined && !flags.has("out") && (terminal.isJson || terminal.columns !== Infinity)) {
      const where = terminal.isJson ? "the one JSON document" : "the terminal";
      throw usageError(`The bytes of ${name} do not belong on ${where}; nothing was written. Add \`--out .\`, or read it through a pipe.`); // prettier-ignore
    }
    const tenfold = await openStored(call);
    try {
      if (name === undefined) await list(call, tenfold, run!);
      else await write(call, tenfold, run!, name);
      return EXIT.yes;
    } finally {
      await tenfold.close();
    }
  },
};

async function list({ terminal }: Call, tenfold: Tenfold, run: string): Promise<void> {
  const files = await tenfold.files(run);
  if (terminal.isJson) return terminal.document({ run, files: files.map(fileJson) });
  if (files.length === 0) return terminal.say("It has no files.");
  for (const line of fileLines(files, Date.now(), terminal.columns)) terminal.print(line);
}

async function write({ terminal, flags, folder }: Call, tenfold: Tenfold, run: string, name: string): Promise<void> {
  const file = await tenfold.file(run, name);
  const out = flags.text("out");
  if (out === undefined) return printFile(file);
  const place = placeFor(folder, out, file, flags.has("force"));
  await writeFile(file, place);
  if (terminal.isJson) terminal.document({ run, ...fileJson(file), out: place });
  else terminal.say(`${sizeText(file.size)} written to ${place}.`);
}
