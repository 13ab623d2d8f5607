import { AppError } from "../../../base/errors.ts"
import { moneyFromDecimal, moneyText, sumMoney, type Money } from "../../../base/money.ts"
import type { JournalEntry, JournalLine } from "../../../canonical/ledger-entry.ts"
import type { PostsJournals } from "../../../ports/capabilities/books.ts"
import type { Asked, Call, LinksOf } from "../../../ports/write.ts"
import { literal, rowsOf, textOf, textOrNone } from "../../../protocols/odata-v2.ts"
import type { SapOptions } from "../books-orders.ts"
import { documentReference, entriesPath, posted, shortNumber } from "../posts-journals.ts"
import type { SapSettings } from "../settings.ts"
import { shownNumber } from "./sales-order.ts"

type Context = Omit<Call, "key">

const columns = [
  "FiscalYear",
  "AccountingDocumentType",
  "DocumentReferenceID",
  "AssignmentReference",
  "GLAccount",
  "Customer",
  "TaxCode",
  "AmountInTransactionCurrency",
  "TransactionCurrency",
]

/**
 * A journal entry that somebody linked to an invoice or a credit. Its number is one of a fiscal year: where several years have it, people
 * write the year after a slash.
 */
export function journalEntryLinks(options: SapOptions): LinksOf<PostsJournals["postEntry"]> {
  const { settings } = options
  return {
    document: "journal entry",
    asks: ({ entry }) => asks(entry, settings),
    async read({ number, order, key }, call) {
      const rows = await rowsOfEntry(number, call, options)
      const [first] = rows
      if (first === undefined) return undefined
      const shown = shownNumber(number.split("/")[0] ?? "")
      const reference = textOrNone(first, "DocumentReferenceID")
      const other = orderOf(rows)
      const isOthers = other !== undefined && other !== assignment(order.id)
      return {
        output: posted(shown, options),
        // An entry that we posted carries the key in a form of 16 characters.
        reference: reference === documentReference(key, key) ? key : reference,
        ...totalOf(rows),
        lines: linesOf(rows, settings),
        state: `posted as ${textOrNone(first, "AccountingDocumentType")}`,
        ...(isOthers ? { cannotBe: `it is assigned to another order, ${other}…` } : {}),
      }
    },
    named: (typed) => posted(shownNumber(typed.split("/")[0] ?? ""), options),
  }
}

async function rowsOfEntry(typed: string, call: Context, { client, settings }: SapOptions): Promise<unknown[]> {
  const [number = "", year] = typed.split("/")
  const filter = [
    `AccountingDocument%20eq%20${literal(shownNumber(number))}`,
    `CompanyCode%20eq%20${literal(settings.companyCode)}`,
    ...(year === undefined ? [] : [`FiscalYear%20eq%20${literal(year.trim())}`]),
  ].join("%20and%20")
  const rows = rowsOf(await client.get(`${entriesPath}?$filter=${filter}&$select=${columns.join(",")}`, call))
  const years = [...new Set(rows.map((row) => textOf(row, "FiscalYear")))].sort()
  if (years.length > 1) {
    const message = `${number} is a journal entry of ${years.join(" and of ")}; write ${number}/${years.at(-1) ?? ""}`
    throw new AppError("REQUEST_INVALID", message, { problems: [{ pointer: "/spec/number", message }] })
  }
  return rows
}

// Entries carry their order's id, cut to the 18 characters of the field.
const assignment = (orderId: string) => orderId.slice(0, 18).toLowerCase()

/** The order of ours that an entry is assigned to; undefined for one that somebody assigned otherwise. */
function orderOf(rows: readonly unknown[]): string | undefined {
  const all = rows.map((row) => textOrNone(row, "AssignmentReference").toLowerCase())
  return all.find((one) => /^ord_[0-9a-z]{14}$/.test(one))
}

/** An entry is worth its debits, which are as much as its credits. */
function totalOf(rows: readonly unknown[]): { total?: Money } {
  const amounts = rows.map(amountOf)
  const [currency, another] = new Set(amounts.map((one) => one.currency))
  if (currency === undefined || another !== undefined) return {}
  return {
    total: sumMoney(
      amounts.filter(({ amountMinor }) => amountMinor > 0),
      currency,
    ),
  }
}

const amountOf = (row: unknown) =>
  moneyFromDecimal(textOf(row, "AmountInTransactionCurrency"), textOf(row, "TransactionCurrency"))

function linesOf(rows: readonly unknown[], settings: SapSettings): Record<string, string> {
  const known = new Set(Object.values(settings.accounts).map(shortNumber))
  return summed(
    rows.map((row) => {
      const [customer, account] = [textOrNone(row, "Customer"), shortNumber(textOrNone(row, "GLAccount"))]
      const isTax = !known.has(account) && textOrNone(row, "TaxCode") !== ""
      // SAP posts tax to the account of its code, which settings do not name.
      return [customer !== "" ? customerName(customer) : isTax ? "tax" : accountName(account), amountOf(row)]
    }),
  )
}

const customerName = (number: string) => `customer ${shortNumber(number)}`
const accountName = (number: string) => `account ${shortNumber(number)}`

function asks(entry: JournalEntry, settings: SapSettings): Asked {
  const debits = entry.lines.map(({ amount }) => amount).filter(({ amountMinor }) => amountMinor > 0)
  return {
    worth: sumMoney(debits, entry.currency),
    lines: summed(entry.lines.map((line) => [nameOf(line, settings), line.amount])),
  }
}

function nameOf({ account }: JournalLine, { accounts, soldToParty }: SapSettings): string {
  if (account === "tax payable") return "tax"
  return account === "receivable" ? customerName(soldToParty) : accountName(accounts[account])
}

/** The sum of each account. Sums of zero are left out, because SAP takes no such lines. */
function summed(parts: readonly (readonly [name: string, amount: Money])[]): Record<string, string> {
  const sums = new Map<string, Money>()
  for (const [name, amount] of parts) {
    const before = sums.get(name)
    sums.set(name, before?.currency === amount.currency ? sumMoney([before, amount], amount.currency) : amount)
  }
  return Object.fromEntries(
    [...sums].filter(([, { amountMinor }]) => amountMinor !== 0).map(([name, amount]) => [name, moneyText(amount)]),
  )
}
