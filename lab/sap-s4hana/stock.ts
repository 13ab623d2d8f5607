import type { Company } from "./company.ts"
import type { Entity } from "./odata/entities.ts"
import { materialNumber } from "./company.ts"
import { decimalOf } from "./decimals.ts"
import { scaled } from "./decimals.ts"

const stockScale = 3

/** Rows of a material in a plant: in batches, for single orders, in other stock types. By default it is unrestricted, and of nobody. */
type StockKind = {
  storageLocation?: string
  stockType?: string
  batch?: string
  specialStock?: string
  salesOrder?: string
}

export type OpeningStock = StockKind & { material: string; plant: string; quantityMilli: number }

/**
 * Stores unrestricted-use stock (type 01). A material's rows are written when it is first read: a retailer has tens of
 * thousands, and most are never read. A restored material has its own rows.
 */
export function openStock(company: Company, opening: readonly OpeningStock[]): void {
  const { sets } = company
  const unopened = new Map<string, OpeningStock[]>()
  for (const row of opening) {
    if (row.quantityMilli === 0 || sets.materialStock.has({ Material: row.material })) continue
    const material = materialNumber(row.material)
    const rows = unopened.get(material)
    if (rows === undefined) unopened.set(material, [row])
    else rows.push(row)
  }
  const openOne = (named: string): void => {
    const material = materialNumber(named)
    const rows = unopened.get(material) ?? []
    unopened.delete(material)
    for (const row of rows) addStock(company, { ...row, material, quantityMilli: BigInt(row.quantityMilli) })
  }
  const open = (material: string | undefined): void => {
    if (material !== undefined) openOne(material)
    else for (const each of unopened.keys()) openOne(each)
  }
  sets.materialStock.beforeRead({ field: "Material", read: open })
  sets.stockRows.beforeRead({ field: "Material", read: open })
}

/** Adds to (or takes from) the stock of a material in a plant. */
export function moveStock(company: Company, move: StockMove): void {
  addStock(company, move)
  company.changed(company.sets.materialStock.get({ Material: move.material }))
}

type StockMove = StockKind & { material: string; plant: string; quantityMilli: bigint }

function addStock(company: Company, move: StockMove): void {
  const row = stockRow(company, move)
  const before = scaled(row.fields["MatlWrhsStkQtyInMatlBaseUnit"], stockScale) ?? 0n
  row.fields["MatlWrhsStkQtyInMatlBaseUnit"] = decimalOf(before + move.quantityMilli, stockScale)
}

function stockRow(company: Company, { material, plant, ...kind }: StockMove): Entity {
  const { sets } = company
  const keys = {
    Material: material,
    Plant: plant,
    StorageLocation: kind.storageLocation ?? "0001",
    InventoryStockType: kind.stockType ?? "01",
    Batch: kind.batch ?? "",
    InventorySpecialStockType: kind.specialStock ?? "",
    SDDocument: kind.salesOrder ?? "",
  }
  const found = sets.stockRows.find(keys)
  if (found !== undefined) return found
  const version = { ms: 0 }
  const unit = company.material(material)?.unit ?? "EA"
  const header =
    sets.materialStock.find({ Material: material }) ??
    sets.materialStock.add({ Material: material, MaterialBaseUnit: unit }, version)
  const row = sets.stockRows.add(
    {
      ...keys,
      Supplier: "",
      Customer: "",
      WBSElementInternalID: "0",
      SDDocumentItem: "0",
      MaterialBaseUnit: unit,
      MatlWrhsStkQtyInMatlBaseUnit: "0.000",
    },
    version,
  )
  ;(header.children["to_MatlStkInAcctMod"] ??= []).push(row)
  return row
}
