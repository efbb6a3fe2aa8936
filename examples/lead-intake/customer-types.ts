/** The twelve kinds of customer that a lead can be; scoring, routing and letters each have a line for every one. */

export const CUSTOMER_TYPES = [
  "enterprise",
  "mid-market",
  "small-business",
  "startup",
  "agency",
  "reseller",
  "public-sector",
  "education",
  "healthcare",
  "nonprofit",
  "freelancer",
  "private",
] as const;

export type CustomerType = (typeof CUSTOMER_TYPES)[number];
