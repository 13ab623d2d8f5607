import type { Order } from "../canonical/order.ts"
import { accountView, type AccountView } from "./account-view.ts"
import type { OrderAccounts } from "./accounts.ts"

/** What reads an account, from the modules that own the parts. */
export interface AccountReaders {
  accounts: OrderAccounts
  /** The order as its channel shows it now; undefined when there is none. */
  order: (orderId: string) => Promise<{ order: Order; isOver: boolean } | undefined>
  /** Units that are allocated to locations and not shipped. */
  allocated: (orderId: string) => Promise<readonly { sku: string; milli: number }[]>
}

/** The account of an order as people read it; undefined when there is no such order. */
export async function readAccount(readers: AccountReaders, orderId: string): Promise<AccountView | undefined> {
  const [found, rows, places] = await Promise.all([
    readers.order(orderId),
    readers.accounts.read(orderId),
    readers.allocated(orderId),
  ])
  if (!found) return undefined
  const allocated = new Map<string, number>()
  for (const { sku, milli } of places) allocated.set(sku, (allocated.get(sku) ?? 0) + milli)
  return accountView({ ...found, rows, allocated })
}
