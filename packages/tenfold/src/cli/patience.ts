/** Waiting that a person did not expect: what takes longer than they sit still is explained while it goes on. */

const PATIENCE_MS = 1500;

/** What `waited` answers; `explain` is called if that takes long. */
export async function withPatience<T>(waited: Promise<T>, explain: () => void | Promise<void>): Promise<T> {
  const timer = setTimeout(() => void explain(), PATIENCE_MS);
  try {
    return await waited;
  } finally {
    clearTimeout(timer);
  }
}
