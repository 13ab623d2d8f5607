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

type Row = Record<string, unknown>
type Records = ReadonlyMap<number, Row>

function addRpc(app: FastifyInstance, context: SimulatorContext): VendorState {
  const books = new Books(context)
  const models: Readonly<Record<string, Records>> = {
    "sale.sale": books.sales as unknown as Records,
    "stock.shipment.out": books.shipments as unknown as Records,
    "account.invoice": books.invoices as unknown as Records,
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
      if (!(thrown instanceof UserError)) throw thrown
      return { error: ["UserError", [thrown.message, "", null]] }
    }
  })
  app.post("/__lab/closed-until", (request: FastifyRequest) => {
    books.closedUntil = String(controlBody(request)["day"] ?? "")
    return { closedUntil: books.closedUntil }
  })
  const all = () => ({
    sales: [...books.sales.values()],
    shipments: [...books.shipments.values()],
    invoices: [...books.invoices.values()],
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
  if (method.startsWith("wizard.")) return runWizard(asked, method, params)
  const [, model = "", name = ""] = /^model\.(.+)\.([a-z_]+)$/.exec(method) ?? []
  if (model === "sale.sale" && name === "create") {
    const [rows] = params as [Parameters<Books["createSale"]>[0][]]
    return call.commit(books.createSale(rows[0] ?? {}))
  }
  if (name === "search_read") return search(asked, model, params)
  if (name === "search_count") return 0
  const records = models[model]
  const ids = params[0] as number[]
  const found = ids.flatMap((id): Row[] => {
    const row = records?.get(id)
    return row ? [row] : []
  })
  if (name === "read") return found.map((row) => pick(row, params[1] as string[]))
  if (name === "write") return found.map((row) => call.commit(() => write(books, { model, row }, params[1] as Row)))[0]
  if (name === "assign_try") {
    for (const row of found) if (row["state"] === "waiting") call.commit(() => (row["state"] = "assigned"))
    return true
  }
  for (const row of found) {
    const change = press(books, { model, row }, name)
    // A button that does not apply answers like one that does.
    if (change) call.transition(change)
  }
  return null
}

function press(books: Books, { model, row }: { model: string; row: Row }, name: string): (() => void) | undefined {
  if (model === "sale.sale") return books.pressSale(row as never, name)
  if (model === "stock.shipment.out") return books.pressShipment(row as never, name)
  return books.pressInvoice(row as never, name)
}

function write(books: Books, { model, row }: { model: string; row: Row }, values: Row): null {
  if (model === "account.invoice") books.writeInvoice(row as never, values)
  else Object.assign(row, values)
  return null
}

function search({ books, models }: Asked, model: string, params: unknown[]): Row[] {
  const [domain, , , , fields] = params as [unknown[][], unknown, unknown, unknown, string[]]
  const [[field, operator, value] = []] = domain
  if (model === "product.product")
    return (value as string[]).flatMap((code) => {
      const id = books.product(code)
      return id === undefined ? [] : [{ id, code }]
    })
  if (model === "stock.move") {
    const shipment = books.shipments.get(Number(String(value).split(",")[1]))
    const lines = books.sales.get(shipment?.sale ?? 0)?.lines ?? []
    return lines.flatMap(({ product, quantity }, n) => {
      const code = books.codeOf(product)
      // Services have no moves.
      return code.startsWith("SERVICE") ? [] : [{ id: n, "product.": { code }, quantity, origin: `sale.line,${n}` }]
    })
  }
  if (operator !== "=") throw new UserError(`the lab does not search by ${String(operator)}`)
  const rows = [...(models[model]?.values() ?? [])].filter((row) => row[String(field)] === value)
  return rows.map((row) => pick(row, fields))
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
