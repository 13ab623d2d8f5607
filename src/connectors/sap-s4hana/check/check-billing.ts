import { AppError } from "../../../base/errors.ts"
import type { Call } from "../../../ports/write.ts"
import { literal, rowsOf, textOf } from "../../../protocols/odata-v2.ts"
import { readOrder, type SapOptions } from "../books-orders.ts"
import { deliveriesOf } from "../records-deliveries.ts"

const ordersLookedAt = 10

/**
 * Throws CONFIG_INVALID when SAP would state the same revenue a second time, or nobody would: whether SAP bills orders of
 * the connection's type has to fit its `invoicedBy`. SAP shows that only at documents, so a type without any passes.
 */
export async function checkBilling(call: Omit<Call, "key">, options: SapOptions): Promise<void> {
  const { client, settings } = options
  const { salesOrderType, salesOrganization, invoicedBy } = settings
  const conditions = [
    `SalesOrderType%20eq%20${literal(salesOrderType)}`,
    `SalesOrganization%20eq%20${literal(salesOrganization)}`,
  ]
  const path = `/API_SALES_ORDER_SRV/A_SalesOrder?$filter=${conditions.join("%20and%20")}&$select=SalesOrder&$top=${ordersLookedAt}`
  const numbers = rowsOf(await client.get(path, call)).map((row) => textOf(row, "SalesOrder"))
  const seen = await Promise.all(numbers.map((number) => billingOf(number, call, options)))
  const isBilled = seen.some((one) => one === "billed")
  if (invoicedBy === "journal entry" && isBilled)
    throw wrongType(
      salesOrderType,
      'a type that SAP does not bill, because invoicedBy is "journal entry"; SAP bills its orders, so their revenue would be stated twice. Name a type that is not relevant for billing, or set invoicedBy to "SAP billing"',
    )
  if (invoicedBy === "SAP billing" && !isBilled && seen.includes("not billed"))
    throw wrongType(
      salesOrderType,
      'a type that SAP bills, because invoicedBy is "SAP billing"; SAP bills none of its orders, so nobody would state their revenue. Name a type that is relevant for billing, or set invoicedBy to "journal entry"',
    )
}

function wrongType(type: string, expected: string): AppError {
  const message = `is "${type}", expected ${expected}`
  return new AppError("CONFIG_INVALID", `salesOrderType ${message}`, {
    problems: [{ pointer: "/salesOrderType", message }],
  })
}

/** A type may be billed by its orders or by its deliveries; without a delivery the second is not known. */
async function billingOf(
  number: string,
  call: Omit<Call, "key">,
  options: SapOptions,
): Promise<"billed" | "not billed" | "unknown"> {
  const order = await readOrder(number, call, options)
  if (order.isBilled) return "billed"
  const deliveries = await deliveriesOf(number, call, options)
  if (deliveries.length === 0) return "unknown"
  return deliveries.some(({ isBilled }) => isBilled) ? "billed" : "not billed"
}
