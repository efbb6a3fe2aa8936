/** A workflow whose step writes a file of some parts, with something that happens in the middle of it. */
import { PART_BYTES } from "../../src/engine/file-source.ts";
import { step, workflow } from "../../src/index.ts";

export const PARTS = 12;

export function reportOf(midway: () => Promise<void>) {
  const render = step("render", {
    async run(_: number, { files }) {
      const source = async function* () {
        for (let n = 0; n < PARTS; n++) {
          if (n === PARTS / 2) await midway();
          yield new Uint8Array(PART_BYTES).fill(n);
        }
      };
      return files.write("report.bin", source());
    },
  });
  return workflow<number>("report", { flow: (n) => render(n) });
}
