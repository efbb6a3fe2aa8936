/** Child: what a page of a list costs, by each filter, and the counts. */
import { open, type RunFilter } from "tenfold";
import { answer, asked, quantile } from "./child.ts";
import { ALL } from "./workflows.ts";

const { store, workflow } = asked<{ store: string; workflow: string }>();
const tenfold = await open({ store, workflows: ALL, work: false });
const [newest] = await tenfold.page({}, { limit: 1 });
const filters: Readonly<Record<string, RunFilter>> = {
  all: {},
  workflow: { workflow },
  status: { status: "waiting" },
  "rare status": { status: "failed" },
  "workflow and status": { workflow, status: "completed" },
  time: { from: newest!.startedAt - 60_000, until: newest!.startedAt },
  key: { workflow, key: "no-such-key" },
};
const pages: Record<string, number> = {};
for (const [name, filter] of Object.entries(filters))
  pages[name] = await timed(() => tenfold.page(filter, { limit: 50 }));
const middle = (await tenfold.page({ until: newest!.startedAt - 1000 }, { limit: 1 }))[0]?.id;
if (middle !== undefined)
  pages["all, from the middle"] = await timed(() => tenfold.page({}, { before: middle, limit: 50 }));
pages["counts"] = await timed(() => tenfold.counts());
await tenfold.close();
answer(pages);

/** The median of twenty (ms). */
async function timed(read: () => Promise<unknown>): Promise<number> {
  const tookMs: number[] = [];
  for (let index = 0; index < 20; index++) {
    const startedAt = performance.now();
    await read();
    tookMs.push(performance.now() - startedAt);
  }
  return quantile(tookMs, 0.5);
}
