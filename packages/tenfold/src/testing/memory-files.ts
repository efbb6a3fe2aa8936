/** Files for a body that a unit test calls by itself: `await report.run(rows, { files: memoryFiles() })`. */
import { AttemptFiles } from "../engine/attempt-files.ts";
import { DriverFiles } from "../engine/run-files.ts";
import { systemClock } from "../engine/system.ts";
import type { StepFiles } from "../flow/files.ts";
import { MemoryStore } from "../store/memory.ts";
import { derivedRunId } from "../value/id.ts";
import { seededRandom } from "../value/random.ts";

const NOW = 0;

/** The files of a run that has none yet, kept in memory, by the rules of any other. */
export function memoryFiles(): StepFiles {
  const store = new MemoryStore();
  const lease = { lane: 0, owner: "test" };
  const id = derivedRunId("test", NOW, 0);
  const run = { id, workflow: "test", graph: "", tenant: "", input: "null", key: null, attributes: [], at: null };
  // The verbs of this store have taken effect when they return.
  void store.join(lease, { worker: "test", host: "test", process: "test" });
  void store.start(0, [run], NOW, lease);
  const random = seededRandom("test");
  const driver = new DriverFiles({ clock: systemClock, store, lease, random, leaseLost: () => {} });
  const { signal } = new AbortController();
  return new AttemptFiles(driver.of(run), { run: id, node: "test", signal });
}
