import { setImmediate } from "node:timers/promises"
import type { Problem } from "../../base/errors.ts"
import { textKey } from "../../base/ids.ts"
import { withoutCardNumbers } from "../../base/text.ts"
import { monotonicMs } from "../../base/time.ts"
import type { XmlElement } from "../../base/xml/element.ts"
import type { Receipt } from "../../canonical/sales/receipt.ts"
import { readControl, readTenderControl } from "./control.ts"
import { readDay, readHeader, readNumber, readStore, type Header, type PoslogSetting } from "./header.ts"
import { PoslogFile, type PoslogTransaction } from "./poslog-file.ts"
import { printedMinor, readRetail } from "./retail.ts"
import { Spot } from "./spot.ts"

/**
 * What a transaction of a file is.
 * - a `receipt`, with a `note` when it takes its number and moves nothing;
 * - a receipt that is `unread`: its number is known, and something in it that the envelope cannot hold or nobody explained. It is kept as it was sent;
 * - only `problems`: not even its number is known.
 */
export interface ReadTransaction {
  n: number
  receipt?: Receipt
  note?: string
  unread?: { problems: readonly Problem[]; asSent: string; worthMinor?: number }
  problems?: readonly Problem[]
  /** Names what was sent, for a receipt that is read whole: by other rules it may be read otherwise later, and is still the same. */
  sent?: string
}

interface WholeFile extends PoslogSetting {
  charset: string | undefined
  transactionsMax: number
}

/**
 * Reads a POSLog file that is in memory. REQUEST_MALFORMED, REQUEST_TOO_LARGE: nothing of it is read. Other work has its turn meanwhile: a large
 * file takes seconds.
 */
export async function readPoslog(bytes: Uint8Array, of: WholeFile): Promise<ReadTransaction[]> {
  const read: ReadTransaction[] = []
  let turnMs = monotonicMs()
  for (const some of poslogParts(bytes, of)) {
    read.push(...some)
    if (monotonicMs() - turnMs < turnMaxMs) continue
    await setImmediate()
    turnMs = monotonicMs()
  }
  return read
}

/** The same in small parts: a transaction, or nothing yet. The elements of a whole file at once would be many times as long as the file. */
export function* poslogParts(
  bytes: Uint8Array,
  { charset, transactionsMax, ...setting }: WholeFile,
): Generator<ReadTransaction[]> {
  const file = new PoslogFile({ charset, transactionsMax })
  for (let at = 0; at < bytes.length; at += partBytes) {
    yield []
    for (const one of file.write(bytes.subarray(at, at + partBytes))) yield [readTransaction(one, setting)]
  }
  for (const one of file.end()) yield [readTransaction(one, setting)]
}

const partBytes = 64 * 1024
const turnMaxMs = 20

const containers = ["RetailTransaction", "ControlTransaction", "TenderControlTransaction"]

/** All that an element says, without where it stands in its file. */
function contentOf({ local, uri, attributes, text, children }: XmlElement): unknown[] {
  return [uri, local, attributes.map((one) => [one.uri, one.local, one.value]), text.trim(), children.map(contentOf)]
}

/** Reads one transaction of a POSLog file. Pure: the same element is always the same receipt. */
export function readTransaction({ n, line, element }: PoslogTransaction, setting: PoslogSetting): ReadTransaction {
  const place = `Transaction[${n}]`
  if (!element) return { n, problems: [{ pointer: place, message: `at line ${line} is longer than 2 MiB: split it` }] }
  const problems: Problem[] = []
  const transaction = new Spot(element, place, problems)
  const header = readHeader(transaction, setting)
  if (!header) return { n, problems: problems.map((one) => ({ ...one, message: `${one.message} (line ${line})` })) }
  const { receipt, note } = contained(transaction, () => readBody(transaction, header, setting))
  if (receipt && problems.length === 0)
    return { n, receipt, ...(note === undefined ? {} : { note }), sent: textKey(JSON.stringify(contentOf(element))) }
  const told = problems.slice(0, 50)
  const retail = transaction.child("RetailTransaction")
  const worthMinor = retail && printedMinor(retail, header.currency)
  const worth = worthMinor === undefined ? {} : { worthMinor }
  const kind = retail ? "sale" : "control"
  return { n, receipt: { ...header, kind }, unread: { problems: told, asSent: asSent(element), ...worth } }
}

type Body = Pick<ReadTransaction, "receipt" | "note">

