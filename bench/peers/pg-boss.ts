/** Child: single jobs of pg-boss, and chains of five in which each job adds the next; fetched one by one, or in batches. */
import { PgBoss, type Job } from "pg-boss";
import { asked } from "../child.ts";
import { inBatches, order, race, type Order } from "./race.ts";

interface Link {
  readonly step: number;
  readonly order: Order;
}

const { batched } = asked<{ batched: boolean }>();
const batchSize = batched ? 1000 : 1;
const loops = batched ? 2 : 20;

await race(async ({ url, done }) => {
  const boss = new PgBoss({ connectionString: url, max: loops + 2, useListenNotify: true });
  boss.on("error", (error) => process.stderr.write(`pg-boss: ${error.message}\n`));
  await boss.start();
  for (const name of ["five", "one"]) await boss.createQueue(name);
  await boss.createQueue("latency", { notify: true });
  let told = () => {};
  await boss.work("latency", { pollingIntervalSeconds: 0.5 }, async () => told());

  let over = new AbortController();
  let working: Promise<unknown> = Promise.resolve();
  /** What `work` does, without its pause of half a second between two fetches. */
  const loop = async (name: string, { signal }: AbortController) => {
    while (!signal.aborted) {
      const jobs: Job<Link>[] = await boss.fetch<Link>(name, { batchSize });
      if (jobs.length === 0) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        continue;
      }
      const next = jobs.filter(({ data }) => name === "five" && data.step < 5);
      if (next.length > 0) {
        const links = next.map(({ data }) => ({ data: { step: data.step + 1, order: data.order } }));
        await boss.insert(name, links);
      }
      await boss.complete(
        name,
        jobs.map(({ id }) => id),
      );
      for (let ended = jobs.length - next.length; ended > 0; ended--) done();
    }
  };
  return {
    settings: `${loops} loops of fetch and complete, ${batchSize} job${batched ? "s" : ""} a call, no pause between; jobs added 1,000 a call; idle: work() on a queue with notify`,
    startsApart: true,
    async start(shape, runs) {
      const link = (index: number) => ({ data: { step: 1, order: order(index) } });
      await inBatches(runs, 1000, link, (links) => boss.insert(shape, links));
    },
    async work(shape) {
      over = new AbortController();
      const mine = over;
      working = Promise.all(Array.from({ length: loops }, () => loop(shape, mine)));
    },
    async rest() {
      over.abort();
      await working;
    },
    async ended(shape) {
      const { rows } = await boss
        .getDb()
        .executeSql("select count(*)::int as count from pgboss.job where name = $1 and state = 'completed'", [shape]);
      const jobs = (rows[0] as { count: number }).count;
      return shape === "five" ? jobs / 5 : jobs;
    },
    async one() {
      const ended = new Promise<void>((resolve) => (told = resolve));
      await boss.send("latency", { step: 1, order: order(1) });
      await ended;
    },
    close: () => boss.stop({ graceful: false }),
  };
});
