/** A module that opens a store where it is imported: no module for a thread. */
import { open, step, workflow } from "../../../src/index.ts";

export const careless = step("careless", { threads: import.meta.url, run: () => null });

const tenfold = await open({ store: ":memory:", workflows: [workflow("careless", { flow: () => careless() })] });
await tenfold.close();
