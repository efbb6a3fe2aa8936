/** Calls what must not overlap, one after the other, in the order in which it came; one that fails stops none behind it. */
export type OneByOne = <T>(act: () => Promise<T>) => Promise<T>;

export function oneByOne(): OneByOne {
  let last: Promise<unknown> = Promise.resolve();
  return (act) => {
    const done = last.then(act);
    last = done.catch(() => {});
    return done;
  };
}
