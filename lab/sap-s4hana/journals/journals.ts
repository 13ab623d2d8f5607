import type { Company } from "../company.ts"
import { currencyScale, decimalOf, scaled } from "../decimals.ts"
import { dateValue, withoutZeros } from "../odata/entities.ts"

export type JournalLine = {
  kind: "GLAccount" | "Debtor" | "TaxCode"
  account: string
  amountText: string
  currency: string
  /** S debit, H credit; the sign of the amount must agree. */
  debitCreditCode: string
  text: string
  assignment: string
  taxCode: string
  /** What the tax is on; only product tax items have it, and need it. */
  taxBaseText: string
  reference: string
}

export type Journal = {
  messageId: string
  companyCode: string
  documentType: string
  documentReferenceId: string
  originalReference: string
  headerText: string
  documentDate: string
  postingDate: string
  /** Whether its elements stand in the order of the schema. */
  isInOrder: boolean
  lines: readonly JournalLine[]
}

export type LogItem = { typeId: string; severity: number; note: string }

const receivablesAccount = "12100000"

/** Everything wrong with an entry; empty when it may be posted. Message numbers: general knowledge, not verified. */
export function checkJournal({ master, openFrom }: Company, journal: Journal): LogItem[] {
  const problems: string[][] = []
  if (journal.companyCode !== master.companyCode) {
    problems.push(["165(F5)", `Company code ${journal.companyCode} does not exist`])
  }
  if (!/^\d{4}-\d{2}-\d{2}$/.test(journal.postingDate))
    problems.push(["808(F5)", "Field Posting Date is a required field"])
  else if (journal.postingDate < openFrom) {
    const [year = "", month = ""] = journal.postingDate.split("-")
    problems.push(["201(F5)", `Posting period 0${month} ${year} is not open`])
  }
  if (journal.documentReferenceId.length > 16) problems.push(["002(FINS_ACDOC)", "Reference exceeds 16 characters"])
  if (journal.lines.length < 2) problems.push(["727(F5)", "A document needs at least two line items"])
  for (const line of journal.lines) problems.push(...lineProblems(line, master))
  for (const currency of new Set(journal.lines.map((line) => line.currency))) {
    if (balanceOf(journal, currency) !== 0n) problems.push(["702(F5)", "Balance in transaction currency"])
  }
  if (problems.length === 0) return []
  const first = { typeId: "609(RW)", severity: 3, note: "Error in document: BKPFF $ LABCLNT100" }
  return [first, ...problems.map(([typeId = "", note = ""]) => ({ typeId, severity: 3, note }))]
}

function lineProblems(line: JournalLine, master: Company["master"]): string[][] {
  const problems: string[][] = []
  const account = withoutZeros(line.account)
  if (line.kind === "GLAccount" && !master.glAccounts.has(account)) {
    problems.push(["344(F5)", `G/L account ${account} is not defined in chart of accounts YCOA`])
  }
  if (line.kind === "GLAccount" && [...master.taxCodes.values()].includes(account)) {
    problems.push([
      "747(FF)",
      `Direct posting to tax account ${account} is not possible: use a tax item with a tax code`,
    ])
  }
  if (line.kind === "TaxCode" && !master.taxCodes.has(line.taxCode)) {
    problems.push(["753(FF)", `Tax code ${line.taxCode} in procedure TAXEUX is invalid`])
  }
  if (line.kind === "TaxCode" && scaled(line.taxBaseText, currencyScale(line.currency)) === undefined) {
    problems.push(["805(FF)", `Tax base amount for tax code ${line.taxCode} is missing`])
  }
  if (line.kind === "Debtor" && !master.customers.has(account)) {
    problems.push(["102(F5)", `Customer ${account} is not defined in company code ${master.companyCode}`])
  }
  const minor = scaled(line.amountText, currencyScale(line.currency))
  if (minor === undefined) problems.push(["063(F5)", `Amount ${line.amountText} ${line.currency} is not valid`])
  else if ((line.debitCreditCode === "S" && minor < 0n) || (line.debitCreditCode === "H" && minor > 0n)) {
    problems.push(["730(F5)", "Debit/credit code contradicts the sign of the amount"])
  }
  return problems
}

function balanceOf(journal: Journal, currency: string): bigint {
  const scale = currencyScale(currency)
  return journal.lines.reduce(
    (sum, line) => (line.currency === currency ? sum + (scaled(line.amountText, scale) ?? 0n) : sum),
    0n,
  )
}

/** Writes the document; posting the same message twice makes two documents. Call inside a commit. */
export function bookJournal(company: Company, journal: Journal): { document: string; fiscalYear: string } {
  const document = company.nextNumber("journal", 100_000_000)
  const fiscalYear = journal.postingDate.slice(0, 4)
  const version = { ms: company.nextMs() }
  for (const [index, line] of journal.lines.entries()) {
    const scale = currencyScale(line.currency)
    const minor = scaled(line.amountText, scale) ?? 0n
    const taxAccount = company.master.taxCodes.get(line.taxCode) ?? ""
    const account = { GLAccount: line.account, Debtor: receivablesAccount, TaxCode: taxAccount }[line.kind]
    const entry = company.sets.journalItems.add(
      {
        CompanyCode: journal.companyCode,
        FiscalYear: fiscalYear,
        AccountingDocument: document,
        AccountingDocumentItem: String(index + 1).padStart(3, "0"),
        LedgerGLLineItem: String(index + 1).padStart(6, "0"),
        Ledger: "0L",
        AccountingDocumentType: journal.documentType,
        // Kept in upper case, whatever was sent (sap:display-format "UpperCase").
        DocumentReferenceID: journal.documentReferenceId.toUpperCase(),
        OriginalReferenceDocument: journal.originalReference,
        AccountingDocumentHeaderText: journal.headerText,
        GLAccount: withoutZeros(account),
        Customer: line.kind === "Debtor" ? withoutZeros(line.account) : "",
        TaxCode: line.taxCode,
        DebitCreditCode: minor < 0n ? "H" : "S",
        AmountInTransactionCurrency: decimalOf(minor, scale),
        TransactionCurrency: line.currency,
        TaxBaseAmountInTransCrcy: line.taxBaseText === "" ? "0.00" : line.taxBaseText,
        DocumentItemText: line.text,
        AssignmentReference: line.assignment,
        PostingDate: dateValue(Date.parse(journal.postingDate)),
        DocumentDate: dateValue(Date.parse(journal.documentDate)),
      },
      version,
    )
    company.changed(entry)
  }
  return { document: document.padStart(10, "0"), fiscalYear }
}
