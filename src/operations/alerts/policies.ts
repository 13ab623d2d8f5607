import { Type, type Static } from "typebox"
import { own } from "../../base/lookup.ts"
import type { Problem } from "../../base/errors.ts"
import { Duration, isTimeZone } from "../../base/time.ts"
import { entity } from "../../canonical/parts.ts"

const duration = (description: string) =>
  Type.Object(Duration.properties, { additionalProperties: false, minProperties: 1, description })
const name = Type.String({ pattern: "^[a-z0-9][a-z0-9-]{0,62}$" })
const names = (description: string) => Type.Readonly(Type.Array(name, { description }))
const timeOfDay = (description: string) => Type.String({ pattern: "^([01]\\d|2[0-3]):[0-5]\\d$", description })
const url = Type.String({ pattern: "^https?://", maxLength: 2000, description: "where it is sent" })
const allowPrivateNetwork = Type.Optional(
  Type.Boolean({ description: "whether the address may be in a private network; off by default" }),
)

/** How people are reached. */
export const AlertReceiver = Type.Union([
  entity("Webhook receiver", {
    kind: Type.Literal("webhook"),
    url,
    secret: Type.String({
      pattern: "^whsec_[A-Za-z0-9+/=]{24,}$",
      description: "signs each notice after the Standard Webhooks specification: `whsec_` and base64",
    }),
    allowPrivateNetwork,
  }),
  entity("Slack receiver", { kind: Type.Literal("slack"), url, allowPrivateNetwork }),
  entity("Mail receiver", {
    kind: Type.Literal("mail"),
    connection: Type.String({ minLength: 1, maxLength: 64, description: "the connection that sends it" }),
    to: Type.Readonly(Type.Array(Type.String({ minLength: 3, maxLength: 254 }), { minItems: 1, maxItems: 20 })),
  }),
])
export type AlertReceiver = Static<typeof AlertReceiver>

const Quiet = entity("Quiet hours", {
  from: timeOfDay("local time from which on the team is left alone"),
  to: timeOfDay("local time until which"),
  timeZone: Type.Refine(
    Type.String({ description: "IANA time zone" }),
    isTimeZone,
    () => "is no time zone this machine knows",
  ),
  pierced: Type.Optional(
    Type.Readonly(
      Type.Array(Type.Enum(["page", "notice"]), { description: "What is told in these hours, too. Default: page." }),
    ),
  ),
})

/** Who is told what by which way: `policies.alerts`. Everything may be left out; without receivers alerts are only shown. */
export const AlertPolicyBlock = entity("Alert policies", {
  consoleUrl: Type.Optional(
    Type.String({ pattern: "^https?://", description: "The console as people reach it, for links." }),
  ),
  receivers: Type.Optional(
    Type.Record(name, AlertReceiver, {
      description: "Ways to people by name: a signed webhook, Slack's incoming webhook, or mail.",
    }),
  ),
  teams: Type.Optional(
    Type.Record(
      Type.String({ minLength: 1, maxLength: 64 }),
      entity("Team", {
        onDuty: names("Receivers that are told first."),
        standIn: Type.Optional(names("Receivers that are told when nobody acknowledges.")),
        quiet: Type.Optional(Quiet),
      }),
      { description: "By the name that owners have, e.g. `finance`." },
    ),
  ),
  everybody: Type.Optional(names("Receivers that are told in the end, and of what no team owns.")),
  escalateAfter: Type.Optional(
    duration(
      "How long nobody may answer before the next are told. Only what is urgent escalates. Default: 10 minutes.",
    ),
  ),
  groups: Type.Optional(
    entity("Alerts about groups", {
      score: Type.Optional(
        Type.Number({ minimum: 0, description: "A group of exceptions is told from this score on. Default: 1000." }),
      ),
      money: Type.Optional(
        Type.Number({
          minimum: 0,
          description: "Or from so much money on, counted by the rates of the ranking. Default: 1000.",
        }),
      ),
      pageScore: Type.Optional(
        Type.Number({ minimum: 0, description: "From this score on it wakes people. Default: 10000." }),
      ),
    }),
  ),
  silenceOfOrders: Type.Optional(
    Type.Boolean({
      description: "Whether a channel from which no orders come any more is told. Default: true.",
    }),
  ),
  deadMansSwitch: Type.Optional(
    entity("Dead man's switch", {
      receiver: name,
      every: duration("How often it hears that all is well; when it hears nothing, it has to raise the alarm."),
    }),
  ),
})
export type AlertPolicyBlock = Static<typeof AlertPolicyBlock>

/** What a schema cannot say: receivers that nobody declared, connections that send no mail. */
export function alertProblems(
  { receivers = {}, teams = {}, everybody = [], deadMansSwitch }: AlertPolicyBlock,
  canMail: (connection: string) => boolean,
): Problem[] {
  const unknown = (list: readonly string[], pointer: string): Problem[] =>
    list
      .filter((one) => own(receivers, one) === undefined)
      .map((one) => ({ pointer, message: `there is no receiver "${one}"` }))
  return [
    ...Object.entries(teams).flatMap(([team, { onDuty, standIn = [] }]) => [
      ...unknown(onDuty, `/teams/${team}/onDuty`),
      ...unknown(standIn, `/teams/${team}/standIn`),
    ]),
    ...unknown(everybody, "/everybody"),
    ...unknown(deadMansSwitch ? [deadMansSwitch.receiver] : [], "/deadMansSwitch/receiver"),
    ...Object.entries(receivers).flatMap(([id, receiver]) =>
      receiver.kind === "mail" && !canMail(receiver.connection)
        ? [{ pointer: `/receivers/${id}/connection`, message: `connection "${receiver.connection}" sends no mail` }]
        : [],
    ),
  ]
}
