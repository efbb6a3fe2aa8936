/** Run ids, newest first, that are asked for by where to go on: what a list is put together from. */

/** Answers the largest id below `limit`, or `undefined`. It is asked with ever smaller limits. */
export type IdSource = (limit: string) => string | undefined;

/** Sorts after every id. */
export const ABOVE_ALL = "~";

const PIECE_MAX = 512;

/** The ids that `read` answers, newest first, read in pieces; a jump over a piece reads anew from there. */
export function idsInPieces(read: (limit: string, count: number) => readonly string[], first: number): IdSource {
  let piece: readonly string[] = [];
  let next = 0;
  let count = first;
  let isLast = false;
  return (limit) => {
    while (next < piece.length && piece[next]! >= limit) next++;
    if (next === piece.length) {
      if (isLast) return undefined;
      piece = read(limit, count);
      next = 0;
      isLast = piece.length < count;
      count = Math.min(count * 2, PIECE_MAX);
    }
    return piece[next];
  };
}

/** Ids that are in any of `sources`. */
export function anyOf(sources: readonly IdSource[]): IdSource {
  const heads: (string | undefined)[] = sources.map(() => ABOVE_ALL);
  return (limit) => {
    let newest: string | undefined;
    for (const [index, source] of sources.entries()) {
      let head = heads[index];
      if (head !== undefined && head >= limit) head = heads[index] = source(limit);
      if (head !== undefined && (newest === undefined || head > newest)) newest = head;
    }
    return newest;
  };
}

/** Ids that are in each of `sources`: each in turn goes on from where the last one is. */
export function allOf(sources: readonly IdSource[]): IdSource {
  return (limit) => {
    let below = limit;
    for (let agreed = 0, turn = 0; ; turn++) {
      const id = sources[turn % sources.length]!(below);
      if (id === undefined) return undefined;
      const candidate = justAbove(id);
      agreed = candidate === below ? agreed + 1 : 1;
      below = candidate;
      if (agreed === sources.length) return id;
    }
  };
}

/** A limit that `id` is the first below: ids have no blank. */
function justAbove(id: string): string {
  return `${id} `;
}
