import { createHash } from "node:crypto"
import type { Instant } from "../../base/time.ts"
import type { Price } from "../catalogue/price.ts"
import type { Promotion } from "../catalogue/promotion.ts"
import type { Scope } from "../catalogue/scope.ts"
import type { PickupState } from "../states.ts"
import { saleRef } from "./events.ts"
import { isEffective } from "./receipt-law.ts"
import type { ReceiptLine } from "./receipt-line.ts"
import type { NumberedReceipt } from "./receipt.ts"

/** Kinds of things that a store has of the centre, in the order in which they are read. */
export const snapshotKinds = ["article", "promotion", "stock", "pickup"] as const
/** See `snapshotKinds`. */
export type SnapshotKind = (typeof snapshotKinds)[number]

/** An article with the prices that may hold at a store, those that begin later as well. Key: its product id. */
export interface SnapshotArticle {
  sku: string
  /** SKUs it had before, and its GTINs. */
  names: readonly string[]
  values: readonly { field: string; scope: Scope; value?: unknown; layer: "owned" | "override"; until?: Instant }[]
  prices: readonly (Price & { record: string; source: string; layer: "owned" | "override"; at: Instant })[]
}

/** A promotion that may hold at a store. Its codes are there as hashes. Key: its id. */
export interface SnapshotPromotion {
  promotion: Promotion
  codeHashes?: readonly string[]
}

/** What lies at the store of an article. Key: its SKU. Thousandths. */
export interface SnapshotStock {
  onHandMilli: number
  reservedMilli: number
  /** When somebody counted it last: what was sold before is off. */
  countedAt?: Instant
}

/** What the store gets ready, while it is open. Key: its id. The buyer's name is there only where a buyer collects. */
export interface SnapshotPickup {
  number: string
  method: "pickup" | "ship"
  state: PickupState
  requestedAt: Instant
  readyBy?: Instant
  readyAt?: Instant
  keptUntil?: Instant
  lines: readonly {
    lineId: string
    sku: string
    title: string
    unit: string
    toFindMilli: number
    toHandOverMilli: number
    toPutBackMilli: number
  }[]
  buyer?: string
  asksCode: boolean
  asksId: boolean
  codeHash?: string
}

/** One thing of a page: how it is now, or that the store has it no more. */
export type SnapshotItem = { kind: SnapshotKind; key: string } & ({ body: object } | { gone: true })

/** A page of what a store has of the centre. */
export interface SnapshotPage {
  storeId: string
  currency: string
  /** `whole`: what is in none of its pages is gone. `changes`: what is in none of them is as it was. */
  mode: "whole" | "changes"
  isFirst: boolean
  isLast: boolean
  /** Asks for the next page; after the last one, for what changed since the first. */
  cursor: string
  /** When it was read, by the centre's clock. */
  at: Instant
  items: readonly SnapshotItem[]
  /** Of the sold lines that were asked about, those that are off the stock, with the SKU it was taken off. */
  booked: readonly { fact: string; sku: string }[]
}

/** A line of a receipt that moves goods which are for sale at the store. */
export interface SoldLine {
  /** Under this name it is booked, once. */
  fact: string
  sku: string
  /** Less than zero: it came back and is for sale. */
  milli: number
}

/** Whether a line moves goods in the books of stock. What is handed over for an order of ours is booked with its shipment. */
export function movesStock({ as = "goods", sku, quantityMilli, orderId, returned }: ReceiptLine): boolean {
  return (
    as === "goods" &&
    sku !== undefined &&
    quantityMilli !== 0 &&
    orderId === undefined &&
    returned?.disposition !== "gone"
  )
}

/** Whether a receipt moves goods: a sale that was completed, or the void of one. */
export function movesGoods(receipt: NumberedReceipt): boolean {
  return (receipt.kind === "sale" || receipt.kind === "void") && isEffective(receipt)
}

/** By which fact the books know a receipt. */
export function saleFact(receipt: NumberedReceipt, digest: string): string {
  return `${saleRef(receipt)}:${digest}`
}

/** What a receipt takes off what is for sale at its store, and gives back to it. What came back to be looked at is not for sale. */
export function soldLines(receipt: NumberedReceipt, digest: string): SoldLine[] {
  const { lines = [] } = receipt
  if (!movesGoods(receipt)) return []
  const fact = saleFact(receipt, digest)
  return lines.filter(movesStock).flatMap(({ lineId, sku = "", quantityMilli, returned }) => {
    const isAway = quantityMilli < 0 && (returned?.disposition ?? "sell here") !== "sell here"
    return isAway ? [] : [{ fact: `${fact}:${lineId}`, sku, milli: quantityMilli }]
  })
}

/** By this a store knows a promotion's code again without having it. */
export function promotionCodeHash(promotionId: string, code: string): string {
  return createHash("sha256").update(`${promotionId}\n${code}`).digest("base64url")
}
