/**
 * A connection to Postgres that can be stopped before it commits, or between two statements: the statements are the
 * store's own, only that what would be sent in one piece is sent in two.
 * Invariant: only calls that were made while a hold was asked for are held, and one of them at most.
 */
import type { PgClient } from "../../src/store/caller-client.ts";
import { Connection, type Answer, type Statement, type Transaction } from "../../src/store/postgres/connection.ts";
import type { ConnectionOptions } from "../../src/store/postgres/connection.ts";
import { Notices } from "../../src/store/postgres/notices.ts";
import { PostgresStore } from "../../src/store/postgres/postgres.ts";
import { PostgresTransactions } from "../../src/store/postgres/transactions.ts";
import { TxClients, type TxClient } from "../../src/store/postgres/tx-clients.ts";
import type { Lease, RunStart, StartAnswer } from "../../src/store/store.ts";
import type { TransactAnswer, TransactedWork } from "../../src/store/transactions.ts";

/** What a start in a caller's transaction sends, or a little more. */
const STATEMENTS_WITHIN = 9;

/** One transaction that has not sent all that it sends. */
export class Hold {
  readonly share: number;
  /** Resolves with the id of the server's process once the transaction stands still. */
  readonly reached: Promise<number>;
  readonly #reach: (pid: number) => void;
  readonly #released = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  /** Rejects with `cause` once nobody waits for the answer any more. */
  readonly abandoned: Promise<never>;
  readonly cause = new Error("Query read timeout");
  readonly #abandon: (cause: Error) => void;

  constructor(share: number) {
    this.share = share;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.reached = promise;
    this.#reach = resolve;
    const abandoned = Promise.withResolvers<never>();
    this.abandoned = abandoned.promise;
    this.#abandon = abandoned.reject;
    this.abandoned.catch(() => undefined);
  }

  /** Whose call is held. */
  by: HeldConnection | HeldTxClients | null = null;

  /** Lets it commit; resolves when the call is over, whether or not anybody waits for its answer. */
  async release(): Promise<void> {
    this.#released.resolve();
    await this.#ended.promise;
  }

  ended(): void {
    this.#ended.resolve();
  }

  /** Whoever called gets no answer, as after too long a wait; the server knows nothing of it. */
  abandon(): void {
    this.#abandon(this.cause);
  }

  async stop(send: Transaction["send"]): Promise<void> {
    const [answer] = await send([{ sql: "select pg_backend_pid() as pid", values: [] }]);
    this.#reach((answer!.rows[0] as { pid: number }).pid);
    await this.#released.promise;
  }
}

/** What the connections of one store ask before they commit. */
export class Gate {
  hold: Hold | null = null;

  /** Holds the next transaction, after this share of its last statements: 1 is before its commit. */
  arm(share: number): Hold {
    return (this.hold = new Hold(share));
  }
}

class HeldConnection extends Connection {
  readonly #gate: Gate;
  /** Made once a call got no answer: its connection is given up, whatever the server does with it. */
  #successor: HeldConnection | null = null;

  constructor(url: string, options: ConnectionOptions, gate: Gate) {
    super(url, options);
    this.#gate = gate;
  }

  override send(statements: readonly Statement[]): Promise<Answer[]> {
    if (this.#successor !== null) return this.#successor.send(statements);
    const { hold } = this.#gate;
    if (hold === null) return super.send(statements);
    return this.#answer(
      hold,
      super.transaction(async ({ send, commit }) => {
        const answers = await this.#inTwo(hold, statements, send);
        await commit([]);
        return answers;
      }),
    );
  }

  override transaction<T>(act: (transaction: Transaction) => Promise<T>): Promise<T> {
    if (this.#successor !== null) return this.#successor.transaction(act);
    const { hold } = this.#gate;
    if (hold === null) return super.transaction(act);
    return this.#answer(
      hold,
      super.transaction(({ send, commit }) =>
        act({
          send,
          commit: async (statements) => {
            const answers = await this.#inTwo(hold, statements, send);
            await commit([]);
            return answers;
          },
        }),
      ),
    );
  }

  /** A transaction of a caller's own, on a client whose queries are held as a call's statements are. */
  within<T>(act: (client: PgClient) => Promise<T>): Promise<T> {
    const { hold } = this.#gate;
    const stopAt = hold === null || hold.share === 1 ? Infinity : Math.ceil(hold.share * STATEMENTS_WITHIN);
    return this.transaction(async ({ send, commit }) => {
      let asked = 0;
      const query: PgClient["query"] = async (sql, values) => {
        if (hold !== null && asked++ === stopAt) await this.#stop(hold, send);
        const [answer] = await send([{ sql, values }]);
        return answer!;
      };
      const answer = await act({ query });
      await commit([]);
      return answer;
    });
  }

  override async close(): Promise<void> {
    await this.#successor?.close();
    await super.close();
  }

