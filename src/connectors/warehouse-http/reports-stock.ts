import type { ReportsStock } from "../../ports/capabilities/stock.ts"
import type { HouseClient } from "../../protocols/house-http.ts"
import { readStockAnswer } from "./payloads.ts"

const pageSize = 500

/** Reads what stands on the shelves of a place, reserved or not. */
export function reportsStock(client: HouseClient): ReportsStock {
  return {
    async readStock({ locationId, cursor }, call) {
      const after = cursor === undefined ? "" : `&after=${encodeURIComponent(cursor)}`
      const path = `/stock?locationId=${encodeURIComponent(locationId)}&limit=${pageSize}${after}`
      const { body } = await client.send({ method: "GET", path, call })
      const { asOf, rows, next } = readStockAnswer(body)
      return {
        asOf,
        levels: rows.map(({ sku, onHandMilli: milli, unit }) => ({ sku, onHand: { milli, unit } })),
        ...(next === undefined ? {} : { next }),
      }
    },
  }
}
