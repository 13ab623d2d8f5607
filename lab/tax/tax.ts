import type { FastifyInstance } from "fastify"
import type { Static } from "typebox"
import { Type } from "typebox"
import {
  AmountMinor,
  answering,
  bodyReader,
  CountryCode,
  Currency,
  derivedId,
  Id,
  linesMax,
  protocolFaultAnswer,
  Refusal,
  refuseRepeatedLines,
} from "../http-json/protocol.ts"
import type { VendorState } from "../books.ts"
import type { Simulator, SimulatorContext, VendorOptions } from "../simulator.ts"
import { startSimulator } from "../simulator.ts"
import { taxLine } from "./quote.ts"
import type { TaxCode } from "./rates.ts"
import { ratesFor } from "./rates.ts"

export type TaxSimulatorOptions = VendorOptions & { token?: string }

export const taxToken = "lab-tax-token"

export const QuoteRequest = Type.Object({
  reference: Id,
  currency: Currency,
  taxesIncluded: Type.Boolean(),
  shipTo: Type.Object({
    countryCode: Type.Optional(CountryCode),
    region: Type.Optional(Type.String({ maxLength: 500 })),
    postalCode: Type.String({ maxLength: 500 }),
  }),
  lines: Type.Array(Type.Object({ lineId: Id, taxCode: Type.String(), amountMinor: AmountMinor }), {
    minItems: 1,
    maxItems: linesMax,
  }),
})
type QuoteRequest = Static<typeof QuoteRequest>

const readQuote = bodyReader(QuoteRequest)
const taxCodes: readonly string[] = ["standard", "reduced", "zero", "shipping"] satisfies TaxCode[]

/** Starts the tax service of docs/reference/http-json-systems.md. */
export function startTax(options: TaxSimulatorOptions): Promise<Simulator> {
  return startSimulator({
    ...options,
    name: "tax",
    faultAnswer: protocolFaultAnswer,
    routes: (app, context) => addQuotes(app, context, options.token ?? taxToken),
  })
}

function addQuotes(app: FastifyInstance, context: SimulatorContext, token: string): VendorState {
  let answered = 0
  app.post(
    "/quotes",
    answering(token, async (request) => {
      const asked = readQuote(request)
      await context.begin(request, { operation: "quote", sentinel: asked.reference })
      const body = quote(asked)
      answered += 1
      return { status: 200, body }
    }),
  )
  return {
    // A quote changes nothing, so the service only counts them.
    books: () => ({ quotes: [{ answered }] }),
    reset: () => {
      answered = 0
    },
  }
}

function quote(asked: QuoteRequest): unknown {
  refuseRepeatedLines(asked.lines)
  const lines = asked.lines.map((line) => {
    if (!isTaxCode(line.taxCode)) throw new Refusal(422, "UNKNOWN_TAX_CODE", `there is no tax code ${line.taxCode}`)
    const rates = ratesFor(asked.shipTo, line.taxCode)
    if (rates === undefined)
      throw new Refusal(
        422,
        "UNKNOWN_JURISDICTION",
        `no rates for ${asked.shipTo.countryCode ?? "no country"} ${asked.shipTo.region ?? ""}`,
      )
    return {
      lineId: line.lineId,
      taxes: taxLine({ amountMinor: line.amountMinor, rates, isIncluded: asked.taxesIncluded }),
    }
  })
  const totalTaxMinor = lines.flatMap((line) => line.taxes).reduce((sum, tax) => sum + tax.amountMinor, 0)
  return { quoteId: derivedId("q_", JSON.stringify(asked)), lines, totalTaxMinor }
}

function isTaxCode(text: string): text is TaxCode {
  return taxCodes.includes(text)
}
