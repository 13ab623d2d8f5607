import { AppError } from "../../base/errors.ts"
import type { BusinessDate } from "../../base/time.ts"
import { quantityToDecimal } from "../../base/quantity.ts"
import type { RecordedDelivery, RecordsDeliveries } from "../../ports/capabilities/books.ts"
import { reference, type Call } from "../../ports/write.ts"
import { linesInAll } from "../../protocols/lines-in-all.ts"
import { day, idOf, rowsOf, textOf } from "./payloads.ts"
import { bookedSale, press, type Sale, type TrytonOptions } from "./sales/sale.ts"

type Context = Omit<Call, "key">
type Input = Parameters<RecordsDeliveries["recordDelivery"]["send"]>[0]

interface Delivery {
  id: number
  number: string
  state: string
}

type MarkedDelivery = Delivery & { reference: unknown }

const model = "stock.shipment.out"
const fields = ["number", "state", "reference"]

/**
 * Marks the sale's own shipment with our key, gives it the day on which the goods left, then assigns, picks, packs and completes it. Only "done" records in the
 * books that goods left.
 *
 * Nothing is picked unless the stock could be assigned: Tryton also picks a waiting shipment and lets stock become
 * negative (seen).
 */
export function recordsDeliveries(options: TrytonOptions): RecordsDeliveries {
  const { client } = options
  return {
    recordDelivery: {
      settleMs: 10_000,
      async probe({ orderId }, call) {
        const sale = await bookedSale(orderId, call, options)
        const found = marked(await readDeliveries(sale, call, options), call.key)
        return found?.state === "done" ? recorded(found, options) : undefined
      },
      async send(input, call) {
        const sale = await bookedSale(input.orderId, call, options)
        const all = await readDeliveries(sale, call, options)
        const found = marked(all, call.key) ?? (await takeWaiting(all, input, { sale, call, options }))
        await walkToDone(found, { call, options, postingDate: input.postingDate })
        return recorded(found, options)
      },
    },
  }

  async function walkToDone(
    delivery: Delivery,
    { call, options: { system }, postingDate }: { call: Context; options: TrytonOptions; postingDate: BusinessDate },
  ): Promise<void> {
    const at = { model, id: delivery.id }
    if (delivery.state === "done") return
    // Without a date of its own Tryton takes the day of the call. A day that was refused before is replaced.
    await client.write(`model.${model}.write`, [[delivery.id], { effective_date: day(postingDate) }], call)
    if (delivery.state === "draft") await press(client, { ...at, name: "wait", leadsTo: ["waiting"] }, call)
    if (delivery.state === "draft" || delivery.state === "waiting") {
      const isAssigned = await client.write(`model.${model}.assign_try`, [[delivery.id]], call)
      if (isAssigned !== true)
        throw new AppError("VENDOR_REJECTED", `${system} has too little stock to assign shipment ${delivery.number}`)
    }
    // Each call does nothing unless the one before it succeeded, so the last state proves all of them.
    for (const name of ["pick", "pack"]) await client.write(`model.${model}.${name}`, [[delivery.id]], call)
    await press(client, { ...at, name: "done", leadsTo: ["done"] }, call)
  }
}

export function recorded(delivery: Pick<Delivery, "number">, { system }: TrytonOptions): RecordedDelivery {
  return { documentNumber: delivery.number, reference: reference(system, "shipment", delivery.number) }
}

function marked(all: readonly MarkedDelivery[], key: string): Delivery | undefined {
  const found = all.filter((delivery) => delivery.reference === key)
  if (found.length > 1)
    throw new AppError(
      "VENDOR_MISBEHAVED",
      `shipments ${found.map(({ number }) => number).join(" and ")} both carry ${key}`,
    )
  return found[0]
}

async function readDeliveries(
  { shipments }: Sale,
  call: Context,
  { client }: TrytonOptions,
): Promise<MarkedDelivery[]> {
  if (shipments.length === 0) return []
  const rows = rowsOf(await client.read(`model.${model}.read`, [shipments, fields], call))
  return rows.map(deliveryOf)
}

/** Shipments of a number, whatever sale they are of. */
export async function deliveriesNumbered(
  number: string,
  call: Context,
  { client }: TrytonOptions,
): Promise<MarkedDelivery[]> {
  const params = [[["number", "=", number]], 0, 10, [["id", "ASC"]], fields]
  return rowsOf(await client.read(`model.${model}.search_read`, params, call)).map(deliveryOf)
}

function deliveryOf(row: Record<string, unknown>): MarkedDelivery {
  return {
    id: idOf(row),
    number: typeof row["number"] === "string" ? row["number"] : String(row["id"]),
    state: textOf(row, "state"),
    reference: row["reference"],
  }
}

/**
 * The sale's open shipment, marked as ours. Its content must equal the goods that left; otherwise it is refused, so
 * that a person splits it in Tryton.
 */
async function takeWaiting(
  all: readonly MarkedDelivery[],
  input: Input,
  { sale, call, options }: { sale: Sale; call: Call; options: TrytonOptions },
): Promise<Delivery> {
  const { client } = options
  const open = all.filter(({ state, reference: mark }) => state !== "done" && state !== "cancelled" && mark === null)
  const [delivery] = open
  if (!delivery || open.length > 1)
    throw new AppError("VENDOR_REJECTED", `sale ${sale.number} has ${open.length} open shipments instead of one`)
  const wanted = inWords(wantedOf(input))
  const held = inWords(await movesOf(delivery.id, call, options))
  if (held !== wanted)
    throw new AppError(
      "VENDOR_REJECTED",
      `shipment ${delivery.number} of sale ${sale.number} holds ${held}, and what left is ${wanted}`,
    )
  await client.write(`model.${model}.write`, [[delivery.id], { reference: call.key }], call)
  return delivery
}

/** What left, by SKU. */
export function wantedOf({ lines }: Pick<Input, "lines">): Record<string, string> {
  return linesInAll(lines.map(({ sku, quantity }) => [sku, quantityToDecimal(quantity)]))
}

/** What a shipment holds, by SKU. Outgoing moves only: its inventory moves bring the goods to the dispatch area. */
export async function movesOf(id: number, call: Context, { client }: TrytonOptions): Promise<Record<string, string>> {
  const domain = [
    ["shipment", "=", `${model},${id}`],
    ["state", "!=", "cancelled"],
  ]
  const params = [domain, 0, null, [["id", "ASC"]], ["product.code", "quantity", "origin"]]
  const rows = rowsOf(await client.read("model.stock.move.search_read", params, call))
  const outgoing = rows.filter(({ origin }) => typeof origin === "string" && origin.startsWith("sale.line,"))
  return linesInAll(
    outgoing.map((row) => {
      const product = rowsOf([row["product."]])[0] ?? {}
      return [textOf(product, "code"), Number(row["quantity"])]
    }),
  )
}

function inWords(lines: Record<string, string>): string {
  const texts = Object.entries(lines).map(([sku, quantity]) => `${quantity} ${sku}`)
  return texts.sort().join(", ") || "nothing"
}
