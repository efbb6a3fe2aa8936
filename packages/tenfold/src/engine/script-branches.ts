/**
 * Branches of a script's function that failed and that nobody awaits, or not yet. For one such promise Node ends the process,
 * and with it whatever else runs there; here it is kept for the end of its function, and forgotten once somebody awaits it.
 * What is rejected is told to the whole process, so it is here for all engines in it; which function it is of, Node keeps.
 * Invariant: what is rejected outside of all functions goes the way that it would go without this.
 */
import { AsyncLocalStorage } from "node:async_hooks";

const functions = new AsyncLocalStorage<ScriptBranches | undefined>();

/** Of a promise: whose branch it is. */
const OWNER = Symbol("tenfold.owner");

/** Those of one function. */
export class ScriptBranches {
  readonly #failed = new Map<Promise<unknown>, unknown>();

  /** Why the first of them failed that nobody has awaited; null: none has. */
  get failure(): { readonly thrown: unknown } | null {
    for (const thrown of this.#failed.values()) return { thrown };
    return null;
  }

  /** What `act` begins, and whatever follows from that, is of this function. */
  within<T>(act: () => T): T {
    listen();
    return functions.run(this, act);
  }

  failed(promise: Promise<unknown>, thrown: unknown): void {
    Reflect.defineProperty(promise, OWNER, { value: this });
    this.#failed.set(promise, thrown);
  }

  awaited(promise: Promise<unknown>): void {
    this.#failed.delete(promise);
  }
}

/** What `act` begins is of no function, although one calls it. */
export function outsideOfFunctions<T>(act: () => T): T {
  return functions.run(undefined, act);
}

function listen(): void {
  if (process.listeners("unhandledRejection").includes(scriptBranchFailed)) return;
  process.on("unhandledRejection", scriptBranchFailed);
  process.on("rejectionHandled", scriptBranchAwaited);
}

function scriptBranchFailed(thrown: unknown, promise: Promise<unknown>): void {
  const owner = functions.getStore();
  if (owner !== undefined) return owner.failed(promise, thrown);
  const listeners = process.listeners("unhandledRejection");
  // Another copy of this package may listen as well: the first of them acts.
  if (listeners.some(({ name }) => name !== scriptBranchFailed.name) || listeners[0] !== scriptBranchFailed) return;
  // Nobody else wants to know: Node does with it what it was told to do.
  process.removeAllListeners("unhandledRejection");
  void Promise.reject(thrown);
  setImmediate(() => {
    for (const listener of listeners) process.on("unhandledRejection", listener);
  });
}

function scriptBranchAwaited(promise: Promise<unknown> & { readonly [OWNER]?: ScriptBranches }): void {
  promise[OWNER]?.awaited(promise);
}
