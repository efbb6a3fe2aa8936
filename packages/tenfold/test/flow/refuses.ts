/** Asserts that something is refused with a code, and that the message names all that it should. */
import assert from "node:assert/strict";
import { TenfoldError, type ErrorCode } from "../../src/value/error.ts";

export function refuses(attempt: () => unknown, code: ErrorCode, ...parts: readonly string[]): TenfoldError {
  try {
    attempt();
  } catch (error) {
    if (!(error instanceof TenfoldError)) throw error;
    assert.equal(error.code, code, error.message);
    for (const part of parts) {
      assert.ok(error.message.includes(part), `${JSON.stringify(part)} is missing in: ${error.message}`);
    }
    return error;
  }
  throw new assert.AssertionError({ message: `expected ${code}, and nothing was refused` });
}
