/**
 * Hears the notifications of one channel, on a session of its own.
 * Invariants: a session that broke is made anew by itself, after ever longer pauses; one on which nothing comes
 * through any more is noticed within `patienceMs`; what was told meanwhile is not lost but heard as one notification
 * once the session is back.
 */
import { ReconnectPause } from "./reconnect-pause.ts";
import { Session, type SessionOptions } from "./session.ts";

/** Of one notification; undefined: some may have been lost. */
type Heard = (payload: string | undefined) => void;

export class Listener {
  readonly #url: string;
  readonly #options: SessionOptions;
  readonly #channel: string;
  readonly #pause = new ReconnectPause();
  #heard: Heard | null = null;
  #session: Session | null = null;
  #works = false;
  /** A pool is in between, which may give what is told to another of its clients: what comes is welcome, no more. */
  #isPooled = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(url: string, channel: string, options: SessionOptions) {
    this.#url = url;
    this.#channel = channel;
    // Silence is asked about after half of the patience, and may last for the other half.
    this.#options = { ...options, patienceMs: options.patienceMs / 2 };
  }

  /** Whether notifications come through, as far as is known. */
  get isHearing(): boolean {
    return this.#works && !this.#isPooled;
  }

  /** Calls `heard` for each notification from now on. */
  listen(heard: Heard): void {
    const isListening = this.#heard !== null;
    this.#heard = heard;
    if (!isListening) this.#begin();
  }

  async close(): Promise<void> {
    this.#heard = null;
    clearTimeout(this.#timer);
    await this.#session?.end();
  }

  #begin(): void {
    if (this.#heard === null) return;
    const session = new Session(this.#url, this.#options, () => this.#ended());
    this.#session = session;
    // What fails here breaks the session too.
    this.#hear(session).catch(() => session.cut());
  }

  async #hear(session: Session): Promise<void> {
    const client = await session.client();
    client.on("notification", ({ payload }) => this.#heard?.(payload));
    await client.query(`listen "${this.#channel}"`);
    const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
    this.#isPooled = rows[0]!.pid !== (client as unknown as { readonly processID: number }).processID;
    this.#works = true;
    this.#heard?.(undefined);
    while (this.#session === session) {
      await this.#quiet();
      // An empty statement: the server answers, and has nothing to count.
      await client.query("");
    }
  }

  #quiet(): Promise<void> {
    return new Promise((resolve) => {
      this.#timer = setTimeout(resolve, this.#options.patienceMs).unref();
    });
  }

  #ended(): void {
    this.#session = null;
    clearTimeout(this.#timer);
    this.#pause.ended(this.#works);
    this.#works = false;
    if (this.#heard !== null) this.#timer = setTimeout(() => this.#begin(), this.#pause.leftMs).unref();
  }
}
