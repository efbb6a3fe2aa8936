/** Which way a lead goes, by customer type and tier, and who looks after it, by team and country. */
import type { CustomerType } from "./customer-types.ts";
import type { Lead } from "./leads.ts";
import type { Tier } from "./scoring.ts";
import { hashOf } from "./seeded.ts";

export type Path =
  "spam" | "customer" | "key-account" | "regulated" | "sales" | "partner" | "channel" | "grant" | "self-serve";

/** The way of each customer type while its lead is hot, warm or cold. */
export const ROUTES: Readonly<Record<CustomerType, Readonly<Record<Exclude<Tier, "spam">, Path>>>> = {
  enterprise: { hot: "key-account", warm: "key-account", cold: "sales" },
  "mid-market": { hot: "key-account", warm: "sales", cold: "sales" },
  "small-business": { hot: "sales", warm: "sales", cold: "self-serve" },
  startup: { hot: "partner", warm: "partner", cold: "self-serve" },
  agency: { hot: "partner", warm: "partner", cold: "partner" },
  reseller: { hot: "channel", warm: "channel", cold: "channel" },
  "public-sector": { hot: "key-account", warm: "regulated", cold: "regulated" },
  education: { hot: "grant", warm: "grant", cold: "grant" },
  healthcare: { hot: "regulated", warm: "regulated", cold: "regulated" },
  nonprofit: { hot: "grant", warm: "grant", cold: "grant" },
  freelancer: { hot: "sales", warm: "self-serve", cold: "self-serve" },
  private: { hot: "self-serve", warm: "self-serve", cold: "self-serve" },
};

export function pathOf(type: CustomerType, tier: Tier, existingCustomer: boolean): Path {
  if (tier === "spam") return "spam";
  return existingCustomer ? "customer" : ROUTES[type][tier];
}

export const TEAMS = ["key accounts", "sales", "partners", "channel", "customer success"] as const;
export type Team = (typeof TEAMS)[number];

export interface Owner {
  readonly name: string;
  readonly email: string;
  readonly team: Team;
}

type Region = "dach" | "west" | "north-east" | "overseas";

const REGIONS: Readonly<Record<string, Region>> = {
  DE: "dach",
  AT: "dach",
  CH: "dach",
  FR: "west",
  GB: "west",
  ES: "west",
  IT: "west",
  IE: "west",
  PL: "north-east",
  SE: "north-east",
};

/** Who works in which team and region; two names share a region's leads. */
const STAFF: Readonly<Record<Team, Readonly<Record<Region, readonly string[]>>>> = {
  "key accounts": {
    dach: ["Greta Lindner"],
    west: ["Hugo Marchand"],
    "north-east": ["Ewa Zielińska"],
    overseas: ["Dana Whitfield"],
  },
  sales: {
    dach: ["Timo Brandt", "Lea Steiner"],
    west: ["Inés Robles", "Owen Clarke"],
    "north-east": ["Kasper Lund"],
    overseas: ["Ravi Menon", "Jade Brooks"],
  },
  partners: {
    dach: ["Nils Albrecht"],
    west: ["Camille Roux"],
    "north-east": ["Nils Albrecht"],
    overseas: ["Marta Reyes"],
  },
  channel: {
    dach: ["Sabine Kurz"],
    west: ["Paolo Conti"],
    "north-east": ["Sabine Kurz"],
    overseas: ["Ken Ishida"],
  },
  "customer success": {
    dach: ["Mira Vogel"],
    west: ["Tom Ashby"],
    "north-east": ["Mira Vogel"],
    overseas: ["Lina Haddad"],
  },
};

/** The same lead always gets the same owner: a new attempt must not pass it to somebody else. */
export function ownerOf(lead: Pick<Lead, "email" | "country">, team: Team): Owner {
  const names = STAFF[team][REGIONS[lead.country] ?? "overseas"];
  const name = names[hashOf(lead.email) % names.length]!;
  return { name, email: `${mailName(name)}@tenfold.example`, team };
}

function mailName(name: string): string {
  return name
    .toLowerCase()
    .normalize("NFD")
    .replace(/[^a-z ]/g, "")
    .replaceAll(" ", ".");
}
