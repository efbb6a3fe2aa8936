/** The promise of a script's call: it knows whether anybody waits for it. */

export class ScriptPromise<T> extends Promise<T> {
  /** Whatever is made of it is a plain promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  isAwaited = false;

  override then<R = T, E = never>(
    fulfilled?: ((value: T) => R | PromiseLike<R>) | null,
    rejected?: ((reason: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    this.isAwaited = true;
    return super.then(fulfilled, rejected);
  }
}

export interface Settling {
  readonly promise: ScriptPromise<unknown>;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** A promise that rejects silently where nobody waits for it: its script is told at its end. */
export function settling(): Settling {
  let settle!: Pick<Settling, "resolve" | "reject">;
  const promise = new ScriptPromise<unknown>((resolve, reject) => (settle = { resolve, reject }));
  promise.then(undefined, () => {});
  promise.isAwaited = false;
  return { promise, ...settle };
}
