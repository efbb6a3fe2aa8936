/** The workflow of the test of `once` and `tx`: money is taken at most once, outside of the store, and booked exactly once in it. */
import { step, workflow, type Lifted, type Workflow } from "../../packages/tenfold/src/flow/index.ts";

export interface Doing {
  /** What a step that is called at most once does, outside of the store. */
  effect(key: string): void;
  /** Does not return, sometimes. */
  mayDie(chance: number): void;
}

export const MAKE_TABLE = "create table booked (key text not null, attempt integer not null)";

export function promisingWorkflow(kind: "sqlite" | "postgres", { effect, mayDie }: Doing): Workflow<number, string> {
  const pause = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
  const charge = step("charge", {
    once: true,
    async run(n: number, { key }) {
      mayDie(0.15);
      await pause();
      effect(key);
      mayDie(0.15);
      await pause();
      return `charged ${n}`;
    },
  });
  const insert = "insert into booked (key, attempt) values";
  const book =
    kind === "sqlite"
      ? step("book", {
          tx: "sqlite",
          run(n: number, { key, attempt, tx }) {
            mayDie(0.03);
            tx.run(`${insert} (?, ?)`, key, attempt);
            mayDie(0.03);
            return `booked ${n}`;
          },
        })
      : step("book", {
          tx: "postgres",
          async run(n: number, { key, attempt, tx }) {
            mayDie(0.03);
            await tx.query(`${insert} ($1, $2)`, [key, attempt]);
            mayDie(0.03);
            await pause();
            return `booked ${n}`;
          },
        });
  return workflow("promises", {
    key: (n: number) => `n-${n}`,
    flow(n: Lifted<number>) {
      const first = book.as("first")(n);
      const charged = charge(n);
      return done({ first, charged, last: book.as("last")(n) });
    },
  }) as Workflow<number, string>;
}

const done = step("done", {
  run: ({ first, charged, last }: { first: string; charged: string; last: string }) => `${first}, ${charged}, ${last}`,
});
