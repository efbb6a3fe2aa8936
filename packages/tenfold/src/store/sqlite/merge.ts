/** Sorted sources read as one, in pieces that grow: no source is read much further than what is taken from all. */

/** Answers up to `count` items of a source that come after `last`, in order; `undefined`: its first ones. */
export type ReadPiece<T> = (last: T | undefined, count: number) => readonly T[];

/** One source's items, read in pieces of `first` items, then twice as many each time, up to `most()`. */
export function* inPieces<T>(
  read: ReadPiece<T>,
  first: number,
  most: () => number = () => 1024,
): Generator<T, void, undefined> {
  let last: T | undefined;
  for (let count = first; ; count = Math.max(1, Math.min(count * 2, most()))) {
    const piece = read(last, count);
    yield* piece;
    if (piece.length < count) return;
    last = piece.at(-1);
  }
}

/** All sources' items in the order of `compare`, in which each source is sorted itself. */
export function* merged<T>(
  sources: readonly Iterator<T>[],
  compare: (a: T, b: T) => number,
): Generator<T, void, undefined> {
  const heads: { readonly source: Iterator<T>; item: T }[] = [];
  for (const source of sources) {
    const next = source.next();
    if (next.done !== true) heads.push({ source, item: next.value });
  }
  while (heads.length > 0) {
    let first = 0;
    for (let index = 1; index < heads.length; index++) {
      if (compare(heads[index]!.item, heads[first]!.item) < 0) first = index;
    }
    const head = heads[first]!;
    yield head.item;
    const next = head.source.next();
    if (next.done === true) heads.splice(first, 1);
    else head.item = next.value;
  }
}
