import { AppError } from "../../base/errors.ts"
import { money, moneyToDecimal, type Money } from "../../base/money.ts"
import { assertBalanced, type JournalEntry } from "../../canonical/ledger-entry.ts"
import type { PostedEntry, PostsJournals } from "../../ports/capabilities/books.ts"
import { reference, type Call } from "../../ports/write.ts"
import { warningOf } from "./client.ts"
import { day, decimal, idOf, idsOf, moneyOf, rowsOf, textOf } from "./payloads.ts"
import { instant, businessDate, type Clock } from "../../base/time.ts"
import { bookedSale, type TrytonOptions } from "./sales/sale.ts"

type Context = Omit<Call, "key">
type PostingOptions = TrytonOptions & { clock: Clock }

export interface Invoice {
  id: number
  number: string
  /** The number of our entry, once it was completed. */
  reference: string
  state: string
  untaxed: Money
  tax: Money
  total: Money
  hasTaxRows: boolean
}

const model = "account.invoice"
const fields = ["number", "reference", "state", "untaxed_amount", "tax_amount", "total_amount", "taxes"]

/**
 * The entry of an order is posted as the sale's own invoice, so that receivables, revenue and tax stay with the ERP.
 * The invoice is dated, gets the charged tax, is compared with the entry to the cent, posted, and paid with the amount
 * the shop captured.
 *
 * An invoice covers the whole sale. The entry of a part of an order differs from it and is refused with both amounts.
 */
export function postsJournals(options: PostingOptions): PostsJournals {
  const numbering = new Turns()
  return {
    postEntry: {
      settleMs: 10_000,
      async probe({ entry }, call) {
        const invoice = await findInvoice(entry, call, options)
        if (!invoice || !isPosted(invoice) || isPaymentDue(entry, invoice, options)) return undefined
        compare(entry, invoice, invoice.tax)
        return posted(invoice, options)
      },
      async send({ entry }, call) {
        assertBalanced(entry)
        if (entry.kind !== "invoice")
          throw new AppError("VENDOR_REJECTED", `entries of the kind "${entry.kind}" are not posted to Tryton`)
        let invoice = await findInvoice(entry, call, options)
        if (!invoice) throw new AppError("VENDOR_REJECTED", `the sale of ${entry.orderId} has no invoice`)
        if (!isPosted(invoice)) {
          await complete(entry, invoice, { call, options })
          const { id } = invoice
          await numbering.take(() => post(entry, id, { call, options }))
          invoice = await readInvoice(id, call, options)
          if (!isPosted(invoice))
            throw new AppError("VENDOR_CONFLICT", `invoice ${id} is ${invoice.state} after it was posted`)
          compare(entry, invoice, invoice.tax)
        }
        if (isPaymentDue(entry, invoice, options)) {
          await pay(entry, invoice, { call, options })
          invoice = await readInvoice(invoice.id, call, options)
          if (invoice.state !== "paid")
            throw new AppError("VENDOR_UNCERTAIN", `invoice ${invoice.number} is ${invoice.state} after it was paid`)
        }
        return posted(invoice, options)
      },
    },
  }
}

/**
 * Runs one posting at a time. Posting takes a gapless number, for which Tryton locks the counter without waiting: of
 * several parallel postings all but one are rolled back and repeated, up to five times, and then refused ("could not
 * obtain lock", seen).
 */
class Turns {
  #last: Promise<unknown> = Promise.resolve()

  take<Result>(work: () => Promise<Result>): Promise<Result> {
    const mine = this.#last.then(work)
    this.#last = mine.catch(() => undefined)
    return mine
  }
}

export const isPosted = ({ state }: Pick<Invoice, "state">): boolean => state === "posted" || state === "paid"

export function posted({ number }: Pick<Invoice, "number">, { system }: TrytonOptions): PostedEntry {
  return { documentNumber: number, reference: reference(system, "invoice", number) }
}

async function findInvoice(entry: JournalEntry, call: Context, options: TrytonOptions): Promise<Invoice | undefined> {
  const sale = await bookedSale(entry.orderId, call, options)
  const invoices = await Promise.all(sale.invoices.map((id) => readInvoice(id, call, options)))
  const live = invoices.filter(({ state }) => state !== "cancelled")
  if (live.length > 1)
    throw new AppError("VENDOR_MISBEHAVED", `sale ${sale.number} has ${live.length} invoices instead of one`)
  return live[0]
}

async function readInvoice(id: number, call: Context, { client, settings }: TrytonOptions): Promise<Invoice> {
  const [row] = rowsOf(await client.read(`model.${model}.read`, [[id], fields], call))
  if (!row) throw new AppError("VENDOR_MISBEHAVED", `invoice ${id} is gone`)
  return invoiceOf(row, settings)
}

/** Invoices of a number; Tryton numbers each of a fiscal year once. */
export async function invoicesNumbered(
  number: string,
  call: Context,
  { client, settings }: TrytonOptions,
): Promise<Invoice[]> {
  const params = [[["number", "=", number]], 0, 10, [["id", "ASC"]], fields]
  return rowsOf(await client.read(`model.${model}.search_read`, params, call)).map((row) => invoiceOf(row, settings))
}

