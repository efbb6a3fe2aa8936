/**
 * A few lines at the bottom of a terminal that are painted over and over.
 * Invariant: whatever else this process writes to the terminal meanwhile appears above them, whole and in order.
 */
import { widthOf } from "./columns.ts";

type Write = NodeJS.WriteStream["write"];

export class LiveLines {
  readonly #stream: NodeJS.WriteStream;
  /** The streams of this process that end in a terminal, with their own `write`. */
  readonly #taken: readonly { readonly stream: NodeJS.WriteStream; readonly write: Write }[];
  #lines: readonly string[] = [];
  #isPainted = false;
  /** Something else was written that has not ended its line. */
  #isLineOpen = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    const streams = new Set([stream, process.stdout, process.stderr].filter((one) => one.isTTY === true));
    this.#taken = [...streams].map((one) => ({ stream: one, write: one.write }));
    for (const { stream: one, write } of this.#taken) {
      one.write = ((...args: Parameters<Write>) => {
        this.#erase();
        const isDone = write.apply(one, args);
        const text = typeof args[0] === "string" ? args[0] : Buffer.from(args[0]).toString("latin1");
        if (text !== "") this.#isLineOpen = !text.endsWith("\n");
        return isDone;
      }) as Write;
    }
  }

  /** Paints `lines` in the place of those before; none: nothing is left of them. */
  paint(lines: readonly string[]): void {
    const { rows } = this.#stream;
    const fitting = lines.slice(0, Math.max(1, (rows ?? 24) - 1));
    this.#erase();
    const open = this.#isLineOpen ? "\n" : "";
    this.#isLineOpen = false;
    this.#write(`${open}${fitting.map((line) => `${line}\n`).join("")}`);
    this.#lines = fitting;
    this.#isPainted = true;
  }

  /** Leaves the last lines where they are, and lets go of the terminal. */
  stop(): void {
    for (const { stream, write } of this.#taken) stream.write = write;
  }

  #erase(): void {
    if (!this.#isPainted) return;
    this.#isPainted = false;
    // A terminal made narrower has broken the lines that were painted in the wider one.
    const columns = Math.max(1, this.#stream.columns ?? 80);
    const rows = this.#lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columns)), 0);
    // To go up by 0 is to go up by 1.
    if (rows > 0) this.#write(`\x1b[${rows}A\r\x1b[J`);
  }

  #write(text: string): void {
    const own = this.#taken.find(({ stream }) => stream === this.#stream);
    if (own === undefined) this.#stream.write(text);
    else own.write.call(this.#stream, text);
  }
}
