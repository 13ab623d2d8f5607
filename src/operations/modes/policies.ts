import { Type, type Static } from "typebox"
import { Duration } from "../../base/time.ts"

const closed = { additionalProperties: false } as const
const duration = (description: string) => Type.Object(Duration.properties, { ...closed, minProperties: 1, description })
const words = (description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { maxItems: 20, description })
const runbook = (description: string) =>
  Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 500,
      description: `${description}: a file beside the estate, or an https address`,
    }),
  )

/** A mode: what is done while a system is away or slow. */
const ModeBlock = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 64, description: "as people call it: ERP down" }),
    connection: Type.String({ minLength: 1, maxLength: 64, description: "the system that is away or slow" }),
    enter: Type.Object(
      {
        awayFor: Type.Optional(duration("It has given no answer, or was paused, for this long.")),
        waiting: Type.Optional(
          Type.Integer({
            minimum: 1,
            description: "This many orders and other objects wait for it, though it answers.",
          }),
        ),
      },
      { ...closed, minProperties: 1, description: "When the mode is entered: at the first of these." },
    ),
    leave: Type.Object(
      {
        answersFor: duration(
          "It answers again for this long; then what waited is done, and the mode ends with the last of it.",
        ),
        perMinute: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: 60_000,
            description:
              "How many go on a minute on the way back, the earliest promise first. Default: as many as the system takes.",
          }),
        ),
      },
      { ...closed, description: "When the way back begins, and its pace." },
    ),
    accepts: words("What goes on as usual, in words for people."),
    defers: words("What waits, in words for people."),
    buyersAreTold: Type.Optional(
      Type.Record(Type.String({ minLength: 1, maxLength: 35 }), Type.String({ minLength: 1, maxLength: 500 }), {
        description:
          "By language: what channels may show meanwhile; they read it from the API or follow mode.state-changed.",
      }),
    ),
    owner: Type.String({ minLength: 1, maxLength: 64, description: "who looks after it" }),
    runbooks: Type.Object(
      { it: runbook("for IT"), store: runbook("for the staff of stores") },
      { ...closed, description: "What people do meanwhile." },
    ),
  },
  closed,
)

/** See the schema. */
export type Mode = Static<typeof ModeBlock>

/** `policies.modes` of the estate. */
export const ModesPolicyBlock = Type.Array(ModeBlock, { maxItems: 50 })
export type ModesPolicyBlock = Static<typeof ModesPolicyBlock>
