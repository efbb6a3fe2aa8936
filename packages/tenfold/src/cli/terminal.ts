/** Where a command writes: results on standard output, everything else on standard error; colours where they are seen. */
import { styleText } from "node:util";

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

export interface Terminal {
  /** One JSON document on standard output, and nothing else there. */
  readonly isJson: boolean;
  /** A person can be asked. */
  readonly canAsk: boolean;
  /** The width of standard output; Infinity where it is no terminal. */
  readonly columns: number;
  readonly stdin: NodeJS.ReadStream;
  readonly stderr: NodeJS.WriteStream;
  /** A line of the result. */
  print(text: string): void;
  /** The result as one JSON document. */
  document(value: unknown): void;
  /** A line beside the result. */
  say(text: string): void;
  /** `text` in colour, if standard output shows it. */
  paint(style: Style, text: string): string;
  /** `text` in colour, if standard error shows it. */
  tint(style: Style, text: string): string;
}

/** The terminal, or whatever stands in its place, of this process. */
export function ownTerminal(isJson: boolean): Terminal {
  const { stdin, stdout, stderr } = process;
  return {
    isJson,
    canAsk: stdin.isTTY === true && stderr.isTTY === true && !isJson,
    columns: stdout.isTTY === true ? stdout.columns : Infinity,
    stdin,
    stderr,
    print: (text) => void stdout.write(`${text}\n`),
    document: (value) => void stdout.write(`${JSON.stringify(value, null, stdout.isTTY === true ? 2 : undefined)}\n`),
    say: (text) => void stderr.write(`${text}\n`),
    paint: (style, text) => styleText(style, text, { stream: stdout }),
    tint: (style, text) => styleText(style, text, { stream: stderr }),
  };
}

/** Resolves when what was written has left this process. */
export async function flush(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((resolve) => void stream.write("", () => resolve()));
  }
}
