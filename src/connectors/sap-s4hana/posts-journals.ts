import { cut } from "../../base/text.ts"
import { AppError } from "../../base/errors.ts"
import { derivedId } from "../../base/ids.ts"
import { money, moneyToDecimal } from "../../base/money.ts"
import { instant, type Clock } from "../../base/time.ts"
import { assertBalanced, postingDateOf, type JournalEntry } from "../../canonical/ledger-entry.ts"
import type { PostedEntry, PostsCredits, PostsJournals } from "../../ports/capabilities/books.ts"
import type { Call } from "../../ports/write.ts"
import { checkBilling } from "./check/check-billing.ts"
import type { SapOptions } from "./books-orders.ts"
import type { SapSettings } from "./settings.ts"
import { taxBaseMinor, taxCode } from "./journals/tax-codes.ts"
import { textsBetween, xmlText } from "../../protocols/xml.ts"
import { literal, rowsOf, textOf } from "../../protocols/odata-v2.ts"

// SOAP service "Journal Entry - Post (Synchronous)", SAP_COM_0002; action and elements as in its WSDL.
const postPath = "/sap/bc/srt/scs_ext/sap/journalentrycreaterequestconfi"
const namespace = "http://sap.com/xi/SAPSCORE/SFIN"
const action = `${namespace}/JournalEntryCreateRequestConfirmation_In/JournalEntryCreateRequestConfirmation_InRequest`
// The items of A_JournalEntryItemBasic have neither a reference nor a document number.
export const entriesPath = "/API_OPLACCTGDOCITEMCUBE_SRV/A_OperationalAcctgDocItemCube"

/**
 * Posts revenue, tax and payment of a shipment. Where SAP bills, it states them itself: nothing is posted then, and the
 * document number is "".
 */
export function postsJournals(options: SapOptions & { clock: Clock }): PostsJournals {
  const nothing = async (): Promise<PostedEntry> => ({ documentNumber: "" })
  const isBilled = options.settings.invoicedBy === "SAP billing"
  return { postEntry: isBilled ? { send: nothing, probe: nothing } : postsEntries(options) }
}

/**
 * Takes revenue and tax back where journal entries state them. Where SAP bills, its credit memo has to follow the billing document,
 * so this is not offered and finance posts it.
 */
export function postsCredits(options: SapOptions & { clock: Clock }): PostsCredits {
  return { postCredit: postsEntries(options) }
}

function postsEntries(options: SapOptions & { clock: Clock }): PostsJournals["postEntry"] {
  const { client, settings, clock } = options
  let isTypeChecked = false
  return {
    async send({ entry }, call) {
      assertBalanced(entry)
      if (!isTypeChecked) await refuseIfBilled(call, options)
      isTypeChecked = true
      const envelope = journalEnvelope(entry, { key: call.key, settings, nowMs: clock.now() })
      const confirmation = await client.soap({ path: postPath, action, envelope }, call)
      return posted(readConfirmation(confirmation), options)
    },
    async probe({ entry }, call) {
      const filter = [
        `DocumentReferenceID%20eq%20${literal(documentReference(entry.number, call.key))}`,
        `CompanyCode%20eq%20${literal(settings.companyCode)}`,
      ].join("%20and%20")
      const path = `${entriesPath}?$filter=${filter}&$select=CompanyCode,AccountingDocument,FiscalYear`
      const rows = rowsOf(await client.get(path, call))
      const found = [
        ...new Set(rows.map((row) => `${shortNumber(textOf(row, "AccountingDocument"))}/${textOf(row, "FiscalYear")}`)),
      ]
      if (found.length > 1)
        throw new AppError("VENDOR_MISBEHAVED", `journal entries ${found.join(" and ")} are both ${entry.number}`)
      const [number] = (found[0] ?? "").split("/")
      return number ? posted(number, options) : undefined
    },
  }
}

/** Looked up before the first entry of a process: revenue that is stated twice is worse than one that waits for a person. */
async function refuseIfBilled(call: Call, options: SapOptions): Promise<void> {
  try {
    await checkBilling(call, options)
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== "CONFIG_INVALID") throw thrown
    throw new AppError("VENDOR_REJECTED", thrown.message)
  }
}

export function posted(number: string, { system }: SapOptions): PostedEntry {
  return { documentNumber: number, reference: { system, type: "journal entry", id: number } }
}

/** OData shows document numbers without leading zeros, SOAP with them. */
export function shortNumber(number: string): string {
  return number.replace(/^0+(?=\d)/, "")
}

/**
 * DocumentReferenceID takes 16 characters and is kept in upper case. A longer key is replaced by a derived one, and the
 * header text shows the number.
 */
export function documentReference(number: string, key: string): string {
  return (key.length <= 16 ? key : derivedId("j", number, key).slice(2)).toUpperCase()
}

/** SOAP converts nothing: accounts and customers that are numbers need their leading zeros. */
function padded(account: string): string {
  return /^\d+$/.test(account) ? account.padStart(10, "0") : account
}

