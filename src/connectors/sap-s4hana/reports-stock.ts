import { AppError } from "../../base/errors.ts"
import { own } from "../../base/lookup.ts"
import { quantityFromDecimal } from "../../base/quantity.ts"
import { instant, type Clock } from "../../base/time.ts"
import type { ReportsStock, StockPage } from "../../ports/capabilities/stock.ts"
import { literal, rowsOf, textOf, textOrNone } from "../../protocols/odata-v2.ts"
import type { SapClient } from "./client.ts"
import type { SapSettings } from "./settings.ts"

// SAP Business Accelerator Hub, API_MATERIAL_STOCK_SRV 1.0.0, entity A_MatlStkInAcctMod: a row for each material, plant, storage location,
// batch, supplier, customer, project, sales document item, special stock and stock type.
const service = "/API_MATERIAL_STOCK_SRV/A_MatlStkInAcctMod"
const pageSize = 1000
/** Stock type 01 is unrestricted use; 02 is in inspection, 07 blocked (domain VALUES of InventoryStockType). */
const unrestricted = "01"

/**
 * Reads what can be used of a plant: unrestricted, and nobody's special stock. What is made or kept for one sales order, lies with a
 * customer or belongs to a supplier is none of ours to sell. Orders are not taken off: SAP lowers stock with the goods issue.
 */
export function reportsStock({
  client,
  settings,
  clock,
}: {
  client: SapClient
  settings: SapSettings
  clock: Clock
}): ReportsStock {
  return {
    async readStock({ locationId, cursor = "0" }, call) {
      const plant = own(settings.plants, locationId)
      if (plant === undefined) throw new AppError("CONFIG_INVALID", `no plant stands for ${locationId}`)
      // The service has no time of its own; what is booked while it answers is in the next reading.
      const asOf = instant(clock.now())
      const filter = encodeURIComponent(
        `Plant eq ${literal(plant)} and InventoryStockType eq ${literal(unrestricted)} and InventorySpecialStockType eq ''`,
      )
      const path = `${service}?$filter=${filter}&$orderby=Material&$top=${pageSize}&$skip=${cursor}`
      const rows = rowsOf(await client.get(path, call))
      return pageOf(rows, { asOf, skip: Number(cursor) })
    },
  }
}

/** The page of some rows. A material's rows may go on behind the last one, so the last material is left to the next page. */
function pageOf(rows: readonly unknown[], { asOf, skip }: { asOf: string; skip: number }): StockPage {
  const last = rows.at(-1)
  const isFull = rows.length === pageSize
  const lastMaterial = isFull && last !== undefined ? textOf(last, "Material") : undefined
  const whole = rows.filter((row) => textOf(row, "Material") !== lastMaterial)
  // A material with more rows than a page has is taken as far as it is read.
  const taken = whole.length > 0 ? whole : rows
  const sums = new Map<string, { milli: number; unit: string }>()
  for (const row of taken) {
    const sku = textOf(row, "Material")
    // Stock that was made for one sales order has its number and may come without the mark of special stock.
    const isOfOrder = textOrNone(row, "SDDocument") !== ""
    const unit = textOf(row, "MaterialBaseUnit").toLowerCase()
    const text = textOf(row, "MatlWrhsStkQtyInMatlBaseUnit")
    // A plant may allow stock below nothing.
    const { milli: size } = quantityFromDecimal(text.replace("-", ""), unit)
    const milli = text.includes("-") ? -size : size
    const sum = sums.get(sku) ?? { milli: 0, unit }
    sums.set(sku, { unit, milli: sum.milli + (isOfOrder ? 0 : milli) })
  }
  return {
    asOf,
    levels: [...sums].map(([sku, onHand]) => ({ sku, onHand })),
    ...(isFull ? { next: String(skip + taken.length) } : {}),
  }
}
