/** Where the console is served. */
export const basePath = "/console"

type Filters = Readonly<Record<string, string | undefined>>

function withFilters(path: string, filters: Filters = {}): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(filters)) if (value !== undefined && value !== "") query.set(name, value)
  return query.size === 0 ? path : `${path}?${query}`
}

const part = encodeURIComponent

type Of<Name extends string> = Readonly<Partial<Record<Name, string | undefined>>>
export type GroupFilters = Of<"owner" | "kind" | "connection" | "channel" | "state" | "sort">
export type CaseFilters = Of<"state" | "owner" | "cause" | "order" | "group">
export type OrderFilters = Of<"state" | "channel" | "which">
export type OrderTab = "way" | "money" | "goods" | "documents" | "exceptions"
export type ShownFilters = Of<"state" | "sku" | "aspect">
export type FlowFilters = Of<"connection" | "outcome">

/** Every address of the console, below its base. Nothing else puts one together. */
export const paths = {
  today: () => "/",
  exceptions: (filters?: GroupFilters) => withFilters("/exceptions", filters),
  group: (id: string) => `/groups/${part(id)}`,
  cases: (filters?: CaseFilters) => withFilters("/cases", filters),
  exception: (id: string) => `/exceptions/${part(id)}`,
  orders: (filters?: OrderFilters) => withFilters("/orders", filters),
  order: (id: string, tab?: OrderTab) => withFilters(`/orders/${part(id)}`, { tab: tab === "way" ? undefined : tab }),
  object: (ref: string) => {
    // An order, and the delivery that is named by it, have a page of their own.
    const [kind, id, ...more] = ref.split("/")
    const isOrder = (kind === "order" || kind === "delivery") && id !== undefined && more.length === 0
    if (kind === "return" && id !== undefined && more.length === 0) return `/returns/${part(id)}`
    return isOrder ? `/orders/${part(id)}` : `/objects/${part(ref)}`
  },
  returns: (filters?: Of<"which">) => withFilters("/returns", filters),
  aReturn: (id: string) => `/returns/${part(id)}`,
  stock: (filters?: Of<"sku">) => withFilters("/stock", filters),
  channel: (name: string, filters?: ShownFilters) => withFilters(`/channels/${part(name)}`, filters),
  catalogue: (filters?: Of<"sku">) => withFilters("/catalogue", filters),
  product: (sku: string) => `/products/${part(sku)}`,
  prices: () => "/prices",
  ownership: () => "/ownership",
  store: (filters?: Of<"at" | "sku" | "day">) => withFilters("/store", filters),
  why: (filters?: Of<"hours">) => withFilters("/why", filters),
  report: (filters?: Of<"week">) => withFilters("/report", filters),
  books: (filters?: Of<"hours">) => withFilters("/books", filters),
  connections: () => "/connections",
  connection: (id: string) => `/connections/${part(id)}`,
  mode: (name: string) => `/modes/${part(name)}`,
  flows: (filters?: FlowFilters) => withFilters("/flows", filters),
  promises: () => "/promises",
  promise: (name: string) => `/promises/${part(name)}`,
  alert: (id: string) => `/alerts/${part(id)}`,
  operations: () => "/operations",
  operation: (id: string) => `/operations/${part(id)}`,
  find: (text?: string) => withFilters("/find", { q: text }),
  admin: () => "/admin",
  consumer: (id: string) => `/admin/consumers/${part(id)}`,
  signIn: (next?: string) => withFilters("/sign-in", { next }),
} as const
