/** The words that the made-up leads are put together from: people and firms of many countries, what they ask for. */
import type { CustomerType } from "./customer-types.ts";

export interface Country {
  readonly code: string;
  /** How many of a hundred leads come from here, roughly. */
  readonly weight: number;
  readonly dial: string;
  readonly currency: string;
  /** One that begins with a comma joins the firm's name without a blank. */
  readonly legalForms: readonly string[];
  readonly given: readonly string[];
  readonly family: readonly string[];
}

/** Names in scripts that have no plain Latin form stand in full, each with the form that an e-mail address takes. */
export const FULL_NAMES: Readonly<Record<string, readonly (readonly [name: string, login: string])[]>> = {
  CN: [
    ["王伟", "wang.wei"],
    ["李娜", "li.na"],
    ["张敏", "zhang.min"],
    ["刘洋", "liu.yang"],
    ["陈静", "chen.jing"],
  ],
  JP: [
    ["佐藤 健", "sato.ken"],
    ["鈴木 由美", "suzuki.yumi"],
    ["高橋 翔太", "takahashi.shota"],
    ["田中 さくら", "tanaka.sakura"],
  ],
};

export const COUNTRIES: readonly Country[] = [
  {
    code: "DE",
    weight: 18,
    dial: "+49",
    currency: "EUR",
    legalForms: ["GmbH", "AG", ", Söhne & Co. KG", "eG"],
    given: ["Anna", "Jürgen", "Zoë", "Lukas", "Käthe", "Mehmet", "Björn", "Sophie"],
    family: ["Müller", "Weiß", "Schröder", "Yılmaz", "Hoffmann", "Größer", "von Berg"],
  },
  {
    code: "US",
    weight: 14,
    dial: "+1",
    currency: "USD",
    legalForms: ["Inc.", ", LLC", "Partners, LLC", "Corp."],
    given: ["Emily", "Jamal", "Grace", "Michael", "Aaliyah", "Noah", "Shanice"],
    family: ["Johnson", "O'Brien", "Washington", "Nguyen", "Miller", "García", "Kowalski"],
  },
  {
    code: "FR",
    weight: 10,
    dial: "+33",
    currency: "EUR",
    legalForms: ["SARL", "SAS", "et Fils"],
    given: ["François", "Chloé", "Benoît", "Léa", "Anaïs", "Karim"],
    family: ["Lefèvre", "Dubois", "Noël", "Benali", "Gauthier", "D'Arcy"],
  },
  {
    code: "GB",
    weight: 10,
    dial: "+44",
    currency: "GBP",
    legalForms: ["Ltd", "plc", ", Hughes & Daughters Ltd", "LLP"],
    given: ["Oliver", "Siân", "Priya", "Callum", "Charlotte", "Tomiwa"],
    family: ["Smith", "Ó Briain", "Patel", "MacLeod", "Okafor", "Hughes"],
  },
  {
    code: "PL",
    weight: 8,
    dial: "+48",
    currency: "PLN",
    legalForms: ["Sp. z o.o.", "S.A."],
    given: ["Łukasz", "Małgorzata", "Jan", "Żaneta", "Paweł"],
    family: ["Wiśniewski", "Dąbrowska", "Nowak", "Żółkowski", "Kamińska"],
  },
  {
    code: "ES",
    weight: 8,
    dial: "+34",
    currency: "EUR",
    legalForms: ["S.L.", "S.A.", "e Hijos, S.L."],
    given: ["Íñigo", "Lucía", "Martín", "Begoña", "José"],
    family: ["Ñuñez", "García Peña", "Muñoz", "Ibáñez", "Fernández"],
  },
  {
    code: "CH",
    weight: 5,
    dial: "+41",
    currency: "CHF",
    legalForms: ["AG", "GmbH", "Sàrl"],
    given: ["Reto", "Céline", "Urs", "Noëlle"],
    family: ["Zürcher", "Müller", "Rochat", "Bünzli"],
  },
  {
    code: "SE",
    weight: 5,
    dial: "+46",
    currency: "SEK",
    legalForms: ["AB", "och Söner AB"],
    given: ["Åsa", "Göran", "Linnéa", "Nils"],
    family: ["Öberg", "Sjöström", "Åkesson", "Lind"],
  },
  {
    code: "IT",
    weight: 5,
    dial: "+39",
    currency: "EUR",
    legalForms: ["S.r.l.", "S.p.A."],
    given: ["Niccolò", "Giulia", "Matteo", "Chiara"],
    family: ["Rossi", "D'Angelo", "Ferrà", "Bianchi"],
  },
  {
    code: "CA",
    weight: 4,
    dial: "+1",
    currency: "CAD",
    legalForms: [", Inc.", "Ltée"],
    given: ["Étienne", "Maya", "Liam", "Amélie"],
    family: ["Tremblay", "Singh", "Côté", "MacDonald"],
  },
  {
    code: "BR",
    weight: 4,
    dial: "+55",
    currency: "BRL",
    legalForms: ["Ltda.", "S.A."],
    given: ["João", "Conceição", "Thaís", "Otávio"],
    family: ["Gonçalves", "Araújo", "Simões", "Peixoto"],
  },
  {
    code: "IN",
    weight: 4,
    dial: "+91",
    currency: "INR",
    legalForms: ["Pvt. Ltd.", "LLP"],
    given: ["Aarav", "Divya", "Rohan", "Lakshmi"],
    family: ["Sharma", "Iyer", "Khan", "Chatterjee"],
  },
  { code: "CN", weight: 3, dial: "+86", currency: "CNY", legalForms: ["有限公司", "Co., Ltd."], given: [], family: [] },
  { code: "JP", weight: 2, dial: "+81", currency: "JPY", legalForms: ["株式会社", "K.K."], given: [], family: [] },
];

