import type { SimulatorContext } from "../simulator.ts"
import { Products, type Decimal } from "./products.ts"
import { Stock, trytonLocations } from "./stock.ts"

// Sales, shipments and invoices of Tryton 6.0 as `real.md` describes them.

export type Day = { __class__: "date"; year: number; month: number; day: number }
export type Sale = {
  id: number
  number: string
  state: string
  reference: string | null
  untaxed_amount: Decimal
  currency: number
  shipments: number[]
  invoices: number[]
  shipment_state: string
  invoice_state: string
  comment: string | null
  lines: number[]
}
export type SaleLine = { id: number; sale: number; product: number; quantity: number; unit_price: Decimal }
export type Shipment = {
  id: number
  number: string
  state: string
  reference: string | null
  effective_date: Day | null
  sale: number
}
export type Invoice = {
  id: number
  number: string | null
  state: string
  untaxed_amount: Decimal
  tax_amount: Decimal
  total_amount: Decimal
  taxes: number[]
  invoice_date: Day | null
  accounting_date: Day | null
  reference: string | null
  sale: number
}

/** An error of the user, as trytond answers it with status 200. */
export class UserError extends Error {}

const decimal = (cents: number): Decimal => ({
  __class__: "Decimal",
  decimal: `${cents < 0 ? "-" : ""}${Math.floor(Math.abs(cents) / 100)}.${String(Math.abs(cents) % 100).padStart(2, "0")}`,
})
const dayText = ({ year, month, day }: Day) => [year, month, day].map((part) => String(part).padStart(2, "0")).join("-")
const centsOf = (value: unknown) => Math.round(Number((value as Decimal).decimal) * 100)

type Made = {
  reference?: string
  currency?: number
  comment?: string
  lines?: ["create", { product?: number; quantity: number; unit_price: Decimal }[]][]
}

/** The records of one company. Each button says what it does, or undefined where it does not apply. */
export class Books {
  readonly sales: Map<number, Sale>
  readonly saleLines: Map<number, SaleLine>
  readonly shipments: Map<number, Shipment>
  readonly invoices: Map<number, Invoice>
  readonly products: Products
  readonly stock: Stock
  /** The last day for which the books are closed. */
  closedUntil = ""
  #ids = 0
  #numbers = 0

  constructor({ keep }: Pick<SimulatorContext, "keep">) {
    this.sales = keep<number, Sale>("sales")
    this.saleLines = keep<number, SaleLine>("sale lines")
    this.shipments = keep<number, Shipment>("shipments")
    this.invoices = keep<number, Invoice>("invoices")
    this.products = new Products({ keep })
    this.stock = new Stock({ keep })
  }

