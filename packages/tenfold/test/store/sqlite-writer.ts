/** A program of its own that writes to a store: `<path> <name> <batches> <runs a batch>`; tells each batch it has written. */
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import { runIdMaker } from "../../src/value/id.ts";
import { seededRandom } from "../../src/value/random.ts";
import { commitOf, COMPLETED, joined, KEEP, keyOf, lineOf, NOW, startOf } from "./sample.ts";

const [path = "", name = "", batches = "", size = ""] = process.argv.slice(2);
const store = await openSqlite(path);
const lease = await joined(store, name);
const make = runIdMaker(seededRandom(name));
console.log("ready");
for (let batch = 0; batch < Number(batches); batch++) {
  const starts = Array.from({ length: Number(size) }, (_, index) => {
    // Every other run has a key that each writer uses.
    const key = index % 2 === 0 ? null : keyOf(`${batch} ${index}`);
    return startOf(make(NOW, 0), { key, tenant: `t${index % 3}` });
  });
  const answers = await store.start(0, starts, NOW, lease);
  const started = starts.filter((_, index) => answers[index]!.kind === "started").map(({ id }) => id);
  console.log(`started ${batch} ${started.join(",")}`);
  for (const [from, then] of [
    [0, KEEP],
    [2, COMPLETED],
  ] as const) {
    const commits = started.map((run) =>
      commitOf(run, { from, lines: [lineOf(`${from}`), lineOf(`${from + 1}`)], then }),
    );
    const written = await store.commit(lease, commits, NOW);
    if (!written.every((answer) => answer === "written")) throw new Error(`Not written: ${written.join(",")}.`);
  }
  console.log(`written ${batch} ${started.join(",")}`);
}
await store.close();