/** What firms of a type are called before the legal form, and how many people and how much money (EUR) they bring. */
export interface TypeWords {
  readonly weight: number;
  readonly nouns: readonly string[];
  readonly employees: readonly [least: number, most: number];
  readonly budgetEur: readonly [least: number, most: number];
}

export const TYPE_WORDS: Readonly<Record<CustomerType, TypeWords>> = {
  enterprise: { weight: 7, nouns: ["Group", "Holding", "Global"], employees: [1500, 60_000], budgetEur: [8e4, 9e5] },
  "mid-market": { weight: 12, nouns: ["Logistics", "Foods", "Tools"], employees: [180, 1500], budgetEur: [2e4, 2e5] },
  "small-business": { weight: 16, nouns: ["Bakery", "Joinery", "Print"], employees: [3, 90], budgetEur: [900, 2e4] },
  startup: { weight: 11, nouns: ["Labs", "Robotics", "Cloud"], employees: [2, 60], budgetEur: [1500, 4e4] },
  agency: { weight: 9, nouns: ["Studio", "Media", "Design"], employees: [3, 120], budgetEur: [3000, 6e4] },
  reseller: { weight: 7, nouns: ["Systems", "Trading", "IT"], employees: [8, 400], budgetEur: [8000, 1.5e5] },
  "public-sector": { weight: 7, nouns: ["City", "Transit", "Water"], employees: [90, 9000], budgetEur: [2e4, 5e5] },
  education: { weight: 8, nouns: ["University", "School", "Academy"], employees: [30, 4000], budgetEur: [2000, 8e4] },
  healthcare: { weight: 7, nouns: ["Clinic", "Care", "Diagnostics"], employees: [25, 6000], budgetEur: [9000, 3e5] },
  nonprofit: { weight: 6, nouns: ["Relief", "Foundation", "Rivers"], employees: [4, 300], budgetEur: [500, 2e4] },
  freelancer: { weight: 6, nouns: ["Consulting", "Atelier", "Texts"], employees: [1, 1], budgetEur: [200, 4000] },
  private: { weight: 4, nouns: [], employees: [1, 1], budgetEur: [50, 900] },
};

export const FIRM_NAMES: readonly string[] =
  "Nordlicht Falke Alpina Bluewater Corvus Delta Evergreen Firefly Granit Harbour Ibis Juniper Kestrel Lumen Meridian Nova Orchard Pelican Quartz Redwood Saffron Tundra Umbra Vesper Willow Zenith Ärmel Öland Éclair Żubr".split(
    " ",
  );

export const SOURCES = ["website", "trade-fair", "referral", "webinar", "search-ad", "newsletter", "partner", "phone"];

export const INTERESTS = ["analytics", "automation", "integration", "reporting", "training", "migration", "support"];

/** `{interest}` and `{firm}` are filled in; some hold what a CSV reader must survive: commas, quotes, line breaks. */
export const MESSAGES: readonly string[] = [
  "We are comparing vendors for {interest} and need an offer by the end of the month.",
  "Could you call me back about {interest}, please?",
  'A colleague said you are "the only ones who answer", so here I am. It is about {interest}.',
  "Hello,\nwe saw your demo and have three questions about {interest}:\n1. price, 2. start, 3. support.",
  "Please send the price list, the security questionnaire and a reference in our sector.",
  "The budget of {firm} is approved; we would like to start with {interest}, then add the rest.",
  "",
];

/** Half of the people of these countries write in their own language. */
export const LOCAL_MESSAGES: Readonly<Record<string, readonly string[]>> = {
  DE: [
    "Wir suchen für {firm} eine Lösung rund um {interest}, möglichst noch dieses Jahr.",
    "Bitte um Rückruf,\nam besten vormittags.\nEs geht um {interest}.",
  ],
  CH: ["Grüezi, wir hätten gern eine Offerte für {interest}, gültig bis Ende Monat."],
  FR: ["Bonjour, nous voudrions une démonstration de votre offre « {interest} »."],
  CA: ["Bonjour, {firm} aimerait recevoir vos tarifs pour « {interest} », s'il vous plaît."],
  ES: ["Necesitamos una oferta de {interest} para {firm}, con precios por año."],
  PL: ["Proszę o kontakt w sprawie: {interest}. Najlepiej rano, przed dziesiątą."],
  IT: ["Vorremmo un preventivo per {interest}, più una prova di 30 giorni."],
  BR: ["Olá, a {firm} precisa de uma proposta de {interest}, com suporte em português."],
  CN: ["您好，我们想了解 {interest} 的报价。"],
  JP: ["{interest} の資料を送ってください。よろしくお願いします。"],
};

export const SPAM_MESSAGES: readonly string[] = [
  "Boost your ranking! Visit https://seo.example/a and https://seo.example/b, 100% GUARANTEED.",
  "You have been selected. CLAIM YOUR PRIZE: http://prize.example/now http://prize.example/again",
  "Cheap followers, crypto bonus, no risk: https://coins.example , https://coins.example/x",
  "Dear sir, I offer backlinks and casino traffic. Best price, best price, best price.",
];

export const DISPOSABLE_HOSTS = ["trashbox.example", "ten-minutes.example", "throwaway.example"];

export const MAILBOX_HOSTS = ["post.example", "inbox.example", "mail.example.com", "briefkasten.example.org"];
