import { Type } from "typebox"
import { entity, InstantText } from "../parts.ts"
import { ref } from "../refs.ts"
import { eventType } from "./event-type.ts"

const Words = Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { maxItems: 20 })

/** How the work goes on while a system is away or slow. */
export const modeEvents = {
  "mode.state-changed": eventType({
    schema: entity("Mode state changed", {
      mode: Type.String({ minLength: 1, maxLength: 64 }),
      episode: Type.Integer({ minimum: 1, description: "each time it is entered is a number of its own" }),
      connection: Type.String({ minLength: 1, maxLength: 64 }),
      state: Type.Enum(["entered", "draining", "left"], {
        description: "the system is away or slow; it answers again and what waited is done; nothing waits any more",
      }),
      because: Type.String({ maxLength: 500 }),
      by: Type.String({ minLength: 1, maxLength: 120, description: "crossdock, or the person who said so" }),
      accepts: Words,
      defers: Words,
      buyersAreTold: Type.Optional(
        Type.Record(Type.String({ minLength: 1, maxLength: 35 }), Type.String({ maxLength: 500 }), {
          description: "by language: what channels may show to buyers meanwhile",
        }),
      ),
      at: InstantText,
    }),
    publisher: "operations",
    summary:
      "A mode was entered or left: a system is away, what is accepted and deferred meanwhile, what buyers are told.",
    about: ({ mode }) => ref("mode", mode),
    mentions: ({ connection }) => [ref("connection", connection)],
    example: {
      mode: "ERP down",
      episode: 7,
      connection: "sap",
      state: "entered",
      because: "sap has not answered for 2 minutes",
      by: "crossdock",
      accepts: ["orders", "cancellations"],
      defers: ["booking", "invoices"],
      buyersAreTold: { en: "Your confirmation may take a little longer." },
      at: "2026-11-20T10:00:00.000Z",
    },
  }),
} as const
