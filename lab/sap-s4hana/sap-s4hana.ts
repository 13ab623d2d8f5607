import type { FastifyReply, FastifyRequest } from "fastify"
import { Type } from "typebox"
import { bodyReader } from "../http-json/protocol.ts"
import type { Simulator, SimulatorContext, VendorOptions } from "../simulator.ts"
import { rawBody, startSimulator } from "../simulator.ts"
import type { MasterData } from "./company.ts"
import { bookRows, Company } from "./company.ts"
import { addJournalService } from "./journals/journal-service.ts"
import type { Answer } from "./exchange.ts"
import { createHandlers } from "./handlers.ts"
import { errorBody, notFound, ODataError } from "./odata/error.ts"
import type { Oddness } from "./odata/odd-answers.ts"
import { oddRow } from "./odata/odd-answers.ts"
import { parseRequest } from "./odata/request.ts"
import { createSessions } from "./odata/session.ts"
import type { OpeningStock } from "./stock.ts"
import { openStock } from "./stock.ts"

export type SapOptions = VendorOptions & {
  master: MasterData
  stock?: readonly OpeningStock[]
  user?: string
  password?: string
  /** Share of the answers that are odd: null for empty, fields of the tenant's own, errors in the form of V4. Default 0.25. */
  oddShare?: number
  /** How long a CSRF token lives; Gateway's sessions last half an hour by default. */
  csrfTtlMs?: number
}

export const sapDefaults = { user: "CROSSDOCK_COM", password: "lab-Passw0rd", csrfTtlMs: 1_800_000, oddShare: 0.25 }

/** Without a day, the periods are open as they were at the start. */
const readPeriods = bodyReader(
  Type.Object({ openFrom: Type.Optional(Type.String({ pattern: "^\\d{4}-\\d{2}-\\d{2}$" })) }),
)

/** Starts the ERP: sales orders, outbound deliveries, stock and journal entries. */
export async function startSap(options: SapOptions): Promise<Simulator> {
  return startSimulator({
    ...options,
    name: "sap-s4hana",
    faultAnswer: (fault) =>
      fault === "rate429"
        ? {
            status: 429,
            headers: { "retry-after": "1" },
            body: errorBody({ code: "429", message: "Too many requests" }),
          }
        : { status: 503, headers: { "retry-after": "1" }, body: "<html><body>Service Unavailable</body></html>" },
    routes: (app, context) => {
      const company = new Company(options.master, context)
      const fillStock = (): void => openStock(company, options.stock ?? [])
      fillStock()
      const sessions = createSessions({
        user: options.user ?? sapDefaults.user,
        password: options.password ?? sapDefaults.password,
        csrfTtlMs: options.csrfTtlMs ?? sapDefaults.csrfTtlMs,
        random: context.random("sessions"),
      })
      const handlers = createHandlers()
      const odd = { share: options.oddShare ?? sapDefaults.oddShare, random: context.random("odd answers") }
      app.route({
        method: ["GET", "POST", "PATCH", "DELETE"],
        url: "/sap/opu/odata/sap/*",
        handler: async (request, reply) => {
          if (!sessions.admit(request, reply)) return reply
          return answer(reply, odd, () => dispatch({ company, context, request, handlers, odd }))
        },
      })
      addJournalService(app, { company, context, sessions, odd })
      app.post("/__lab/expire-sessions", () => {
        sessions.expireAll()
        return { expired: true }
      })
      app.put("/__lab/periods", (request) => {
        company.openFrom = readPeriods(request).openFrom ?? options.master.openFrom
        return { openFrom: company.openFrom }
      })
      return {
        books: () => ({
          orders: bookRows(company.sets.orders),
          deliveries: bookRows(company.sets.deliveries),
          journals: bookRows(company.sets.journalItems),
          stock: bookRows(company.sets.stockRows),
        }),
        reset: () => {
          company.clear()
          company.openFrom = options.master.openFrom
          fillStock()
        },
      }
    },
  })
}

type Dispatch = {
  company: Company
  context: SimulatorContext
  request: FastifyRequest
  handlers: ReturnType<typeof createHandlers>
  odd: Oddness
}

async function dispatch({ company, context, request, handlers, odd }: Dispatch): Promise<Answer> {
  const odata = parseRequest(request, `http://${request.headers.host ?? "127.0.0.1"}`)
  odata.shape.odd = (fields) => oddRow(fields, odd)
  const handler = handlers(company, odata)
  if (handler === undefined) throw notFound(odata.resource)
  const body = rawBody(request)
  const sentinel = body.includes("lab:") ? body.toString("utf8") : undefined
  const call = await context.begin(request, {
    operation: handler.operation,
    ...(sentinel === undefined ? {} : { sentinel }),
  })
  return handler.run({ company, odata, request, call })
}

async function answer(reply: FastifyReply, odd: Oddness, run: () => Promise<Answer>): Promise<FastifyReply> {
  try {
    const { status, body, headers } = await run()
    return await reply
      .code(status)
      .headers({ dataserviceversion: "2.0", ...headers })
      .send(body)
  } catch (error) {
    if (!(error instanceof ODataError)) throw error
    return reply.code(error.status).send(errorBody(error, odd.random.chance(odd.share) ? "V4" : "V2"))
  }
}
