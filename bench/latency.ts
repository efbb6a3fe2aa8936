/** Child: how long one 1-step run takes from `start` to its result while nothing else happens, and two bare commits. */
import { DatabaseSync } from "node:sqlite";
import pg from "pg";
import { open } from "tenfold";
import { answer, asked, quantile } from "./child.ts";
import { oneStep, orders } from "./workflows.ts";

const { store, runs } = asked<{ store: string; runs: number }>();
const tenfold = await open({ store, workflows: [oneStep] });
const engineMs: number[] = [];
const floorMs: number[] = [];
const bare = await bareStore();
for (const order of orders(runs)) {
  const startedAt = performance.now();
  await (await tenfold.start(oneStep, order)).result();
  engineMs.push(performance.now() - startedAt);
  await new Promise((resolve) => setTimeout(resolve, 2));
  const bareAt = performance.now();
  await bare("start", JSON.stringify(order));
  await bare("result", JSON.stringify(order));
  floorMs.push(performance.now() - bareAt);
}
const warm = (values: number[]) => values.slice(Math.floor(values.length / 5));
answer({
  p50: quantile(warm(engineMs), 0.5),
  p99: quantile(warm(engineMs), 0.99),
  floorP50: quantile(warm(floorMs), 0.5),
  floorP99: quantile(warm(floorMs), 0.99),
});

/** Writes one row, durably. */
async function bareStore(): Promise<(a: string, b: string) => unknown> {
  if (!store.includes("://")) {
    const file = new DatabaseSync(`${store}.floor`);
    file.exec("pragma journal_mode = wal; pragma synchronous = full; create table rows (a text, b text)");
    const insert = file.prepare("insert into rows values (?, ?)");
    return (a, b) => insert.run(a, b);
  }
  const client = new pg.Client(store);
  await client.connect();
  await client.query("create table bare_rows (a text, b text)");
  return (a, b) => client.query({ name: "bare", text: "insert into bare_rows values ($1, $2)", values: [a, b] });
}