  createSale({ reference, currency = 1, comment, lines = [] }: Made): () => number[] {
    const rows = lines.flatMap(([, created]) => created)
    if (rows.some(({ product }) => product === undefined))
      throw new UserError('A value is required for field "Product" in "Sale Line".')
    return () => {
      const id = this.#next()
      const made = rows.map(({ product = 0, quantity, unit_price }) => {
        return { id: this.#next(), sale: id, product, quantity, unit_price }
      })
      for (const line of made) this.saleLines.set(line.id, line)
      const cents = made.reduce(
        (sum, line) => sum + Math.round(line.quantity * Number(line.unit_price.decimal) * 100),
        0,
      )
      this.sales.set(id, {
        id,
        number: String((this.#numbers += 1)),
        state: "draft",
        reference: reference ?? null,
        untaxed_amount: decimal(cents),
        currency,
        shipments: [],
        invoices: [],
        shipment_state: "none",
        invoice_state: "none",
        comment: comment ?? null,
        lines: made.map(({ id: line }) => line),
      })
      return [id]
    }
  }

  /** `quote`, `confirm`, `process`, `cancel` of a sale. */
  pressSale(sale: Sale, name: string): (() => void) | undefined {
    const at = `${name} ${sale.state}`
    if (at === "quote draft") return () => (sale.state = "quotation")
    if (at === "confirm quotation" || at === "process confirmed") return () => this.#process(sale)
    if (name === "cancel" && ["draft", "quotation", "confirmed"].includes(sale.state))
      return () => (sale.state = "cancelled")
    return undefined
  }

  /** Buttons of a shipment. Picking and packing apply to waiting shipments, too. */
  pressShipment(shipment: Shipment, name: string): (() => void) | undefined {
    const { state } = shipment
    const ref = `stock.shipment.out,${shipment.id}`
    const to = (next: string) => () => (shipment.state = next)
    if (name === "wait" && state === "draft") return to("waiting")
    if (name === "pick" && (state === "assigned" || state === "waiting"))
      return () => {
        shipment.state = "picked"
        this.stock.set(ref, "to dispatch", "done")
      }
    if (name === "pack" && state === "picked")
      return () => {
        shipment.state = "packed"
        this.stock.set(ref, "to customer", "assigned")
      }
    if (name === "cancel" && state !== "done" && state !== "cancelled")
      return () => {
        shipment.state = "cancelled"
        this.stock.set(ref, "all", "cancelled")
        this.#exceptionOf(shipment.sale, "shipment_state")
      }
    if (name !== "done" || state !== "packed") return undefined
    this.#assertOpen(shipment.effective_date)
    return () => {
      shipment.state = "done"
      this.stock.set(ref, "to customer", "done")
    }
  }

  pressInvoice(invoice: Invoice, name: string): (() => void) | undefined {
    if (name === "cancel" && invoice.state === "draft")
      return () => {
        invoice.state = "cancelled"
        this.#exceptionOf(invoice.sale, "invoice_state")
      }
    if (name !== "post" || invoice.state !== "draft") return undefined
    this.#assertOpen(invoice.accounting_date ?? invoice.invoice_date)
    return () => {
      invoice.state = "posted"
      invoice.number = String((this.#numbers += 1))
    }
  }

  writeInvoice(invoice: Invoice, values: Record<string, unknown>): void {
    const { taxes, ...rest } = values as { taxes?: ["create", { amount: Decimal }[]][] }
    Object.assign(invoice, rest)
    for (const row of (taxes ?? []).flatMap(([, rows]) => rows)) {
      invoice.taxes.push(this.#next())
      invoice.tax_amount = decimal(centsOf(invoice.tax_amount) + centsOf(row.amount))
    }
    invoice.total_amount = decimal(centsOf(invoice.untaxed_amount) + centsOf(invoice.tax_amount))
  }

  /** Somebody says that cancelled documents are not to be made again. The sale then reads "done" and "sent". */
  handleException(sale: Sale, what: "shipment" | "invoice"): void {
    if (what === "shipment") sale.shipment_state = "sent"
    else sale.invoice_state = "paid"
    if (sale.shipment_state !== "exception" && sale.invoice_state !== "exception") sale.state = "done"
  }

  clear(): void {
    for (const records of [this.sales, this.saleLines, this.shipments, this.invoices, this.stock, this.products])
      records.clear()
  }

  #process(sale: Sale): void {
    sale.state = "processing"
    const shipment = this.#next()
    const number = `S${shipment}`
    const base = { reference: null, sale: sale.id }
    this.shipments.set(shipment, { id: shipment, number, state: "waiting", effective_date: null, ...base })
    sale.shipments = [shipment]
    this.#moveOut(sale, shipment)
    const invoice = this.#next()
    const untaxed = sale.untaxed_amount
    const amounts = { untaxed_amount: untaxed, tax_amount: decimal(0), total_amount: untaxed, taxes: [] }
    const dates = { invoice_date: null, accounting_date: null }
    this.invoices.set(invoice, { id: invoice, number: null, state: "draft", ...amounts, ...dates, ...base })
    sale.invoices = [invoice]
  }

  /** Two moves an article: one to the dispatch area, one to the customer. Services have none. */
  #moveOut(sale: Sale, shipmentId: number): void {
    const { storage, output, customer } = trytonLocations
    const shipment = `stock.shipment.out,${shipmentId}`
    for (const { id, product, quantity } of sale.lines.flatMap((line) => this.saleLines.get(line) ?? [])) {
      if (this.products.codeOf(product).startsWith("SERVICE")) continue
      const base = { product, quantity, state: "draft" as const, shipment }
      const out = this.stock.add({ ...base, from: output, to: customer, origin: `sale.line,${id}` })
      this.stock.add({ ...base, from: storage, to: output, origin: `stock.move,${out.id}` })
    }
  }

  #exceptionOf(saleId: number, field: "shipment_state" | "invoice_state"): void {
    const sale = this.sales.get(saleId)
    if (sale) sale[field] = "exception"
  }

  /** Tryton looks for an open period of the day; one that is closed is as good as none. */
  #assertOpen(day: Day | null): void {
    const text = day === null ? "9999-12-31" : dayText(day)
    if (text <= this.closedUntil) throw new UserError(`To continue, you must create a period for the date "${text}".`)
  }

  #next(): number {
    this.#ids += 1
    return this.#ids
  }
}
