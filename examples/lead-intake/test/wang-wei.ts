/** One lead that the tests have in common. */
import type { Lead } from "../leads.ts";

export const LEAD: Lead = {
  name: "王伟",
  company: "Nova Labs",
  email: "wang.wei@nova-labs.example",
  country: "CN",
  phone: null,
  customer_type: "reseller",
  employees: 12,
  budget: 4000,
  currency: "EUR",
  source: "website",
  interest: "analytics",
  message: null,
};
