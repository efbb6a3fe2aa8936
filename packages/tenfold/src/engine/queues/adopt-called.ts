/** Runs that are called up, as their lane's driver takes them. */
import { LeaseLost, type ClaimedRun } from "../../store/store.ts";
import { isClosed, isPassing } from "../passing.ts";

/** Drives runs whose turns come; those that cannot be loaded now are found in this worker's name. */
export async function adoptCalled(
  driver: { adopt(called: readonly ClaimedRun[]): Promise<void> },
  called: readonly ClaimedRun[],
  { left, lost }: { left(): void; lost(): void },
): Promise<void> {
  try {
    await driver.adopt(called);
  } catch (thrown) {
    if (thrown instanceof LeaseLost) return lost();
    if (!isPassing(thrown) && !isClosed(thrown)) throw thrown;
    left();
  }
}
