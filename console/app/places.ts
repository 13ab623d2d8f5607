import type { IconName } from "../parts/icon.tsx"
import { paths } from "../routes/paths.ts"
import { en } from "../texts/en.ts"

export interface Place {
  icon: IconName
  name: string
  path: string
  /** Beginnings of other addresses that belong to it. */
  also?: readonly string[]
}

const t = en.menu
/** The places of the menu. */
export const places: readonly Place[] = [
  { icon: "today", name: t.today, path: paths.today(), also: ["/why", "/report"] },
  { icon: "exceptions", name: t.exceptions, path: paths.exceptions(), also: ["/groups/", "/cases"] },
  { icon: "orders", name: t.orders, path: paths.orders() },
  { icon: "returns", name: t.returns, path: paths.returns() },
  { icon: "stock", name: t.stock, path: paths.stock(), also: ["/channels/"] },
  { icon: "catalogue", name: t.catalogue, path: paths.catalogue(), also: ["/products/", "/prices", "/ownership"] },
  { icon: "store", name: t.store, path: paths.store() },
  { icon: "books", name: t.books, path: paths.books() },
  { icon: "connections", name: t.connections, path: paths.connections() },
  { icon: "flows", name: t.flows, path: paths.flows() },
  { icon: "promises", name: t.promises, path: paths.promises(), also: ["/alerts/"] },
  { icon: "operations", name: t.operations, path: paths.operations() },
  { icon: "admin", name: t.admin, path: paths.admin() },
]
