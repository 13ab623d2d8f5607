import type { FastifyInstance } from "fastify"
import { XMLParser } from "fast-xml-parser"
import type { SimulatorContext } from "../../simulator.ts"
import { rawBody } from "../../simulator.ts"
import type { Company } from "../company.ts"
import type { Journal, JournalLine, LogItem } from "./journals.ts"
import { bookJournal, checkJournal } from "./journals.ts"
import type { Oddness } from "../odata/odd-answers.ts"
import type { Sessions } from "../odata/session.ts"

// Service, action, elements and their order: the service's WSDL as a public repository holds it; confirmations, posted and
// refused, from answers of real systems of 2020 and 2024 in public repositories (real.md).
const path = "/sap/bc/srt/scs_ext/sap/journalentrycreaterequestconfi"
const namespace = "http://sap.com/xi/SAPSCORE/SFIN"
const action = `${namespace}/JournalEntryCreateRequestConfirmation_In/JournalEntryCreateRequestConfirmation_InRequest`

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  removeNSPrefix: true,
  parseTagValue: false,
  parseAttributeValue: false,
  isArray: (name) => ["JournalEntryCreateRequest", "Item", "DebtorItem", "ProductTaxItem"].includes(name),
})

type Xml = Record<string, unknown>

/** Posts journal entries by SOAP; business refusals are HTTP 200 with a Log. */
export function addJournalService(
  app: FastifyInstance,
  options: { company: Company; context: SimulatorContext; sessions: Sessions; odd: Oddness },
): void {
  const { company, context, sessions, odd } = options
  app.post(path, async (request, reply) => {
    if (!sessions.isAuthenticated(request, reply)) return reply
    const source = rawBody(request).toString("utf8")
    const bulk = bulkRequest(source)
    const requests = bulk === undefined ? [] : listOf(bulk["JournalEntryCreateRequest"]).map(readJournal)
    // Not the whole message: its time of creation differs with every retry.
    const sentinel = requests.map((journal) => `${journal.documentReferenceId} ${journal.headerText}`).join(" ")
    const call = await context.begin(request, { operation: "postJournal", sentinel })
    reply.type("text/xml; charset=utf-8")
    const isNamed = String(request.headers["soapaction"] ?? "").replaceAll('"', "") === action
    if (bulk === undefined || !isNamed) return reply.code(500).send(soapFault("Web service processing error"))
    const unordered = requests.find((journal) => !journal.isInOrder)
    if (unordered !== undefined)
      return reply.code(500).send(soapFault("CX_ST_MATCH_ELEMENT: System expected another element"))
    const checked = requests.map((journal) => ({ journal, log: checkJournal(company, journal) }))
    const results = call.commit(() =>
      checked.map(({ journal, log }) =>
        log.length > 0 ? refusal(journal, log, odd) : posted(journal, bookJournal(company, journal)),
      ),
    )
    return reply.send(envelope(confirmationBody(textOf(child(bulk["MessageHeader"]), "ID"), results)))
  })
}

function bulkRequest(source: string): Xml | undefined {
  try {
    const document = child(parser.parse(source))
    const body = child(child(document["Envelope"])["Body"])
    const bulk = body["JournalEntryBulkCreateRequest"]
    return typeof bulk === "object" && bulk !== null ? child(bulk) : undefined
  } catch {
    return undefined
  }
}

function readJournal(request: unknown): Journal {
  const entry = child(child(request)["JournalEntry"])
  return {
    messageId: textOf(child(child(request)["MessageHeader"]), "ID"),
    companyCode: textOf(entry, "CompanyCode"),
    documentType: textOf(entry, "AccountingDocumentType"),
    documentReferenceId: textOf(entry, "DocumentReferenceID"),
    originalReference: textOf(entry, "OriginalReferenceDocument"),
    headerText: textOf(entry, "DocumentHeaderText"),
    // xsd:date may end in a time zone, as `2021-05-25Z`.
    isInOrder: isInOrder(Object.keys(entry)),
    documentDate: textOf(entry, "DocumentDate").slice(0, 10),
    postingDate: textOf(entry, "PostingDate").slice(0, 10),
    lines: [
      ...listOf(entry["Item"]).map((line) => readLine(line, "GLAccount")),
      ...listOf(entry["DebtorItem"]).map((line) => readLine(line, "Debtor")),
      ...listOf(entry["ProductTaxItem"]).map((line) => readLine(line, "TaxCode")),
    ],
  }
}

