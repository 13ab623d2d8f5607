import { cut } from "../../base/text.ts"
import { AppError } from "../../base/errors.ts"
import { derivedId } from "../../base/ids.ts"
import { moneyToDecimal } from "../../base/money.ts"
import { instant, type Clock } from "../../base/time.ts"
import { assertBalanced, type JournalEntry } from "../../canonical/ledger-entry.ts"
import type { PostedEntry, PostsJournals } from "../../ports/capabilities/books.ts"
import type { SapOptions } from "./books-orders.ts"
import type { SapSettings } from "./settings.ts"
import { textsBetween, xmlText } from "../../protocols/xml.ts"
import { literal, rowsOf, textOf } from "../../protocols/odata-v2.ts"

// SOAP service "Journal Entry - Post (Synchronous)", SAP_COM_0002; the OData service only reads.
const postPath = "/sap/bc/srt/scs_ext/sap/journalentrycreaterequestconfi"
const readPath = "/API_JOURNALENTRYITEMBASIC_SRV/A_JournalEntryItemBasic"

export function postsJournals(options: SapOptions & { clock: Clock }): PostsJournals {
  const { client, settings, clock } = options
  return {
    postEntry: {
      async send({ entry }, call) {
        assertBalanced(entry)
        const envelope = journalEnvelope(entry, { key: call.key, settings, nowMs: clock.now() })
        return posted(readConfirmation(await client.soap(postPath, envelope, call)), options)
      },
      async probe({ entry }, call) {
        const filter = [
          `DocumentReferenceID%20eq%20${literal(documentReference(entry, call.key))}`,
          `CompanyCode%20eq%20${literal(settings.companyCode)}`,
        ].join("%20and%20")
        const rows = rowsOf(
          await client.get(`${readPath}?$filter=${filter}&$select=AccountingDocument,FiscalYear`, call),
        )
        const found = [
          ...new Set(
            rows.map((row) => `${shortNumber(textOf(row, "AccountingDocument"))}/${textOf(row, "FiscalYear")}`),
          ),
        ]
        if (found.length > 1)
          throw new AppError("VENDOR_MISBEHAVED", `journal entries ${found.join(" and ")} are both ${entry.number}`)
        const [number] = (found[0] ?? "").split("/")
        return number ? posted(number, options) : undefined
      },
    },
  }
}

function posted(number: string, { system }: SapOptions): PostedEntry {
  return { documentNumber: number, reference: { system, type: "journal entry", id: number } }
}

/** OData shows document numbers without leading zeros, SOAP with them. */
function shortNumber(number: string): string {
  return number.replace(/^0+(?=\d)/, "")
}

/** DocumentReferenceID takes 16 characters. A longer key is replaced by a derived one, and the header text shows the number. */
function documentReference(entry: JournalEntry, key: string): string {
  return key.length <= 16 ? key : derivedId("j", entry.number, key).slice(2)
}

function journalEnvelope(entry: JournalEntry, options: { key: string; settings: SapSettings; nowMs: number }): string {
  const { key, settings } = options
  const header = `<MessageHeader><ID>${xmlText(key)}</ID><CreationDateTime>${instant(options.nowMs)}</CreationDateTime></MessageHeader>`
  const fields = {
    OriginalReferenceDocumentType: "BKPFF",
    BusinessTransactionType: "RFBU",
    AccountingDocumentType: settings.journalTypes[entry.kind],
    DocumentReferenceID: documentReference(entry, key),
    DocumentHeaderText: entry.number.slice(0, 25),
    CreatedByUser: settings.user.slice(0, 12),
    CompanyCode: settings.companyCode,
    DocumentDate: entry.businessDate,
    PostingDate: entry.businessDate,
  }
  const elements = Object.entries(fields).map(([name, value]) => `<${name}>${xmlText(value)}</${name}>`)
  // SAP refuses lines of zero, and they carry no information.
  const lines = entry.lines.filter((line) => line.amount.amountMinor !== 0)
  const rows = lines.map((line, index) => journalLine(line, { entry, settings, number: index + 1 }))
  // The order of elements follows the service's schema: G/L lines come before debtor lines.
  const inOrder = [
    ...rows.filter((row) => row.startsWith("<Item>")),
    ...rows.filter((row) => !row.startsWith("<Item>")),
  ]
  const request = `<JournalEntryCreateRequest>${header}<JournalEntry>${elements.join("")}${inOrder.join("")}</JournalEntry></JournalEntryCreateRequest>`
  return `<?xml version="1.0" encoding="utf-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sfin="http://sap.com/xi/SAPSCORE/SFIN"><soapenv:Header/><soapenv:Body><sfin:JournalEntryBulkCreateRequest>${header}${request}</sfin:JournalEntryBulkCreateRequest></soapenv:Body></soapenv:Envelope>`
}

function journalLine(
  line: JournalEntry["lines"][number],
  { entry, settings, number }: { entry: JournalEntry; settings: SapSettings; number: number },
): string {
  const isDebtor = line.account === "receivable"
  const account = line.account === "receivable" ? settings.soldToParty : settings.accounts[line.account]
  const common = [
    `<AmountInTransactionCurrency currencyCode="${line.amount.currency}">${moneyToDecimal(line.amount)}</AmountInTransactionCurrency>`,
    `<DebitCreditCode>${line.amount.amountMinor < 0 ? "H" : "S"}</DebitCreditCode>`,
    `<DocumentItemText>${xmlText(cut(line.text ?? line.account, 50))}</DocumentItemText>`,
    `<AssignmentReference>${xmlText(entry.orderId.slice(0, 18))}</AssignmentReference>`,
  ].join("")
  const reference = `<ReferenceDocumentItem>${number}</ReferenceDocumentItem>`
  return isDebtor
    ? `<DebtorItem>${reference}<Debtor>${xmlText(account)}</Debtor>${common}</DebtorItem>`
    : `<Item>${reference}<GLAccount>${xmlText(account)}</GLAccount>${common}</Item>`
}

/** The service returns 200 whether it posted or not. A refusal has a document number of zeros and its reasons in the log. */
function readConfirmation(answer: string): string {
  const number = textsBetween(answer, "AccountingDocument").find((text) => /[1-9]/.test(text))
  if (number !== undefined) return shortNumber(number)
  const notes = textsBetween(answer, "Note")
  // Severity 3 is an error (UN/CEFACT processing result codes as SAP uses them: 1 information, 2 warning, 3 error).
  const isRefused = textsBetween(answer, "SeverityCode").some((code) => Number(code) >= 3)
  if (isRefused || notes.length > 0)
    throw new AppError("VENDOR_REJECTED", notes.join("; "), {
      problems: notes.map((message) => ({ pointer: "", message })),
    })
  throw new AppError("VENDOR_UNCERTAIN", `no document number and no log: ${answer.slice(0, 200)}`)
}