  async #answer<T>(hold: Hold, answer: Promise<T>): Promise<T> {
    const end = (): void => {
      if (hold.by === this) hold.ended();
    };
    const ended = answer.then(end, end);
    try {
      return await Promise.race([answer, hold.abandoned]);
    } catch (error) {
      if (error === hold.cause) {
        this.#successor = new HeldConnection(this.url, this.options, this.#gate);
        void ended.then(() => super.close());
      }
      throw error;
    }
  }

  /** Stops once, after the hold's share of these statements. */
  async #inTwo(hold: Hold, statements: readonly Statement[], send: Transaction["send"]): Promise<Answer[]> {
    if (this.#gate.hold !== hold) return send(statements);
    const cut = Math.ceil(hold.share * statements.length);
    const answers = cut === 0 ? [] : await send(statements.slice(0, cut));
    await this.#stop(hold, send);
    return cut === statements.length ? answers : [...answers, ...(await send(statements.slice(cut)))];
  }

  /** Where it has not stopped yet. */
  async #stop(hold: Hold, send: Transaction["send"]): Promise<void> {
    if (this.#gate.hold !== hold) return;
    this.#gate.hold = null;
    hold.by = this;
    await hold.stop(send);
  }
}

/** What is sent in a transaction that a body writes in, beside what the body sends. */
const STATEMENTS_OF_TX = 5;

/** Connections for bodies that write, of which one can be stopped. */
class HeldTxClients extends TxClients {
  readonly gate: Gate;

  constructor(url: string, options: ConnectionOptions, gate: Gate) {
    super(url, options);
    this.gate = gate;
  }

  override async take(signal: AbortSignal): Promise<TxClient | null> {
    const { hold } = this.gate;
    const taken = await super.take(signal);
    if (hold === null || taken === null) return taken;
    const { client } = taken;
    let sent = 0;
    const query = async (...given: unknown[]): Promise<unknown> => {
      if (++sent === Math.max(2, Math.ceil(hold.share * STATEMENTS_OF_TX)) && this.gate.hold === hold) {
        this.gate.hold = null;
        hold.by = this;
        await hold.stop(async (statements) =>
          Promise.all(
            statements.map(async ({ sql }) => {
              const { rows } = await client.query<Record<string, unknown>>(sql);
              return { rows, count: rows.length };
            }),
          ),
        );
      }
      return Reflect.apply(client.query as (...all: unknown[]) => unknown, client, given);
    };
    const giveBack = taken.giveBack.bind(taken);
    return Object.assign(taken, {
      client: new Proxy(client, {
        get: (of, name) => (name === "query" ? query : bound(of, Reflect.get(of, name))),
      }),
      giveBack: () => {
        giveBack();
        if (hold.by === this) hold.ended();
      },
    });
  }
}

function bound(of: object, member: unknown): unknown {
  return typeof member === "function" ? (member.bind(of) as unknown) : member;
}

class HeldTransactions extends PostgresTransactions {
  readonly #gate: Gate;

  constructor(clients: HeldTxClients) {
    super(clients);
    this.#gate = clients.gate;
  }

  override transact(lease: Lease, work: TransactedWork): Promise<TransactAnswer> {
    const { hold } = this.#gate;
    const answer = super.transact(lease, work);
    return hold === null ? answer : Promise.race([answer, hold.abandoned]);
  }
}

/** A store's handle beside which somebody has a transaction of their own. */
export class HeldStore extends PostgresStore {
  override readonly transactions: PostgresTransactions;
  readonly #caller: HeldConnection;

  constructor(caller: HeldConnection, clients: HeldTxClients, ...rest: ConstructorParameters<typeof PostgresStore>) {
    super(...rest);
    this.#caller = caller;
    this.transactions = new HeldTransactions(clients);
  }

  startWithin(lane: number, starts: readonly RunStart[], now: number): Promise<readonly StartAnswer[]> {
    return this.#caller.within((client) => this.startWith(client, lane, starts, now));
  }

  override async close(): Promise<void> {
    await this.#caller.close();
    await super.close();
  }
}

/** The store's handle of which `gate` can hold a transaction; it hears of nothing. */
export function heldStore(url: string, schema: string, lanes: number, gate: Gate, patienceMs = 60_000): HeldStore {
  const options = (purpose: string): ConnectionOptions => ({ name: "held", schema, purpose, patienceMs });
  const connection = (purpose: string): HeldConnection => new HeldConnection(url, options(purpose), gate);
  return new HeldStore(
    connection("caller"),
    new HeldTxClients(url, options("tx"), gate),
    "held",
    lanes,
    {
      commits: connection("commits"),
      claims: connection("claims"),
      starts: connection("starts"),
      careful: connection("careful"),
      reads: connection("reads"),
      files: connection("files"),
    },
    new Notices(schema, new Connection(url, options("tells")), null),
  );
}
