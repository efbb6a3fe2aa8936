/** A program of its own that moves a store: `<from> <to>`; tells each piece, then waits for a byte, and in the end what was moved. */
import { readSync } from "node:fs";
import { moveStore, openToMove } from "../../src/engine/move.ts";
import { systemClock, systemHost } from "../../src/engine/system.ts";

const [from = "", to = ""] = process.argv.slice(2);
const source = await openToMove(from, null);
const target = await openToMove(to, source.lanes);
const moved = await moveStore(source, target, {
  clock: systemClock,
  host: systemHost(),
  leaseMs: 50,
  tell(progress) {
    console.log(JSON.stringify(progress));
    readSync(0, Buffer.alloc(1));
  },
});
await Promise.all([source.close(), target.close()]);
console.log(JSON.stringify({ kind: "moved", ...moved }));