/** What cannot be computed, e.g. a sum beyond 2⁵³, costs this transaction and no other of the file. */
function contained(transaction: Spot, read: () => Body): Body {
  try {
    return read()
  } catch (thrown) {
    transaction.fail(`cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
    return {}
  }
}

function readBody(transaction: Spot, header: Header, setting: PoslogSetting): Body {
  const [container, ...others] = transaction.own().filter(({ element }) => containers.includes(element.local))
  if (!container || others.length > 0) {
    transaction.fail(`expected one of ${containers.join(", ")}`)
    return {}
  }
  const isRetail = container.element.local === "RetailTransaction"
  // What moved nothing keeps its number, or a gap would mean nothing. Its lines do not count, so they are not read.
  if (transaction.flag("TrainingModeFlag"))
    return { receipt: { ...header, kind: "training" }, note: "was made in training: it moves nothing" }
  if (transaction.flag("CancelFlag") || container.flag("CancelFlag"))
    return {
      receipt: { ...header, kind: isRetail ? "sale" : "control", status: "cancelled" },
      note: "was cancelled: it moves nothing",
    }
  if (container.element.local === "ControlTransaction") {
    const receipt = readControl(container, header)
    return {
      receipt,
      note: `is no sale (${
        container
          .own()
          .map(({ element }) => element.local)
          .join(", ") || "control"
      }): it moves nothing`,
    }
  }
  const receipt = isRetail ? readSale(container, header, setting) : readTenderControl(container, header, setting)
  if (receipt?.status === "suspended")
    return { receipt, note: "was suspended: it moves nothing until another goes on with it" }
  return receipt ? { receipt } : {}
}

// TransactionStatus: GK POSLog Structure v3, 4.3.6 has Finished, Suspended, PostVoided and others; Totaled, Tendered and Delivered are of the
// standard (omg.org ARTS ODM 7.3). What is in none of the lists is parked.
const done = [undefined, "Finished", "Totaled", "Tendered", "Delivered"]
const voided = ["Voided", "PostVoided", "Void", "PostVoid"]
const resumed = ["Resume", "Resumed", "SuspendedRetrieved", "SES:RetrievedSuspend", "RetrievedSuspend"]

function readSale(retail: Spot, header: Header, setting: PoslogSetting): Receipt | undefined {
  const status = retail.attribute("TransactionStatus")
  if (status === "Suspended") return { ...header, kind: "sale", status: "suspended" }
  const link = retail.child("TransactionLink")
  const reason = link?.attribute("ReasonCode") ?? link?.value("ReasonCode")
  const customerId = retail.child("Customer")?.value("CustomerID")
  const rest = { kind: "sale" as const, ...(customerId === undefined ? {} : { customerId }) }
  if (link && voided.includes(reason ?? "")) {
    const voids = referred(link, setting)
    return voids && readRetail(retail, { header, rest: { ...rest, kind: "void", voids } }, setting)
  }
  if (!done.includes(status))
    return retail.fail(
      voided.includes(status ?? "")
        ? `"${status}" is a sale that was voided or the void of one: a void names its sale by TransactionLink with the ReasonCode Voided`
        : `"${status}" is no status that is known`,
      "/@TransactionStatus",
    )
  if (link && resumed.includes(reason ?? "")) {
    const resumes = referred(link, setting)
    return resumes && readRetail(retail, { header, rest: { ...rest, resumes } }, setting)
  }
  if (link) return link.fail(`"${reason ?? ""}" is no reason of a link that is known`, "/@ReasonCode")
  return readRetail(retail, { header, rest }, setting)
}

function referred(link: Spot, { policy }: PoslogSetting): NonNullable<Receipt["voids"]> | undefined {
  const storeId = readStore(link, policy)
  const tillId = link.value("WorkstationID") ?? link.fail("expected the till", "/WorkstationID")
  const sequence = readNumber(link.child("SequenceNumber") ?? link)
  const day = link.child("BusinessDayDate")
  const businessDay = day && readDay(day)
  if (storeId === undefined || tillId === undefined || sequence === undefined || (day && businessDay === undefined))
    return undefined
  return { storeId, tillId, sequence, ...(businessDay === undefined ? {} : { businessDay }) }
}

/** People, and what could be used to pay: it stays where it came from. */
const leftOut = new Set([
  "Customer",
  "ShippingAddress",
  "CreditDebit",
  "Check",
  "ReceiptImage",
  "ElectronicSignature",
  "LoyaltyMembership",
])

/** What is kept of the rest: texts and attributes that are read, or say which transaction it is. Of others their names. */
const textsKept = new Set(
  `UnitID RetailStoreID WorkstationID TillID SequenceNumber LineItemSequenceNumber ItemLink TransactionID BusinessDayDate BeginDateTime EndDateTime
  POSLogDateTime ReceiptDateTime OperatorID AssociateID CurrencyCode ItemID POSItemID Description Quantity Units ExtendedAmount
  ExtendedDiscountAmount RegularSalesUnitPrice ActualSalesUnitPrice PreviousPrice Amount TaxIncludedInPriceFlag TaxableAmount Percent TaxGroupID
  TaxRuleID PromotionID PriceDerivationRuleID Reason ReasonCode ReturnReasonCode SpecialOrderNumber Rounding SesRounding RoundingDirection
  ExchangeRate OriginalFaceAmount MerchantNumber ReferenceNumber TenderAmount Tip Cashback CashBack Disposal Disposition ItemCondition`.split(
    /\s+/,
  ),
)
const attributesKept = new Set(
  `TrainingModeFlag OfflineFlag CancelFlag DeleteFlag VoidFlag TaxableFlag TransactionStatus TypeCode ItemType TenderType TaxType Action ReasonCode
  Currency ForeignAmount Quantity UnitOfMeasureCode EntryMethod`.split(/\s+/),
)

/**
 * The transaction as text, without the buyer, cards and pictures; people read it, and it is translated again when it can be. Numbers of cards may
 * stand anywhere, so what is not known is left out, and what looks like one is cut.
 */
function asSent({ local, attributes, text, children }: XmlElement): string {
  if (leftOut.has(local)) return `<${local}/>`
  const written = attributes
    .filter((one) => attributesKept.has(one.local))
    .map((one) => ` ${one.local}="${escaped(withoutCardNumbers(one.value))}"`)
    .join("")
  const kept = textsKept.has(local) ? escaped(withoutCardNumbers(text.trim())) : ""
  return `<${local}${written}>${kept}${children.map(asSent).join("")}</${local}>`
}

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;")
