import type { Random } from "../random.ts"
import { randomStream } from "../random.ts"

export type PostalAddress = {
  name: string
  line1: string
  line2?: string
  postalCode: string
  city: string
  region?: string
  countryCode: string
  phone?: string
}

export type Customer = {
  customerId: string
  name: string
  email: string
  ipAddress: string
  address: PostalAddress
  /** The number the ERP knows a business customer by; consumers have none of their own. */
  erpCustomer?: string
}

const givenNames = [
  "Ada",
  "Jonas",
  "Élodie",
  "Mátyás",
  "Sofía",
  "Lars",
  "Zoë",
  "Noor",
  "Piotr",
  "Giulia",
  "Søren",
  "Inês",
]
const familyNames = [
  "Jansen",
  "Müller",
  "Lefèvre",
  "García",
  "Rossi",
  "O'Brien",
  "Nowak",
  "Çelik",
  "van den Berg",
  "Ek",
]
const streets = ["Station Road", "Rue de la Paix", "Hauptstraße", "Via Roma", "Calle Mayor", "Kerkstraat"]

type Town = readonly [city: string, countryCode: string, postalCode: string, region?: string]
const towns: readonly Town[] = [
  ["Rotterdam", "NL", "3011 AD"],
  ["Haarlem", "NL", "2011 RD"],
  ["Leuven", "BE", "3000"],
  ["Dresden", "DE", "01067"],
  ["Bonn", "DE", "53111"],
  ["Nantes", "FR", "44000"],
  ["Nice", "FR", "06000"],
  ["Graz", "AT", "8010"],
  ["Turin", "IT", "10121", "TO"],
  ["Valencia", "ES", "46001", "V"],
]
/** Outside the EU: other tax, other postcodes, or none at all. */
const foreignTowns: readonly Town[] = [
  ["New York", "US", "10001", "NY"],
  ["Austin", "US", "78701", "TX"],
  ["Toronto", "CA", "M5H 2N2", "ON"],
  ["London", "GB", "SW1A 1AA"],
  ["Osaka", "JP", "530-0001", "27"],
  ["Kuwait City", "KW", "13001"],
  ["Zürich", "CH", "8001"],
]

/** The first customers are the same whatever the count. */
export function createCustomers({ seed, count = 500 }: { seed: number; count?: number }): Customer[] {
  const random = randomStream(seed, "estate/customers")
  return Array.from({ length: count }, (_, index) => customerAt(index, random))
}

function customerAt(index: number, random: Random): Customer {
  const name = `${random.pick(givenNames)} ${random.pick(familyNames)}`
  const [city, countryCode, postalCode, region] = random.chance(0.1) ? random.pick(foreignTowns) : random.pick(towns)
  const line2 = random.chance(0.2) ? `Apartment ${random.integer(1, 60)}` : undefined
  const phone = random.chance(0.85) ? `+31 10 ${String(random.integer(0, 9_999_999)).padStart(7, "0")}` : undefined
  const isBusiness = random.chance(0.05)
  return {
    customerId: `cust-${String(index + 1).padStart(5, "0")}`,
    name,
    email: `customer${index + 1}@shop.example`,
    // 198.51.100.0/24 is for documentation (RFC 5737).
    ipAddress: `198.51.100.${random.integer(1, 254)}`,
    address: {
      name,
      line1: `${random.pick(streets)} ${random.integer(1, 220)}`,
      ...(line2 === undefined ? {} : { line2 }),
      postalCode,
      city,
      ...(region === undefined ? {} : { region }),
      countryCode,
      ...(phone === undefined ? {} : { phone }),
    },
    ...(isBusiness ? { erpCustomer: String(10_100_000 + index) } : {}),
  }
}
