/** A way to a server that a test can spoil: cut it, let nothing through any more, refuse whoever comes, or make it slow. */
import { createServer, Socket, type Server } from "node:net";
import type { TestContext } from "node:test";

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Bytes of it were lost. */
  isSpoiled: boolean;
}

/** What a server's message begins with that tells which of its processes serves a session. */
const PROCESS = Buffer.from([0x4b, 0, 0, 0, 12]);

export class TcpProxy {
  readonly #listener: Server;
  readonly #pairs = new Set<Pair>();
  #mode: "passes" | "swallows" | "refuses" = "passes";
  /** How many came, let in or not. */
  arrivals = 0;
  /** Tells clients another process of the server than the one that serves them, as a pool does. */
  pools = false;
  /** How long whatever goes through takes. */
  delayMs = 0;

  /** A proxy on a port of its own, gone after the test. */
  static async to(t: TestContext, port: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(port);
    await new Promise<void>((resolve) => proxy.#listener.listen(0, "127.0.0.1", resolve));
    t.after(() => proxy.#close());
    return proxy;
  }

  private constructor(port: number) {
    this.#listener = createServer((client) => this.#arrived(client, port));
  }

  /** `url` by this way. */
  url(url: string): string {
    const by = new URL(url);
    by.port = String((this.#listener.address() as { port: number }).port);
    return by.href;
  }

  get open(): number {
    return this.#pairs.size;
  }

  /** Ends all connections on both sides; whoever comes then is let in again. */
  cut(): void {
    for (const pair of this.#pairs) this.#end(pair);
  }

  /** Half-open from now on: everything seems connected, and nothing arrives. */
  swallow(): void {
    this.#mode = "swallows";
  }

  /** Ends all connections, and each that comes. */
  refuse(): void {
    this.#mode = "refuses";
    this.cut();
  }

  /** Whole again; connections that bytes were lost of are ended. */
  pass(): void {
    this.#mode = "passes";
    for (const pair of this.#pairs) if (pair.isSpoiled) this.#end(pair);
  }

  #arrived(client: Socket, port: number): void {
    this.arrivals++;
    if (this.#mode === "refuses") return void client.destroy();
    const pair: Pair = { client, server: new Socket().connect(port, "127.0.0.1"), isSpoiled: false };
    this.#pairs.add(pair);
    this.#forward(pair, client, pair.server);
    this.#forward(pair, pair.server, client);
  }

  #forward(pair: Pair, from: Socket, to: Socket): void {
    from.setNoDelay(true);
    /** Bytes that were made to wait: what comes later stays behind them, whatever the delay is by then. */
    const waiting: Buffer[] = [];
    from.on("data", (bytes: Buffer) => {
      if (this.#isSwallowed(pair)) return;
      const named = this.pools && from === pair.server ? bytes.indexOf(PROCESS) : -1;
      if (named !== -1) bytes.writeInt32BE(1, named + PROCESS.length);
      if (this.delayMs === 0 && waiting.length === 0) return void to.write(bytes);
      waiting.push(bytes);
      setTimeout(() => to.write(waiting.shift()!), this.delayMs);
    });
    from.on("error", () => undefined);
    from.on("close", () => {
      if (!this.#isSwallowed(pair)) this.#end(pair);
    });
  }

  #isSwallowed(pair: Pair): boolean {
    if (this.#mode === "swallows") pair.isSpoiled = true;
    return pair.isSpoiled;
  }

  #end(pair: Pair): void {
    this.#pairs.delete(pair);
    pair.client.destroy();
    pair.server.destroy();
  }

  #close(): void {
    this.#listener.close();
    this.cut();
  }
}
