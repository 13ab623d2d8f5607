import type { FastifyInstance, FastifyRequest } from "fastify"
import type { VendorState } from "../books.ts"
import { controlBody } from "../control.ts"
import {
  jsonBody,
  startSimulator,
  type Call,
  type Simulator,
  type SimulatorContext,
  type VendorOptions,
} from "../simulator.ts"
import { Books, UserError } from "./books.ts"
import { salePrice } from "./computed-price.ts"
import type { StaffChange } from "./products.ts"
import { activeOnly, picked, rowsAt, searched, Unknown, type Row } from "./search.ts"
import { today, type Wanted } from "./stock.ts"

export const trytonUser = "admin"
export const trytonPassword = "lab-tryton-password"
const sessionKey = "f".repeat(64)

/** Starts the JSON-RPC of a Tryton 6.0 with sales, shipments and invoices of one company (`real.md`). */
export function startTryton(options: VendorOptions): Promise<Simulator> {
  return startSimulator({
    ...options,
    name: "tryton",
    faultAnswer: (fault) => ({ status: fault === "rate429" ? 429 : 503, body: "" }),
    routes: (app, context) => addRpc(app, context),
  })
}

type Records = ReadonlyMap<number, Row>

function addRpc(app: FastifyInstance, context: SimulatorContext): VendorState {
  const books = new Books(context)
  const models: Readonly<Record<string, Records>> = {
    "sale.sale": books.sales as unknown as Records,
    "stock.shipment.out": books.shipments as unknown as Records,
    "account.invoice": books.invoices as unknown as Records,
    "stock.location": books.stock.locations,
    "stock.move": books.stock.moves,
    "stock.shipment.internal": books.stock.internals,
    "product.category": books.products.categories,
    "product.price_list": books.products.priceLists,
    "ir.translation": books.products.translations,
  }
  app.post("/:database/", async (request, reply) => {
    const { method, params } = jsonBody(request) as { method: string; params: unknown[] }
    if (method === "common.db.login") {
      const [user, { password }] = params as [string, { password: string }]
      const isKnown = user === trytonUser && password === trytonPassword
      return isKnown ? { result: [1, sessionKey] } : reply.code(401).send("")
    }
    const wanted = `Session ${Buffer.from(`${trytonUser}:1:${sessionKey}`).toString("base64")}`
    if (request.headers.authorization !== wanted) return reply.code(401).send("")
    const call = await context.begin(request, { operation: method })
    try {
      return { result: perform({ books, models, call }, method, params) ?? null }
    } catch (thrown) {
      if (thrown instanceof Unknown) return { error: [thrown.message, ""] }
      if (!(thrown instanceof UserError)) throw thrown
      return { error: ["UserError", [thrown.message, "", null]] }
    }
  })
  app.post("/__lab/closed-until", (request: FastifyRequest) => {
    books.closedUntil = String(controlBody(request)["day"] ?? "")
    return { closedUntil: books.closedUntil }
  })
  // What people do in the books: goods moved by hand, counted (from or to Lost and Found), bought, or sold over the counter.
  app.post("/__lab/moves", (request: FastifyRequest) => {
    const { code, ...wanted } = controlBody(request) as unknown as Omit<Wanted, "product" | "state"> & { code: string }
    return books.stock.add({ state: "done", ...wanted, product: books.products.product(code) ?? 0 })
  })
  app.post("/__lab/internal-shipments", (request: FastifyRequest) => {
    const id = 1 + books.stock.internals.size
    const row = { id, reference: null, from_location: null, to_location: null, ...controlBody(request) }
    books.stock.internals.set(id, row)
    return row
  })
  // What staff change of products, and what they set up beside them.
  app.post("/__lab/products", (request) => books.products.change(controlBody(request) as unknown as StaffChange))
  app.post("/__lab/price-lists", (request) => putPriceList(books, controlBody(request)))
  app.post("/__lab/categories", (request) =>
    books.products.put(books.products.categories, { parent: null, ...controlBody(request) }),
  )
  const all = () => ({
    sales: [...books.sales.values()],
    shipments: [...books.shipments.values()],
    invoices: [...books.invoices.values()],
    moves: [...books.stock.moves.values()],
    products: books.products.rows("en"),
  })
  return { books: all, reset: () => books.clear(), stop: () => undefined }
}