function invoiceOf(row: Record<string, unknown>, settings: TrytonOptions["settings"]): Invoice {
  return {
    id: idOf(row),
    number: typeof row["number"] === "string" ? row["number"] : "",
    reference: typeof row["reference"] === "string" ? row["reference"] : "",
    state: textOf(row, "state"),
    untaxed: moneyOf(row, "untaxed_amount", settings.currency),
    tax: moneyOf(row, "tax_amount", settings.currency),
    total: moneyOf(row, "total_amount", settings.currency),
    hasTaxRows: idsOf(row, "taxes").length > 0,
  }
}

/** The entry's sales without tax, and its tax, as positive amounts (they are credits). */
export function worthOf(entry: JournalEntry): { netMinor: number; taxMinor: number } {
  let netMinor = 0
  let taxMinor = 0
  for (const { account, amount } of entry.lines) {
    const isPaidWith = account === "payment clearing" || account === "receivable"
    // A gift card sold is a credit and part of the invoice; one used for payment is a debit.
    if (isPaidWith || (account === "gift card liability" && amount.amountMinor > 0)) continue
    if (account === "tax payable") taxMinor -= amount.amountMinor
    else netMinor -= amount.amountMinor
  }
  return { netMinor, taxMinor }
}

/** Throws VENDOR_CONFLICT with both amounts unless invoice and entry are equal to the cent. */
function compare(entry: JournalEntry, invoice: Invoice, tax: Money): void {
  const { netMinor, taxMinor } = worthOf(entry)
  const ours = { net: netMinor, tax: taxMinor }
  const theirs = { net: invoice.untaxed.amountMinor, tax: tax.amountMinor }
  if (ours.net !== theirs.net || ours.tax !== theirs.tax)
    throw new AppError(
      "VENDOR_CONFLICT",
      `invoice ${invoice.number || invoice.id} is worth ${theirs.net} and ${theirs.tax} of tax, entry ${entry.number} ${ours.net} and ${ours.tax}`,
      { data: { ours, theirs } },
    )
}

/** Dates a draft and gives it the charged tax. Rows written twice add up, so they are written only where there are none. */
async function complete(
  entry: JournalEntry,
  invoice: Invoice,
  { call, options }: { call: Context; options: TrytonOptions },
): Promise<void> {
  const { client, settings } = options
  const { netMinor, taxMinor } = worthOf(entry)
  const isTaxWanted = taxMinor !== 0 && !invoice.hasTaxRows
  compare(entry, invoice, isTaxWanted ? money(taxMinor, entry.currency) : invoice.tax)
  const text = (amountMinor: number) => decimal(moneyToDecimal(money(amountMinor, entry.currency)))
  const row = {
    description: "Tax as charged",
    account: settings.taxAccount,
    manual: true,
    base: text(netMinor),
    amount: text(taxMinor),
  }
  const values = {
    invoice_date: day(entry.businessDate),
    reference: entry.number,
    ...(isTaxWanted ? { taxes: [["create", [row]]] } : {}),
  }
  await client.write(`model.${model}.write`, [[invoice.id], values], call)
  const after = await readInvoice(invoice.id, call, options)
  compare(entry, after, after.tax)
}

/**
 * An invoice has the date on which the goods left. When it is posted later, after an outage or past midnight, it keeps
 * that date and gets the day of posting as accounting date, because numbers must follow the days ("you must set an
 * accounting date after …, because the sequence has already been used", seen). Its payment is then due in the past, so
 * Tryton asks for a confirmation, which is given.
 */
async function post(
  entry: JournalEntry,
  id: number,
  { call, options }: { call: Context; options: PostingOptions },
): Promise<void> {
  const { client, settings, clock } = options
  const press = () => client.write(`model.${model}.post`, [[id]], call)
  const today = businessDate(instant(clock.now()), settings)
  const postedOn = entry.postingDate ?? (entry.businessDate < today ? today : undefined)
  if (postedOn !== undefined)
    await client.write(`model.${model}.write`, [[id], { accounting_date: day(postedOn) }], call)
  try {
    await press()
  } catch (thrown) {
    const warning = warningOf(thrown)
    if (warning !== `invoice_payment_term_${id}`) throw thrown
    await client.accept(warning, call)
    await press()
  }
}

/** Whether the amount the shop captured covers the invoice and Tryton does not have the payment yet. */
function isPaymentDue(entry: JournalEntry, invoice: Invoice, { settings }: TrytonOptions): boolean {
  const paidMinor = entry.lines
    .filter(({ account }) => account === "payment clearing")
    .reduce((sum, { amount }) => sum + amount.amountMinor, 0)
  return (
    settings.payment !== undefined &&
    invoice.state === "posted" &&
    paidMinor > 0 &&
    paidMinor === invoice.total.amountMinor
  )
}

async function pay(
  entry: JournalEntry,
  invoice: Invoice,
  { call, options }: { call: Context; options: TrytonOptions },
): Promise<void> {
  const { client, settings } = options
  if (!settings.payment) return
  const wizard = client.wizard("account.invoice.pay", { model, id: invoice.id }, call)
  const session = await wizard.create()
  const start = {
    currency_digits: 2,
    // Like the invoice: on another day when the books are closed for the first.
    date: day(entry.postingDate ?? entry.businessDate),
    company: settings.company,
    currency: settings.currencyId,
    amount: decimal(moneyToDecimal(invoice.total)),
    invoice_account: settings.payment.receivable,
    payment_method: settings.payment.method,
    description: entry.number,
  }
  await wizard.execute(session, { state: "choice", data: { start } })
  await wizard.close(session)
}
