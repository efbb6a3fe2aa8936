/** What the n-th order must come to, computed without the engine and without the workflow's own code. */

export interface Expected {
  readonly parcels: readonly number[];
  readonly total: number;
  readonly shipped: number;
  readonly bill: number;
  readonly note: number;
  /** Paths of the steps' nodes that have a result, and of no others. */
  readonly nodes: ReadonlySet<string>;
}

export function expectedOf(n: number): Expected {
  const price = 3 * n + 1;
  const offer = price + ((n % 97) + 5) + ((n * n) % 101);
  const parcels: number[] = [];
  for (let index = 0; index < 2 + (n % 4); index++) parcels.push((((n * 31 + index * 17) % 50) + 1) * 7 + offer);
  let total = offer;
  for (const parcel of parcels) total += parcel;
  const [shipped, arm] = shippedOf(n, total);
  const packs = parcels.map((_, index) => `each-items[${index}]/pack`);
  const nodes = new Set(["price", "stock", "screen", "offer", "note", "bill", ...packs, ...arm]);
  return { parcels, total, shipped, bill: total - shipped, note: price + 7, nodes };
}

function shippedOf(n: number, total: number): readonly [shipped: number, arm: readonly string[]] {
  switch (n % 3) {
    case 0:
      return [total + 1000, ["match-tier/gold/courier"]];
    case 1:
      return [total * 2 + 3, ["match-tier/silver/post", "match-tier/silver/label"]];
    default:
      return [-total, ["match-tier/none/shelve"]];
  }
}
