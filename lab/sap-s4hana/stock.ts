import type { Company } from "./company.ts"
import type { Entity } from "./odata/entities.ts"
import { decimalOf } from "./decimals.ts"
import { scaled } from "./decimals.ts"

const stockScale = 3

/** Puts unrestricted-use stock (type 01) into the books. */
export function setStock(
  company: Company,
  rows: readonly { material: string; plant: string; quantityMilli: number }[],
): void {
  for (const row of rows) {
    if (row.quantityMilli !== 0) moveStock(company, { ...row, quantityMilli: BigInt(row.quantityMilli) })
  }
}

/** Adds to (or takes from) the stock of a material in a plant. */
export function moveStock(company: Company, move: { material: string; plant: string; quantityMilli: bigint }): void {
  const row = stockRow(company, move.material, move.plant)
  const before = scaled(row.fields["MatlWrhsStkQtyInMatlBaseUnit"], stockScale) ?? 0n
  row.fields["MatlWrhsStkQtyInMatlBaseUnit"] = decimalOf(before + move.quantityMilli, stockScale)
}

function stockRow(company: Company, material: string, plant: string): Entity {
  const { sets, master } = company
  const keys = { Material: material, Plant: plant, StorageLocation: "0001", InventoryStockType: "01" }
  const found = sets.stockRows.find(keys)
  if (found !== undefined) return found
  const version = { ms: 0 }
  const unit = master.materials.get(material)?.unit ?? "EA"
  const header =
    sets.materialStock.find({ Material: material }) ??
    sets.materialStock.add({ Material: material, MaterialBaseUnit: unit }, version)
  const row = sets.stockRows.add(
    {
      ...keys,
      Batch: "",
      Supplier: "",
      Customer: "",
      WBSElementInternalID: "0",
      SDDocument: "",
      SDDocumentItem: "0",
      InventorySpecialStockType: "",
      MaterialBaseUnit: unit,
      MatlWrhsStkQtyInMatlBaseUnit: "0.000",
    },
    version,
  )
  ;(header.children["to_MatlStkInAcctMod"] ??= []).push(row)
  return row
}
