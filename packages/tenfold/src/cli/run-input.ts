/** What `tenfold run <workflow> <input>` is given: JSON text, a file of rows, or standard input. */
import { createReadStream, statSync } from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import type { Json } from "../value/json.ts";
import { usageError, type Call } from "./command.ts";
import type { Rows } from "./row.ts";
import { FORMATS, readDocument, readRows, rowsOf, type Format } from "./rows.ts";

export type RunInput = { readonly kind: "one"; readonly input: Json } | RowsInput;

export interface RowsInput {
  readonly kind: "rows";
  /** What messages call it. */
  readonly name: string;
  readonly rows: Rows;
}

const EXTENSIONS: Readonly<Record<string, Format>> = {
  ".csv": "csv",
  ".tsv": "csv",
  ".jsonl": "jsonl",
  ".ndjson": "jsonl",
  ".json": "json",
};

/** What a refusal calls the text that was given, and what was not done for want of it. */
export interface InputWords {
  readonly what: string;
  readonly notDone: string;
}

const RUN_WORDS: InputWords = { what: "input", notDone: "no run was started" };

/** Reads the input word of a call; a file with one JSON document that is no list is one input. */
export async function readInput(call: Call, word: string, words = RUN_WORDS): Promise<RunInput> {
  const { what, notDone } = words;
  const format = formatFlag(call, words);
  if (word.trim() === "") {
    throw usageError(
      `The ${what} is empty; ${notDone}. Give JSON text (\`null\` for nothing), a file, or \`-\` for standard input.`,
    );
  }
  if (word === "-") {
    if (call.terminal.stdin.isTTY === true)
      call.terminal.say("Reading JSON lines from the keyboard; Ctrl-D ends them.");
    return openRows(call.terminal.stdin, format ?? "jsonl", "standard input");
  }
  const file = path.resolve(call.folder, word);
  const implied = format ?? EXTENSIONS[path.extname(word).toLowerCase()];
  if (implied === undefined || looksLikeJson(word)) return { kind: "one", input: parseInput(word, file, words) };
  if (!isReadable(file)) {
    throw usageError(`There is no file ${file}; ${notDone}. Correct the name, or give JSON text.`, { file });
  }
  return openRows(createReadStream(file), implied, word);
}

async function openRows(source: Readable, format: Format, name: string): Promise<RunInput> {
  if (format !== "json") return { kind: "rows", name, rows: await readRows(source, format, name) };
  const document = await readDocument(source, name);
  if (!Array.isArray(document)) return { kind: "one", input: document };
  return { kind: "rows", name, rows: rowsOf(document as readonly Json[]) };
}

function formatFlag(call: Call, { notDone }: InputWords): Format | undefined {
  const named = call.flags.text("format");
  if (named === undefined) return undefined;
  const known = named === "ndjson" ? "jsonl" : FORMATS.find((format) => format === named);
  if (known !== undefined) return known;
  throw usageError(`\`--format ${named}\` is none; ${notDone}. Write csv, jsonl or json.`);
}

/** A file, or a pipe that stands for one; no folder. */
function isReadable(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isDirectory() === false;
}

function looksLikeJson(word: string): boolean {
  return /^\s*[{["]/.test(word);
}

function parseInput(word: string, file: string, { what, notDone }: InputWords): Json {
  try {
    return JSON.parse(word) as Json;
  } catch (thrown) {
    throw usageError(`The ${what} is no JSON: ${(thrown as Error).message}; ${notDone}. ${wayOutFor(word, file)}`, {
      input: word,
    });
  }
}

function wayOutFor(word: string, file: string): string {
  if (isReadable(file)) return `To read the file ${word}, say what is in it: \`--format csv\`, \`jsonl\` or \`json\`.`;
  if (!looksLikeJson(word)) return `A text is written with its quotes: \`'${JSON.stringify(word)}'\`.`;
  return `Put it in single quotes, so that the shell leaves it alone: \`'{"email": "anna@example.com"}'\`.`;
}
