/** What the simulator looks for. */

/** A promise that was broken: what the simulator finds. */
export class Violation extends Error {
  constructor(promise: string, facts: Readonly<Record<string, unknown>>) {
    super(`${promise}: ${JSON.stringify(facts)}`);
    this.name = "Violation";
  }
}
