import { AppError } from "../../../base/errors.ts"
import type { Money } from "../../../base/money.ts"
import type { Call } from "../../../ports/write.ts"
import { objectOf, type TrytonClient } from "../client.ts"
import { idOf, idsOf, moneyOf, rowsOf, textOf } from "../payloads.ts"
import type { TrytonSettings } from "../settings.ts"

export interface TrytonOptions {
  client: TrytonClient
  settings: TrytonSettings
  system: string
}

export type Context = Omit<Call, "key">

/** A sale as the books hold it. */
export interface Sale {
  id: number
  number: string
  reference: string
  state: string
  untaxed: Money
  shipments: number[]
  invoices: number[]
  lines: number[]
  /** Where the goods go, in words. */
  comment: string
}

// `currency` of a sale is its own, and need not be the company's (trytond modules/sale/sale.py, 6.0); its `code` is ISO 4217.
const fields = [
  "number",
  "state",
  "reference",
  "untaxed_amount",
  "currency.code",
  "shipments",
  "invoices",
  "lines",
  "comment",
]

/**
 * The sale that carries a reference of ours. Tryton accepts a reference twice. Two live sales are an error for a
 * person. A cancelled sale is a duplicate that a person has dealt with, or an order that was undone.
 */
export async function findSale(reference: string, call: Context, options: TrytonOptions): Promise<Sale | undefined> {
  const sales = await salesWhere(["reference", "=", reference], call, options)
  const live = sales.filter(({ state }) => state !== "cancelled")
  if (live.length > 1)
    throw new AppError("VENDOR_MISBEHAVED", `sales ${live.map(({ id }) => id).join(" and ")} both carry ${reference}`, {
      data: { sales: live.map(({ id }) => id) },
    })
  return live[0] ?? sales[0]
}

/** Sales that fit one clause of Tryton's domains, the oldest first. */
export async function salesWhere(
  clause: readonly [string, string, string],
  call: Context,
  { client }: TrytonOptions,
): Promise<Sale[]> {
  const params = [[clause], 0, 10, [["id", "ASC"]], fields]
  return rowsOf(await client.read("model.sale.sale.search_read", params, call)).map((row) => ({
    id: idOf(row),
    number: typeof row["number"] === "string" ? row["number"] : "",
    reference: typeof row["reference"] === "string" ? row["reference"] : "",
    state: textOf(row, "state"),
    untaxed: moneyOf(row, "untaxed_amount", textOf(objectOf(row["currency."]), "code")),
    shipments: idsOf(row, "shipments"),
    invoices: idsOf(row, "invoices"),
    lines: idsOf(row, "lines"),
    comment: typeof row["comment"] === "string" ? row["comment"] : "",
  }))
}

/** The sale that an earlier step of the order booked. */
export async function bookedSale(orderId: string, call: Context, options: TrytonOptions): Promise<Sale> {
  const sale = await findSale(orderId, call, options)
  if (!sale || sale.state === "cancelled")
    throw new AppError("VENDOR_REJECTED", `no live sale carries the reference ${orderId}`)
  return sale
}

/**
 * Changes a record by one of its buttons and reads its state back. For a button that does not apply Tryton returns 200
 * and does nothing, so the status alone proves nothing. If the expected state is not reached: VENDOR_CONFLICT.
 */
export async function press(
  client: TrytonClient,
  button: { model: string; id: number; name: string; leadsTo: readonly string[] },
  call: Context,
): Promise<string> {
  const { model, id, name, leadsTo } = button
  await client.write(`model.${model}.${name}`, [[id]], call)
  const state = await stateOf(client, { model, id }, call)
  if (leadsTo.includes(state)) return state
  throw new AppError("VENDOR_CONFLICT", `${model} ${id} is ${state} after "${name}", not ${leadsTo.join(" or ")}`, {
    data: { state },
  })
}

/** The state of one record. */
export async function stateOf(
  client: TrytonClient,
  { model, id }: { model: string; id: number },
  call: Context,
): Promise<string> {
  const [row] = rowsOf(await client.read(`model.${model}.read`, [[id], ["state"]], call))
  if (!row) throw new AppError("VENDOR_MISBEHAVED", `${model} ${id} is gone`)
  return textOf(row, "state")
}
