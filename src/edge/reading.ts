import type { Problem } from "../base/errors.ts"
import { canonicalJson, textKey } from "../base/ids.ts"
import type { DayPlace } from "../base/time.ts"
import { numbered, offBalanceMinor, receiptText, shapeProblems } from "../canonical/sales/receipt-law.ts"
import { Receipt, type NumberedReceipt } from "../canonical/sales/receipt.ts"
import { validator } from "../canonical/validate.ts"

/**
 * What the agent makes of a row by itself: `counts` holds, `parked` does not add up, `misfit` cannot be read or is of another store. It keeps
 * all three, because the goods have left the shop.
 */
export type Judgement = "counts" | "parked" | "misfit"

/** A row of a till, judged. */
export interface Read {
  tillId: string
  /** Undefined where the row has none that can be read. */
  number: { epoch: string; businessDay: string; sequence: number } | undefined
  digest: string
  judgement: Judgement
  problems: readonly Problem[]
  /** As it is kept and sent: with its epoch and its day where they could be told. */
  receipt: string
  /** What `receipt` says, where it could be read. */
  whole?: NumberedReceipt
}

const receipts = validator(Receipt, "receipt")
/** Where rows without a readable till are kept. */
const unknownTill = "?"

/** Reads a row by the schema and the law of the centre. */
export function readRow(row: unknown, { storeId, place }: { storeId: string; place: DayPlace }): Read {
  const problems = receipts.problems(row)
  if (problems.length > 0) return misfit(row, problems)
  const receipt = receipts.parse(row)
  if (receipt.storeId !== storeId)
    return misfit(row, [{ pointer: "/storeId", message: `this is the agent of store "${storeId}"` }])
  const misshapen = shapeProblems(receipt)
  if (misshapen.length > 0) return misfit(row, misshapen)
  // The agent tells the centre how far each till's numbers go. The centre takes documents as well, and these have none.
  if (receipt.documentId !== undefined)
    return misfit(row, [
      { pointer: "/documentId", message: "an agent knows receipts by their numbers; the centre judges it" },
    ])
  const whole = numbered(receipt, place)
  const { tillId, epoch, businessDay, sequence } = whole
  const off = offBalanceMinor(whole)
  const { text, digest } = receiptText(whole)
  return {
    tillId,
    number: { epoch, businessDay, sequence },
    digest,
    judgement: off === 0 ? "counts" : "parked",
    problems: off === 0 ? [] : [offBy(off)],
    receipt: text,
    whole,
  }
}

function misfit(row: unknown, problems: readonly Problem[]): Read {
  const receipt = canonicalJson(row)
  const tillId = typeof row === "object" && row !== null && "tillId" in row ? row.tillId : undefined
  const isTill = typeof tillId === "string" && tillId.length > 0 && tillId.length <= 64
  return {
    tillId: isTill ? tillId : unknownTill,
    number: undefined,
    digest: textKey(receipt),
    judgement: "misfit",
    problems,
    receipt,
  }
}

function offBy(offMinor: number): Problem {
  const message = `lines + tax + charges − discounts + rounding are ${offMinor} minor units more than tenders − change`
  return { pointer: "", message }
}
