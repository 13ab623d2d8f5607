import { Type, type Static } from "typebox"
import { AppError } from "../../base/errors.ts"
import { validator } from "../../canonical/validate.ts"

// docs/reference/http-json-systems.md, "Books of stores".

export interface EntryRequest {
  entryId: string
  storeId: string
  businessDate: string
  postingDate: string
  currency: string
  text: string
  receipts: { count: number; digest: string }
  lines: { account: string; taxCode?: string; tender?: string; merchantAccount?: string; amountMinor: number }[]
}

const EntryAnswer = Type.Object({ entryId: Type.String(), documentNumber: Type.String({ minLength: 1 }) })
const answers = validator(EntryAnswer, "store entry")

export function readEntry(body: unknown): Static<typeof EntryAnswer> {
  const problems = answers.problems(body)
  if (problems.length > 0) throw new AppError("VENDOR_MISBEHAVED", "a store entry is not as documented", { problems })
  return answers.parse(body)
}
