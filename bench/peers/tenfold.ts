/** Child: tenfold itself, asked in the same way as its peers; it starts and works in one process too. */
import pg from "pg";
import { open, type Tenfold } from "tenfold";
import { fiveInARow, oneStep, orders } from "../workflows.ts";
import { race } from "./race.ts";

await race(async ({ url, done }) => {
  const client = new pg.Client(url);
  await client.connect();
  const starter = await open({ store: url, workflows: [fiveInARow, oneStep], work: false });
  let worker: Tenfold | undefined;
  return {
    settings: "as it is: nothing was set",
    startsApart: true,
    async start(shape, runs) {
      const workflow = shape === "five" ? fiveInARow : oneStep;
      for await (const { kind } of starter.startMany(workflow, orders(runs)))
        if (kind !== "started") throw new Error(`a start was ${kind}`);
    },
    async work() {
      worker = await open({ store: url, workflows: [fiveInARow, oneStep] });
      worker.on("run", done);
    },
    async rest() {
      await worker?.close();
    },
    async ended(shape) {
      const { rows } = await client.query<{ count: number }>(
        "select count(*)::int as count from tenfold.runs where workflow = $1 and status = 2",
        [shape === "five" ? fiveInARow.name : oneStep.name],
      );
      return rows[0]!.count;
    },
    async one() {
      await (await worker!.start(oneStep, orders(1).next().value!)).result();
    },
    async close() {
      await starter.close();
      await client.end();
    },
  };
});
