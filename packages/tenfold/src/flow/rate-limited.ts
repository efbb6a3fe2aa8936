/** What a body throws that was told to slow down, as by a 429: the whole queue of its step waits, not this call alone. */
export class RateLimited extends Error {
  /** How long nothing of the queue is to begin (ms); 0 where the other side did not say. */
  readonly retryAfterMs: number;

  /** What is no time from now, as from a header that is missing, counts as 0. */
  constructor(retryAfterMs: number, message = "told to slow down by whom it calls", options?: ErrorOptions) {
    super(message, options);
    this.name = "RateLimited";
    this.retryAfterMs = Number.isFinite(retryAfterMs) && retryAfterMs > 0 ? retryAfterMs : 0;
  }
}
