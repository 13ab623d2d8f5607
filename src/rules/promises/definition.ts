import { Type, type Static } from "typebox"
import { Duration, durationMs } from "../../base/time.ts"
import { ChannelId, LocationId } from "../../canonical/parts.ts"
import { outcomeNames } from "./outcome-names.ts"

const closed = { additionalProperties: false } as const
const values = (description: string) =>
  Type.Optional(Type.Readonly(Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { minItems: 1, description })))

/** What a promise may be divided by. Goods have no category in orders, so there is none. */
export const dimensionNames = ["store", "region", "channel", "method"] as const
/** One of them. */
export type Dimension = (typeof dimensionNames)[number]

/** How much it is worth to tell people: at any hour, or in the hours of their work. */
const severities = ["page", "notice"] as const

/** A promise to customers or to the books, as the estate makes it. */
export const PromiseDefinition = Type.Object(
  {
    of: Type.Enum(outcomeNames, {
      description: "Which outcome is promised; see the guide for what starts and ends it.",
    }),
    within: Type.Optional(
      Type.Object(Duration.properties, { ...closed, minProperties: 1, description: "How long it may take." }),
    ),
    by: Type.Optional(
      Type.String({
        pattern: "^([01]\\d|2[0-3]):[0-5]\\d$",
        description:
          "Or until when, HH:MM after the end of the business day, by the clock of the store. Either `within` or `by`.",
      }),
    ),
    target: Type.Number({
      minimum: 0.5,
      maximum: 0.9999,
      description: "The share that has to be kept, e.g. 0.99.",
    }),
    only: Type.Optional(
      Type.Object(
        {
          channels: Type.Optional(Type.Readonly(Type.Array(ChannelId, { minItems: 1, description: "these channels" }))),
          stores: Type.Optional(
            Type.Readonly(Type.Array(LocationId, { minItems: 1, description: "these stores and warehouses" })),
          ),
          regions: values("these countries of delivery, e.g. DE"),
          methods: values("these payment methods, as the channel names them"),
        },
        closed,
      ),
    ),
    per: Type.Optional(
      Type.Readonly(
        Type.Array(Type.Enum(dimensionNames), {
          maxItems: 4,
          description:
            "What is judged apart, from narrow to wide; where there are too few outcomes, the next wider one speaks. Default: store, region, channel.",
        }),
      ),
    ),
    window: Type.Optional(
      Type.Integer({
        minimum: 8,
        maximum: 1000,
        description: "How many of the last outcomes are judged; with fewer nobody is told. Default: 50.",
      }),
    ),
    moneyFloor: Type.Optional(
      Type.Number({
        minimum: 0,
        description: "Nobody is told below so much money, counted by the rates of the ranking. Default: 0.",
      }),
    ),
    severity: Type.Optional(
      Type.Enum(severities, { description: "`page` wakes people, `notice` waits for their day. Default: notice." }),
    ),
    owner: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: "The team. Default: operations." })),
    runbook: Type.Optional(
      Type.String({ minLength: 1, maxLength: 500, description: "Address or path of what to do about it." }),
    ),
    ifNobodyActs: Type.Optional(
      Type.String({ minLength: 1, maxLength: 300, description: "What happens then, as people are told." }),
    ),
  },
  { additionalProperties: false, title: "Promise" },
)
/** See the schema. */
export type PromiseDefinition = Static<typeof PromiseDefinition>

/** A promise with its name. */
export type NamedPromise = PromiseDefinition & { name: string }

/** What is judged apart, from narrow to wide. */
export function levelsOf({ per = ["store", "region", "channel"] }: PromiseDefinition): readonly Dimension[] {
  return per
}

/** Outcomes that are judged together. */
export const windowOf = ({ window = 50 }: PromiseDefinition): number => window

const longMs = 6 * 3_600_000

/** Whether a promise is long enough for its misses to be predicted. */
export function isLongPromise({ within }: PromiseDefinition): boolean {
  return within !== undefined && durationMs(within) >= longMs
}