interface Asked {
  books: Books
  models: Readonly<Record<string, Records>>
  call: Call
}

function perform(asked: Asked, method: string, params: unknown[]): unknown {
  const { books, models, call } = asked
  if (method === "model.res.user.get_preferences") return { company: 1, language: "nl" }
  if (method === "model.ir.date.today") return today()
  if (method.startsWith("wizard.")) return runWizard(asked, method, params)
  const [, model = "", name = ""] = /^model\.(.+)\.([a-z_]+)$/.exec(method) ?? []
  if (model === "sale.sale" && name === "create") {
    const [rows] = params as [Parameters<Books["createSale"]>[0][]]
    return call.commit(books.createSale(rows[0] ?? {}))
  }
  if (name === "search_read") return search(asked, model, params)
  if (name === "search_count") return 0
  const ids = params[0] as number[]
  if (model === "product.product") return readProducts(books, params)
  if (model === "sale.line") return saleLines(books, ids, params[1] as string[])
  const records = models[model]
  const found = ids.flatMap((id): Row[] => {
    const row = records?.get(id)
    return row ? [row] : []
  })
  if (name === "read") return found.map((row) => pick(row, params[1] as string[]))
  if (name === "write") return found.map((row) => call.commit(() => write(books, { model, row }, params[1] as Row)))[0]
  if (name === "assign_try") {
    for (const row of found) if (row["state"] === "waiting") call.commit(() => assign(books, row))
    return true
  }
  for (const row of found) {
    const change = press(books, { model, row }, name)
    // A button that does not apply answers like one that does.
    if (change) call.transition(change)
  }
  return null
}

function saleLines(books: Books, ids: readonly number[], fields: readonly string[]): Row[] {
  return ids.flatMap((id) => books.saleLines.get(id) ?? []).map((row) => picked(row, fields, follow(books)))
}

function press(books: Books, { model, row }: { model: string; row: Row }, name: string): (() => void) | undefined {
  if (model === "sale.sale") return books.pressSale(row as never, name)
  if (model === "stock.shipment.out") return books.pressShipment(row as never, name)
  return books.pressInvoice(row as never, name)
}

function assign(books: Books, row: Row): void {
  row["state"] = "assigned"
  books.stock.set(`stock.shipment.out,${String(row["id"])}`, "to dispatch", "assigned")
}

function write(books: Books, { model, row }: { model: string; row: Row }, values: Row): null {
  if (model === "account.invoice") books.writeInvoice(row as never, values)
  else Object.assign(row, values)
  return null
}

function search({ books, models }: Asked, model: string, params: unknown[]): Row[] {
  if (model === "product.product") return searchProducts(books, params)
  books.products.settle()
  const rows = model === "stock.move" ? books.stock.visible() : (models[model]?.values() ?? [])
  return searched(rows, activated(params, canBeInactive.has(model)), follow(books))
}

const canBeInactive = new Set(["product.product", "product.price_list", "stock.location"])

/** Parameters of a search with what the server adds to its domain. */
function activated([domain, ...rest]: unknown[], can: boolean): unknown[] {
  const { active_test: isTested } = rest.at(-1) as Row
  return [can && isTested !== false ? activeOnly(domain) : domain, ...rest]
}

/** Staff save a price list with all its lines, and the list itself is written as well. */
function putPriceList({ products }: Books, { lines = [], ...list }: Row): Row {
  const known = products.priceLists.get(Number(list["id"]))
  for (const id of (known?.["lines"] ?? []) as number[]) products.lines.delete(id)
  const made = (lines as Row[]).map((line) =>
    products.put(products.lines, { product: null, category: null, quantity: null, ...line }),
  )
  const base = { active: true, company: 1, tax_included: false, unit: "product_default" }
  return products.put(products.priceLists, { ...base, ...list, lines: made.map(({ id }) => id) })
}

