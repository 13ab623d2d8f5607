import type { FastifyInstance } from "fastify"
import type { Simulator, VendorOptions } from "../simulator.ts"
import { startSimulator } from "../simulator.ts"
import type { Estate } from "./estate.ts"
import { createOpeningStock } from "./stock.ts"

/** The data of the retailer that a connector test or a demo needs. */
export function serveEstate(estate: Estate, options: VendorOptions): Promise<Simulator> {
  return startSimulator({
    ...options,
    name: "estate",
    routes: (app) => {
      addEstateRoutes(app, estate)
      return { books: () => ({ skus: estate.skus, locations: estate.locations }), reset: () => {} }
    },
  })
}

function addEstateRoutes(app: FastifyInstance, estate: Estate): void {
  const { seed, skus, locations } = estate
  app.get("/__lab/estate", () => estate)
  app.get("/__lab/estate/locations", () => ({ seed, locations }))
  // The whole stock is six megabytes of JSON; one location is a fraction of it.
  app.get<{ Params: { locationId: string } }>("/__lab/estate/stock/:locationId", (request) => {
    const place = locations.filter(({ locationId }) => locationId === request.params.locationId)
    return { stock: createOpeningStock({ seed, skus, locations: place }) }
  })
}
