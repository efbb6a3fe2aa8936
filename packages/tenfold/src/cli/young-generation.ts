/** How much memory a worker's program may fill with what is new before it looks what of it is still wanted. */
import { setFlagsFromString } from "node:v8";

/**
 * Keeps the young generation to 24 MiB, before it has grown: on a machine with much memory V8 lets it grow to four
 * times that, and a worker is no faster with it (docs/inside/numbers.md).
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString("--max-semi-space-size=8");
  setFlagsFromString("--semi-space-growth-factor=1");
}