/** A product is made where it is first named: the connector looks them up by code before it uses them. */
function searchProducts(books: Books, params: unknown[]): Row[] {
  const [domain] = params as [unknown[][]]
  for (const [field, operator, codes] of domain)
    if (field === "code" && operator === "in") for (const code of codes as string[]) books.products.product(code)
  const { locations = [], with_childs: withChildren, stock_date_end: day, language = "en" } = params.at(-1) as Row
  const isStock = Array.isArray(locations) && locations.length > 0
  if (isStock && (day === undefined || withChildren !== false))
    throw new UserError("the lab reads quantities of one day, at exactly the locations named")
  const rows = books.products.rows(String(language)).map((row) => ({
    ...row,
    quantity: isStock ? books.stock.quantity(Number(row["id"]), locations as number[]) : 0,
  }))
  return searched(rows, activated(params, true), follow(books))
}

/** Reading computes nothing that is not asked for: one product that cannot have a price fails the call only then. */
function readProducts(books: Books, [ids, fields, context]: unknown[]): Row[] {
  const { language = "en", ...rest } = context as Row
  const rows = books.products.rows(String(language)).filter(({ id }) => (ids as unknown[]).includes(id))
  const wanted = fields as string[]
  return rows.map((row) => {
    const price = wanted.includes("sale_price_uom") ? { sale_price_uom: salePrice(books.products, row, rest) } : {}
    return picked({ ...row, ...price }, wanted, follow(books))
  })
}

/** The company's currency first. */
const currencies = new Map(["EUR", "USD"].map((code, n): [number, Row] => [n + 1, { id: n + 1, code }]))

/** The records that fields of moves, sales and sale lines stand for. */
function follow(books: Books) {
  const { products } = books
  const many: Readonly<Record<string, Records>> = {
    identifiers: products.identifiers,
    cost_prices: products.costPrices,
    list_prices: products.listPrices,
    lines: products.lines,
  }
  return (row: Row, field: string): Row | Row[] | undefined => {
    const own = row[field]
    if (field in many && Array.isArray(own)) return own.flatMap((id) => rowsAt(many[field], id))
    if (field === "template") return products.templates.get(Number(own))
    if (field === "default_uom" || field === "sale_uom") return products.units.get(Number(own))
    if (field === "product") return products.view(products.variants.get(Number(own)) ?? {}, "en")
    if (field === "from_location" || field === "to_location") return books.stock.locations.get(Number(row[field]))
    if (field === "currency") return currencies.get(Number(row["currency"]))
    if (field === "sale") return books.sales.get(Number(row["sale"])) as unknown as Row
    return undefined
  }
}

const pick = (row: Row, fields: readonly string[]): Row =>
  Object.fromEntries(["id", ...fields].map((field) => [field, row[field] ?? null]))

/** Paying an invoice, and saying that cancelled documents are not to be made again. */
function runWizard({ books, call }: Asked, method: string, params: unknown[]): unknown {
  const { active_id: id } = params.at(-1) as { active_id: number }
  if (method.endsWith(".create")) return [id, "start", "end"]
  if (method.endsWith(".delete")) return null
  const [, , state] = params as [number, unknown, string]
  const [, what] = /^wizard\.sale\.handle\.(shipment|invoice)\.exception/.exec(method) ?? []
  if (state === "ask") return { view: { defaults: { [`domain_${what === "shipment" ? "moves" : "invoices"}`]: [] } } }
  const sale = books.sales.get(id)
  const invoice = books.invoices.get(id)
  if (what && sale) call.commit(() => books.handleException(sale, what as "shipment" | "invoice"))
  else if (invoice) call.commit(() => (invoice.state = "paid"))
  return {}
}
