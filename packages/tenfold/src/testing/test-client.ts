/** The client of a test: the ordinary one, on the test's store, whose runs are driven by the test's worker. */
import { Tenfold } from "../engine/client.ts";
import type { Engine } from "../engine/engine.ts";
import type { EventTypes, Listener } from "../engine/events.ts";
import { Handle } from "../engine/run-handle.ts";
import type { Outcome } from "../engine/results.ts";

/** What the client leaves to the test that it belongs to. */
export interface TestHost {
  readonly isReady: boolean;
  outcome(run: string): Promise<Outcome>;
  on<K extends keyof EventTypes>(kind: K, listener: Listener<EventTypes[K]>): () => void;
  close(): Promise<void>;
}

export class TestClient extends Tenfold {
  readonly #host: TestHost;

  constructor(engine: Engine, host: TestHost) {
    super(engine, {
      makeHandle: (id, kind, { status }) => {
        const outcome = (): Promise<Outcome> => host.outcome(id);
        return new TestHandle(id, kind, { status, outcome });
      },
    });
    this.#host = host;
  }

  override get isReady(): boolean {
    return this.#host.isReady;
  }

  override on<K extends keyof EventTypes>(kind: K, listener: Listener<EventTypes[K]>): () => void {
    return this.#host.on(kind, listener);
  }

  /** Closes the whole test. */
  override async close(): Promise<{ readonly stopped: number }> {
    await this.#host.close();
    return { stopped: 0 };
  }

  /** Closes this client and the store. */
  async closeOwn(): Promise<void> {
    await super.close();
  }
}

/** A test may leave what it asked: nobody is there any more to be told that it was never answered. */
class TestHandle extends Handle {
  override result(): Promise<unknown> {
    return disowned(super.result());
  }

  override outcome(): Promise<Outcome> {
    return disowned(super.outcome());
  }
}

function disowned<T>(answer: Promise<T>): Promise<T> {
  answer.catch(() => {});
  return answer;
}
