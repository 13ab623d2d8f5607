import { AppError } from "../../../base/errors.ts"
import type { Call } from "../../../ports/write.ts"
import type { TrytonClient } from "../client.ts"
import { press, stateOf, type Sale, type TrytonOptions } from "./sale.ts"

type Context = Omit<Call, "key">

/**
 * Cancels a sale. Before processing, its own button does it. Afterwards "cancel" returns 200 and does nothing, so its
 * shipment and its draft invoice are cancelled one by one, and the exceptions this causes on the sale are handled.
 * Goods that left, or a posted invoice, are refused: they need a return and a credit note. Every step checks first, so
 * a repeat continues where an earlier attempt stopped.
 */
export async function takeApart(sale: Sale, call: Context, { client }: TrytonOptions): Promise<void> {
  if (sale.state === "cancelled") return
  if (sale.state === "draft" || sale.state === "quotation" || sale.state === "confirmed") {
    await press(client, { model: "sale.sale", id: sale.id, name: "cancel", leadsTo: ["cancelled"] }, call)
    return
  }
  for (const id of sale.shipments)
    await cancelPart(client, { model: "stock.shipment.out", id, tooLate: ["done"] }, call)
  for (const id of sale.invoices)
    await cancelPart(client, { model: "account.invoice", id, tooLate: ["posted", "paid"] }, call)
  await handleExceptions(client, { sale, what: "shipment", recreate: "recreate_moves", domain: "domain_moves" }, call)
  await handleExceptions(
    client,
    { sale, what: "invoice", recreate: "recreate_invoices", domain: "domain_invoices" },
    call,
  )
}

async function cancelPart(
  client: TrytonClient,
  { model, id, tooLate }: { model: string; id: number; tooLate: readonly string[] },
  call: Context,
): Promise<void> {
  const state = await stateOf(client, { model, id }, call)
  if (state === "cancelled") return
  if (tooLate.includes(state))
    throw new AppError("VENDOR_REJECTED", `${model} ${id} is ${state}: a return or a credit note is needed`)
  await press(client, { model, id, name: "cancel", leadsTo: ["cancelled"] }, call)
}

/** Declares that cancelled documents are not to be made again; otherwise the sale stays in exception for ever. */
async function handleExceptions(
  client: TrytonClient,
  { sale, what, recreate, domain }: { sale: Sale; what: "shipment" | "invoice"; recreate: string; domain: string },
  call: Context,
): Promise<void> {
  const field = `${what}_state`
  const read = async () => {
    const answer = await client.read("model.sale.sale.read", [[sale.id], [field]], call)
    // The record was read by its id; its field is text by the module's definition.
    return (answer as Record<string, unknown>[])[0]?.[field]
  }
  if ((await read()) !== "exception") return
  const wizard = client.wizard(`sale.handle.${what}.exception`, { model: "sale.sale", id: sale.id }, call)
  const session = await wizard.create()
  const view = (await wizard.execute(session, { state: "ask", data: {} })) as {
    view?: { defaults?: Record<string, unknown> }
  }
  const concerned = view.view?.defaults?.[domain] ?? []
  const answer = { ask: { [recreate]: [], [domain]: concerned } }
  await wizard.execute(session, { state: "handle", data: answer })
  await wizard.close(session)
  if ((await read()) === "exception")
    throw new AppError("VENDOR_MISBEHAVED", `sale ${sale.id} keeps its ${what} exception after it was handled`)
}
