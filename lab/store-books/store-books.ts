import type { FastifyInstance, FastifyRequest } from "fastify"
import type { Static } from "typebox"
import { Type } from "typebox"
import {
  AmountMinor,
  answering,
  bodyReader,
  Currency,
  derivedId,
  Id,
  linesMax,
  Name,
  protocolFaultAnswer,
  Refusal,
} from "../http-json/protocol.ts"
import type { VendorState } from "../books.ts"
import type { Simulator, SimulatorContext, VendorOptions } from "../simulator.ts"
import { startSimulator } from "../simulator.ts"

export type StoreBooksOptions = VendorOptions & {
  token?: string
  /** Nothing is posted before this day. */
  closedBefore?: string
}

export const storeBooksToken = "lab-books-token"

const Day = Type.String({ pattern: "^\\d{4}-\\d{2}-\\d{2}$" })
const EntryRequest = Type.Object({
  entryId: Id,
  storeId: Name,
  businessDate: Day,
  postingDate: Day,
  currency: Currency,
  text: Type.String({ maxLength: 120 }),
  receipts: Type.Object({ count: Type.Integer({ minimum: 0 }), digest: Type.String({ maxLength: 64 }) }),
  lines: Type.Array(
    Type.Object({
      account: Name,
      taxCode: Type.Optional(Name),
      tender: Type.Optional(Name),
      merchantAccount: Type.Optional(Name),
      amountMinor: AmountMinor,
    }),
    { minItems: 1, maxItems: linesMax },
  ),
})
type EntryRequest = Static<typeof EntryRequest>

// The accounts of docs/reference/http-json-systems.md, "Books of stores".
const accounts: ReadonlySet<string> = new Set([
  "revenue",
  "discounts",
  "charges",
  "tax payable",
  "drawer",
  "safe",
  "card clearing",
  "voucher clearing",
  "other tenders",
  "gift card liability",
  "store credit liability",
  "deposits",
  "receivable",
  "tips payable",
  "donations payable",
  "rounding",
  "over and short",
  "paid in",
  "paid out",
])

const readRequest = bodyReader(EntryRequest)
const readPeriod = bodyReader(Type.Object({ openFrom: Type.String() }))

/** Starts the books of stores of docs/reference/http-json-systems.md. */
export function startStoreBooks(options: StoreBooksOptions): Promise<Simulator> {
  return startSimulator({
    ...options,
    name: "books",
    faultAnswer: protocolFaultAnswer,
    routes: (app, context) => addEntries(app, context, options),
  })
}

type Posted = EntryRequest & { documentNumber: string }

function addEntries(
  app: FastifyInstance,
  context: SimulatorContext,
  { token = storeBooksToken, closedBefore }: StoreBooksOptions,
): VendorState {
  const entries = context.keep<string, Posted>("entries")
  let openFrom = closedBefore ?? ""
  app.post(
    "/store-entries",
    answering(token, async (request) => {
      const asked = readRequest(request)
      const call = await context.begin(request, { operation: "post store entry", sentinel: asked.storeId })
      const known = entries.get(asked.entryId)
      if (known) return { status: 200, body: answerTo(known, asked) }
      refuse(asked, openFrom)
      const posted = { ...asked, documentNumber: derivedId("D", asked.entryId) }
      call.commit(() => entries.set(asked.entryId, posted))
      return { status: 201, body: { entryId: posted.entryId, documentNumber: posted.documentNumber } }
    }),
  )
  app.get(
    "/store-entries/:entryId",
    answering(token, async (request: FastifyRequest<{ Params: { entryId: string } }>) => {
      await context.begin(request, { operation: "read store entry" })
      const found = entries.get(request.params.entryId)
      if (!found) throw new Refusal(404, "NOT_FOUND", "there is no such entry")
      return { status: 200, body: found }
    }),
  )
  app.post("/__lab/period", (request) => {
    openFrom = readPeriod(request).openFrom
    return { openFrom }
  })
  return {
    books: () => ({ entries: [...entries.values()] }),
    reset: () => entries.clear(),
  }
}

/** An id is taken once: the same entry again is the same document, another one is refused. */
function answerTo(known: Posted, asked: EntryRequest): object {
  const { documentNumber, ...entry } = known
  if (JSON.stringify(entry.lines) !== JSON.stringify(asked.lines))
    throw new Refusal(409, "DUPLICATE_REQUEST", `${asked.entryId} is posted with other lines`)
  return { entryId: asked.entryId, documentNumber }
}

function refuse({ lines, postingDate, entryId }: EntryRequest, openFrom: string): void {
  const unknown = lines.find(({ account }) => !accounts.has(account))
  if (unknown) throw new Refusal(422, "UNKNOWN_ACCOUNT", `there is no account ${unknown.account}`)
  const sum = lines.reduce((total, { amountMinor }) => total + amountMinor, 0)
  if (sum !== 0) throw new Refusal(422, "UNBALANCED", `${entryId} is off by ${sum}`)
  if (postingDate < openFrom) throw new Refusal(422, "PERIOD_CLOSED", `nothing is posted before ${openFrom}`)
}
