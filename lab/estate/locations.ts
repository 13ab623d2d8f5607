export type Location = {
  locationId: string
  name: string
  kind: "warehouse" | "store"
  countryCode: string
  city: string
  postalCode: string
  line1: string
  latitude: number
  longitude: number
  timeZone: string
  /** Parcels the place can pack on a day. */
  capacityPerDay: number
  costPerShipmentMinor: number
  currency: "EUR"
  /** The code an ERP would know it by: four characters, as an SAP plant. */
  erpPlant: string
}

type City = readonly [
  name: string,
  country: string,
  postalCode: string,
  latitude: number,
  longitude: number,
  zone: string,
]

// City centres to two decimals: enough for distances between cities.
const warehouseCities: readonly City[] = [
  ["Rotterdam", "NL", "3011 AD", 51.92, 4.48, "Europe/Amsterdam"],
  ["Leipzig", "DE", "04109", 51.34, 12.37, "Europe/Berlin"],
  ["Lyon", "FR", "69002", 45.76, 4.84, "Europe/Paris"],
]

const storeCities: readonly City[] = [
  ["Amsterdam", "NL", "1012 JS", 52.37, 4.9, "Europe/Amsterdam"],
  ["Utrecht", "NL", "3511 LN", 52.09, 5.12, "Europe/Amsterdam"],
  ["Eindhoven", "NL", "5611 AZ", 51.44, 5.48, "Europe/Amsterdam"],
  ["Groningen", "NL", "9712 HN", 53.22, 6.57, "Europe/Amsterdam"],
  ["Antwerp", "BE", "2000", 51.22, 4.4, "Europe/Brussels"],
  ["Brussels", "BE", "1000", 50.85, 4.35, "Europe/Brussels"],
  ["Ghent", "BE", "9000", 51.05, 3.72, "Europe/Brussels"],
  ["Berlin", "DE", "10117", 52.52, 13.4, "Europe/Berlin"],
  ["Hamburg", "DE", "20095", 53.55, 9.99, "Europe/Berlin"],
  ["Munich", "DE", "80331", 48.14, 11.58, "Europe/Berlin"],
  ["Cologne", "DE", "50667", 50.94, 6.96, "Europe/Berlin"],
  ["Frankfurt", "DE", "60311", 50.11, 8.68, "Europe/Berlin"],
  ["Stuttgart", "DE", "70173", 48.78, 9.18, "Europe/Berlin"],
  ["Paris", "FR", "75001", 48.86, 2.35, "Europe/Paris"],
  ["Marseille", "FR", "13001", 43.3, 5.37, "Europe/Paris"],
  ["Lille", "FR", "59000", 50.63, 3.06, "Europe/Paris"],
  ["Bordeaux", "FR", "33000", 44.84, -0.58, "Europe/Paris"],
  ["Vienna", "AT", "1010", 48.21, 16.37, "Europe/Vienna"],
  ["Milan", "IT", "20121", 45.46, 9.19, "Europe/Rome"],
  ["Madrid", "ES", "28013", 40.42, -3.7, "Europe/Madrid"],
]

/** Three warehouses and twenty stores; the same for every seed, so that tests may name them. */
export function createLocations(): Location[] {
  const warehouses = warehouseCities.map((city, index) => locationIn(city, { kind: "warehouse", index }))
  const stores = storeCities.map((city, index) => locationIn(city, { kind: "store", index }))
  return [...warehouses, ...stores]
}

function locationIn(city: City, place: { kind: Location["kind"]; index: number }): Location {
  const [name, countryCode, postalCode, latitude, longitude, timeZone] = city
  const isWarehouse = place.kind === "warehouse"
  return {
    locationId: `${isWarehouse ? "wh" : "store"}-${name.toLowerCase()}`,
    name: `${name} ${isWarehouse ? "warehouse" : "store"}`,
    kind: place.kind,
    countryCode,
    city: name,
    postalCode,
    line1: isWarehouse ? `Dock Road ${place.index + 1}` : `Market Street ${place.index + 1}`,
    latitude,
    longitude,
    timeZone,
    // A store packs between customers: slower and dearer than a warehouse.
    capacityPerDay: isWarehouse ? 40_000 - place.index * 10_000 : 80 + (place.index % 5) * 40,
    costPerShipmentMinor: isWarehouse ? 420 + place.index * 35 : 690 + (place.index % 4) * 40,
    currency: "EUR",
    erpPlant: `${isWarehouse ? "W" : "S"}${String(place.index + 1).padStart(3, "0")}`,
  }
}