function readLine(line: unknown, kind: JournalLine["kind"]): JournalLine {
  const fields = child(line)
  const amount = fields["AmountInTransactionCurrency"]
  return {
    kind,
    account: textOf(fields, kind),
    amountText: amountText(amount),
    currency: typeof amount === "string" ? "" : textOf(child(amount), "@currencyCode"),
    debitCreditCode: textOf(fields, "DebitCreditCode"),
    text: textOf(fields, "DocumentItemText"),
    assignment: textOf(fields, "AssignmentReference"),
    taxBaseText: amountText(fields["TaxBaseAmountInTransCrcy"]),
    taxCode: kind === "TaxCode" ? textOf(fields, "TaxCode") : textOf(child(fields["Tax"]), "TaxCode"),
    reference: textOf(fields, "ReferenceDocumentItem"),
  }
}

function amountText(amount: unknown): string {
  return typeof amount === "string" ? amount : textOf(child(amount), "#text")
}

/** The schema is a sequence: an element in another place is an error of the parser, not of bookkeeping. */
const sequence = [
  "OriginalReferenceDocumentType",
  "OriginalReferenceDocument",
  "BusinessTransactionType",
  "AccountingDocumentType",
  "DocumentReferenceID",
  "DocumentHeaderText",
  "CreatedByUser",
  "CompanyCode",
  "DocumentDate",
  "PostingDate",
  "Item",
  "DebtorItem",
  "CreditorItem",
  "ProductTaxItem",
]

function isInOrder(names: readonly string[]): boolean {
  const places = names.map((name) => sequence.indexOf(name))
  return places.every((place, index) => place >= 0 && place > (places[index - 1] ?? -1))
}

type Booked = { document: string; fiscalYear: string }

function posted(journal: Journal, { document, fiscalYear }: Booked): string {
  const note = `Document posted successfully: BKPFF ${document}${journal.companyCode}${fiscalYear} LABCLNT100`
  const keys = { document, company: journal.companyCode, year: fiscalYear }
  return confirmation(journal, keyXml(keys), [{ typeId: "605(RW)", severity: 1, note }])
}

/** A refused entry has a document number of zeros; systems of 2020 answered a blank, and the schema allows none at all. */
function refusal(journal: Journal, log: readonly LogItem[], { share, random }: Oddness): string {
  const none = random.chance(share) ? keyXml({ document: " ", company: " ", year: "0000" }) : ""
  const zeros = keyXml({ document: "0000000000", company: "", year: "0000" })
  return confirmation(journal, random.chance(share) ? none : zeros, log)
}

function keyXml({ document, company, year }: { document: string; company: string; year: string }): string {
  return `<JournalEntryCreateConfirmation><AccountingDocument>${document}</AccountingDocument><CompanyCode>${escapeXml(company)}</CompanyCode><FiscalYear>${year}</FiscalYear></JournalEntryCreateConfirmation>`
}

function confirmation(journal: Journal, keys: string, log: readonly LogItem[]): string {
  const header = `<MessageHeader><UUID>00000000-0000-1eed-8000-00000000ab1e</UUID><ReferenceID>${escapeXml(journal.messageId)}</ReferenceID><CreationDateTime>${new Date().toISOString()}</CreationDateTime></MessageHeader>`
  return `<JournalEntryCreateConfirmation>${header}${keys}${logXml(log)}</JournalEntryCreateConfirmation>`
}

function logXml(items: readonly LogItem[]): string {
  const worst = Math.max(...items.map((item) => item.severity))
  const rows = items.map(
    (item) =>
      `<Item><TypeID>${item.typeId}</TypeID><SeverityCode>${item.severity}</SeverityCode><Note>${escapeXml(item.note)}</Note></Item>`,
  )
  return `<Log><MaximumLogItemSeverityCode>${worst}</MaximumLogItemSeverityCode>${rows.join("")}</Log>`
}

function confirmationBody(messageId: string, results: readonly string[]): string {
  const header = `<MessageHeader><ReferenceID>${escapeXml(messageId)}</ReferenceID><CreationDateTime>${new Date().toISOString()}</CreationDateTime></MessageHeader>`
  return `<n0:JournalEntryBulkCreateConfirmation xmlns:n0="${namespace}">${header}<ConfirmationInterfaceOrignName/>${results.join("")}<Log/></n0:JournalEntryBulkCreateConfirmation>`
}

function soapFault(message: string): string {
  return envelope(
    `<soap-env:Fault><faultcode>soap-env:Server</faultcode><faultstring xml:lang="en">${message}</faultstring></soap-env:Fault>`,
  )
}

function envelope(body: string): string {
  return `<soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/"><soap-env:Header/><soap-env:Body>${body}</soap-env:Body></soap-env:Envelope>`
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")
}

function child(value: unknown): Xml {
  // Parsed XML: elements with children are objects, everything else has no children.
  return typeof value === "object" && value !== null ? (value as Xml) : {}
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value]
}

function textOf(fields: Xml, name: string): string {
  const value = fields[name]
  return typeof value === "string" ? value : typeof value === "object" ? String(child(value)["#text"] ?? "") : ""
}
