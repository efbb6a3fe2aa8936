/** Child: OpenWorkflow; workflows of five steps and of one, started by its client and worked by its worker. */
import { OpenWorkflow, type Worker } from "openworkflow";
import { BackendPostgres } from "openworkflow/postgres";
import pg from "pg";
import { order, race, together, type Order } from "./race.ts";

const POOL = 20;
const WIDTH = 50;

await race(async ({ url, done }) => {
  const backend = await BackendPostgres.connect(`${url}?max=${POOL}`);
  const client = new OpenWorkflow({ backend });
  let told = () => {};
  const five = client.defineWorkflow<Order, Order>({ name: "five" }, async ({ input, step }) => {
    let order = input;
    for (const name of ["a", "b", "c", "d", "e"]) order = await step.run({ name }, async () => order);
    done();
    return order;
  });
  const one = client.defineWorkflow<Order, Order>({ name: "one" }, async ({ input, step }) => {
    const order = await step.run({ name: "a" }, async () => input);
    done();
    told();
    return order;
  });
  const counting = new pg.Client(url);
  await counting.connect();
  let worker: Worker | undefined;
  return {
    settings: `concurrency ${WIDTH}, ${POOL} connections, ${WIDTH} starts at a time; idle: to the body's end, since its client learns of results by polling once a second`,
    startsApart: true,
    start: (shape, runs) => together(runs, WIDTH, (index) => (shape === "five" ? five : one).run(order(index))),
    async work() {
      worker = client.newWorker({ concurrency: WIDTH });
      await worker.start();
    },
    async rest() {
      await worker?.stop();
    },
    async ended(shape) {
      const { rows } = await counting.query<{ count: number }>(
        "select count(*)::int as count from openworkflow.workflow_runs where workflow_name = $1 and status = 'completed'",
        [shape],
      );
      return rows[0]!.count;
    },
    async one() {
      const ended = new Promise<void>((resolve) => (told = resolve));
      await one.run(order(1));
      await ended;
    },
    async close() {
      await counting.end();
      await backend.stop();
    },
  };
});