function journalEnvelope(entry: JournalEntry, options: { key: string; settings: SapSettings; nowMs: number }): string {
  const { key, settings } = options
  const header = `<MessageHeader><ID>${xmlText(key)}</ID><CreationDateTime>${instant(options.nowMs)}</CreationDateTime></MessageHeader>`
  const fields = {
    OriginalReferenceDocumentType: "BKPFF",
    BusinessTransactionType: "RFBU",
    AccountingDocumentType: settings.journalTypes[entry.kind],
    DocumentReferenceID: documentReference(entry.number, key),
    DocumentHeaderText: cut(entry.text ?? entry.number, 25),
    CreatedByUser: settings.user.slice(0, 12),
    CompanyCode: settings.companyCode,
    DocumentDate: entry.businessDate,
    PostingDate: postingDateOf(entry),
  }
  const elements = Object.entries(fields).map(([name, value]) => `<${name}>${xmlText(value)}</${name}>`)
  const rows = journalRows(entry, settings)
  const request = `<JournalEntryCreateRequest>${header}<JournalEntry>${elements.join("")}${rows}</JournalEntry></JournalEntryCreateRequest>`
  return `<?xml version="1.0" encoding="utf-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sfin="${namespace}"><soapenv:Header/><soapenv:Body><sfin:JournalEntryBulkCreateRequest>${header}${request}</sfin:JournalEntryBulkCreateRequest></soapenv:Body></soapenv:Envelope>`
}

type Line = JournalEntry["lines"][number]

const isTax = ({ account }: Line) => account === "tax payable"

/** In the order of the service's schema: G/L accounts, then debtors, then tax. */
function journalRows(entry: JournalEntry, settings: SapSettings): string {
  // SAP refuses lines of zero, and they carry no information.
  const lines = entry.lines.filter((line) => line.amount.amountMinor !== 0)
  const isDebtor = ({ account }: Line) => account === "receivable"
  const numbered = lines.map((line, index) => ({ ...line, number: index + 1 }))
  return [
    ...numbered.filter((line) => !isTax(line) && !isDebtor(line)).map((line) => accountRow(line, { entry, settings })),
    ...numbered.filter(isDebtor).map((line) => debtorRow(line, { entry, settings })),
    ...numbered
      .filter(isTax)
      .map((line) => taxRow(line, { entry, settings, baseMinor: taxBaseMinor(lines, line.tax) })),
  ].join("")
}

const sales: readonly Line["account"][] = ["revenue", "shipping revenue"]

function amountElement(name: string, amount: Line["amount"]): string {
  return `<${name} currencyCode="${amount.currency}">${moneyToDecimal(amount)}</${name}>`
}

function rowStart(line: Line & { number: number }): string {
  return `<ReferenceDocumentItem>${line.number}</ReferenceDocumentItem>`
}

function rowEnd(line: Line, entry: JournalEntry): string {
  return [
    amountElement("AmountInTransactionCurrency", line.amount),
    debitOrCredit(line),
    `<DocumentItemText>${xmlText(cut(line.text ?? line.account, 50))}</DocumentItemText>`,
    `<AssignmentReference>${xmlText(entry.orderId.slice(0, 18))}</AssignmentReference>`,
  ].join("")
}

function debitOrCredit({ amount }: Line): string {
  return `<DebitCreditCode>${amount.amountMinor < 0 ? "H" : "S"}</DebitCreditCode>`
}

type RowContext = { entry: JournalEntry; settings: SapSettings }

function accountRow(line: Line & { number: number }, { entry, settings }: RowContext): string {
  const { account } = line
  if (account === "receivable" || account === "tax payable") return ""
  // Revenue accounts demand a tax code, also where no tax was charged.
  const tax = sales.includes(account)
    ? `<Tax><TaxCode>${xmlText(taxCode(settings, line.tax, entry.lines))}</TaxCode></Tax>`
    : ""
  return `<Item>${rowStart(line)}<GLAccount>${xmlText(padded(settings.accounts[account]))}</GLAccount>${rowEnd(line, entry)}${tax}</Item>`
}

function debtorRow(line: Line & { number: number }, { entry, settings }: RowContext): string {
  return `<DebtorItem>${rowStart(line)}<Debtor>${xmlText(padded(settings.soldToParty))}</Debtor>${rowEnd(line, entry)}</DebtorItem>`
}

/** SAP posts to the account of the tax code; a posting to the account itself is refused (FF747). */
function taxRow(
  line: Line & { number: number },
  { entry, settings, baseMinor }: RowContext & { baseMinor: number },
): string {
  if (line.tax === undefined)
    throw new AppError("VENDOR_REJECTED", `entry ${entry.number} does not say which tax its tax is`)
  const code = `<TaxCode>${xmlText(taxCode(settings, line.tax, entry.lines))}</TaxCode>`
  const amount = amountElement("AmountInTransactionCurrency", line.amount)
  const base = amountElement("TaxBaseAmountInTransCrcy", money(baseMinor, entry.currency))
  return `<ProductTaxItem>${rowStart(line)}${code}${amount}${debitOrCredit(line)}${base}</ProductTaxItem>`
}

/** The service returns 200 whether it posted or not. A refusal has a document number of zeros and its reasons in the log. */
function readConfirmation(answer: string): string {
  const number = textsBetween(answer, "AccountingDocument").find((text) => /[1-9]/.test(text))
  if (number !== undefined) return shortNumber(number)
  const notes = textsBetween(answer, "Note")
  const problems = notes.map((message) => ({ pointer: "", message }))
  // Message class F5 number 201: the posting period is not open.
  if (textsBetween(answer, "TypeID").includes("201(F5)"))
    throw new AppError("PERIOD_CLOSED", notes.join("; "), { problems })
  // Severity 3 is an error (UN/CEFACT processing result codes as SAP uses them: 1 information, 2 warning, 3 error).
  const isRefused = textsBetween(answer, "SeverityCode").some((code) => Number(code) >= 3)
  if (isRefused || notes.length > 0) throw new AppError("VENDOR_REJECTED", notes.join("; "), { problems })
  throw new AppError("VENDOR_UNCERTAIN", `no document number and no log: ${answer.slice(0, 200)}`)
}
