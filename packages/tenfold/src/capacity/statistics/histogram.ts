/**
 * How often which values came, in buckets that are as wide as they are high: 128 in each doubling, so that a quantile is off by less
 * than 0.8 %, in memory that does not grow with what comes. Two are added by adding their buckets; percentiles are never averaged.
 * Source: the log-linear buckets of HdrHistogram (G. Tene).
 */
const BUCKETS_OF_OCTAVE = 128;
/** The smallest value that is told from 0, as a power of two (about a microsecond, in ms), and the largest. */
const LEAST = -10;
const MOST = 40;
const SIZE = 1 + (MOST - LEAST) * BUCKETS_OF_OCTAVE;

export class Histogram {
  readonly #counts = new Float64Array(SIZE);
  count = 0;
  sum = 0;
  max = 0;

  /** `value` is 0 or more; what is more than there is a bucket for counts as the most there is one for. */
  add(value: number): void {
    this.#counts[bucketOf(value)]!++;
    this.count++;
    this.sum += value;
    if (value > this.max) this.max = value;
  }

  /** Of nothing it is 0. */
  get mean(): number {
    return this.count === 0 ? 0 : this.sum / this.count;
  }

  /** The value that a share of `p` (0 to 1) is not above; of nothing it is 0. */
  quantile(p: number): number {
    const wanted = Math.max(1, Math.ceil(p * this.count));
    let seen = 0;
    for (let bucket = 0; bucket < SIZE; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= wanted) return Math.min(this.max, middleOf(bucket));
    }
    return this.max;
  }

  /** The share of values that are above `value`, but for those that are as good as it. */
  shareAbove(value: number): number {
    if (this.count === 0) return 0;
    let above = 0;
    for (let bucket = bucketOf(value) + 1; bucket < SIZE; bucket++) above += this.#counts[bucket]!;
    return above / this.count;
  }

  /** What the other one has seen counts here too. */
  merge(other: Histogram): void {
    for (let bucket = 0; bucket < SIZE; bucket++) this.#counts[bucket]! += other.#counts[bucket]!;
    this.count += other.count;
    this.sum += other.sum;
    this.max = Math.max(this.max, other.max);
  }
}

function bucketOf(value: number): number {
  if (value < 2 ** LEAST) return 0;
  const octave = Math.floor(Math.log2(value));
  // The logarithm of what is just below a power of two may be rounded to it.
  const within = Math.max(
    0,
    Math.min(BUCKETS_OF_OCTAVE - 1, Math.floor((value / 2 ** octave - 1) * BUCKETS_OF_OCTAVE)),
  );
  return Math.min(SIZE - 1, 1 + (octave - LEAST) * BUCKETS_OF_OCTAVE + within);
}

function middleOf(bucket: number): number {
  if (bucket === 0) return 0;
  const octave = Math.floor((bucket - 1) / BUCKETS_OF_OCTAVE) + LEAST;
  const within = (bucket - 1) % BUCKETS_OF_OCTAVE;
  return 2 ** octave * (1 + (within + 0.5) / BUCKETS_OF_OCTAVE);
}
