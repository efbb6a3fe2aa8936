/** Child: DBOS; workflows of five steps and of one, started and run in one process, as its functions do when they are called. */
import { DBOS } from "@dbos-inc/dbos-sdk";
import pg from "pg";
import { order, race, together, type Order } from "./race.ts";

const POOL = 20;
const WIDTH = 100;

await race(async ({ url, done }) => {
  const pass = async (given: Order) => given;
  const names = { five: "five", one: "one" };
  const five = DBOS.registerWorkflow(
    async (given: Order) => {
      let order = given;
      for (const name of ["a", "b", "c", "d", "e"]) order = await DBOS.runStep(() => pass(order), { name });
      return order;
    },
    { name: names.five },
  );
  const one = DBOS.registerWorkflow((given: Order) => DBOS.runStep(() => pass(given), { name: "a" }), {
    name: names.one,
  });
  DBOS.setConfig({ name: "bench", systemDatabaseUrl: url, systemDatabasePoolSize: POOL, logLevel: "error" });
  await DBOS.launch();
  const client = new pg.Client(url);
  await client.connect();
  const runOf = async (workflow: typeof one, index: number) =>
    void (await (await DBOS.startWorkflow(workflow)(order(index))).getResult());
  return {
    settings: `systemDatabasePoolSize ${POOL}, ${WIDTH} workflows at a time, started without a queue`,
    startsApart: false,
    start: (shape, runs) =>
      together(runs, WIDTH, async (index) => {
        await runOf(shape === "five" ? five : one, index);
        done();
      }),
    work: async () => {},
    rest: async () => {},
    async ended(shape) {
      const { rows } = await client.query<{ count: number }>(
        "select count(*)::int as count from dbos.workflow_status where name = $1 and status = 'SUCCESS'",
        [names[shape]],
      );
      return rows[0]!.count;
    },
    one: () => runOf(one, 1),
    async close() {
      await client.end();
      await DBOS.shutdown();
    },
  };
});
