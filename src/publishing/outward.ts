import type { Problem } from "../base/errors.ts"
import { ruleName, spanToMs, type Ownership } from "../governance/ownership/own.ts"
import type { Aspect } from "./decide/row.ts"
import type { ChannelPolicy, PublishingPolicyBlock } from "./policies.ts"

const policyOf = { stock: "stock", price: "prices", product: "products" } as const satisfies Record<
  Aspect,
  keyof ChannelPolicy
>
const aspectOf = ({ field }: Ownership) => {
  const [entity = ""] = field.split(".")
  return entity === "stock" || entity === "price" || entity === "product" ? entity : undefined
}

/**
 * What rules of ownership say of the way out, and nobody does: fields that go where nothing of the kind is published, and channels that
 * publish what no rule sends to them. A system that asks for itself is named as `api:<consumer>`.
 */
export function outwardProblems({ channels }: PublishingPolicyBlock, rules: readonly Ownership[]): Problem[] {
  const published = (connection: string, aspect: Aspect) =>
    Object.entries(channels).some(([channel, policy]) => {
      return (policy.connection ?? channel) === connection && policy[policyOf[aspect]] !== undefined
    })
  const ofRules = rules.flatMap((rule) => {
    const { to = [], fresh, oneMoment } = rule
    const aspect = aspectOf(rule)
    const name = ruleName(rule)
    const targets = to.filter((one) => !one.startsWith("api:"))
    const nowhere = targets.filter((one) => aspect === undefined || !published(one, aspect))
    return [
      ...nowhere.map((one) =>
        aspect === undefined
          ? `${name} goes to "${one}", and promotions are sent to no system: leave it out`
          : `${name} goes to "${one}", and no channel of it publishes ${policyOf[aspect]}: declare them, or leave it out`,
      ),
      ...((fresh !== undefined || oneMoment) && to.length === 0
        ? [`${name} says how it is sent, and is sent nowhere: name the connections in \`to\``]
        : []),
      ...(oneMoment && aspect !== "price" ? [`${name}: only prices change at a moment`] : []),
    ]
  })
  const ofChannels = Object.entries(channels).flatMap(([channel, policy]) =>
    (["price", "product"] as const).flatMap((aspect) => {
      const connection = policy.connection ?? channel
      if (
        policy[policyOf[aspect]] === undefined ||
        rules.some((rule) => aspectOf(rule) === aspect && rule.to?.includes(connection))
      )
        return []
      return [
        {
          pointer: `/channels/${channel}/${policyOf[aspect]}`,
          message: `no rule of ownership sends any to "${connection}": own("${aspect}.*", {}, { owner: …, to: ["${connection}"] })`,
        },
      ]
    }),
  )
  return [...ofRules.map((message) => ({ pointer: "/channels", message })), ...ofChannels]
}

/** How old a change may be in a system, by the rule that allows least; undefined where no rule says so. */
export function freshMsOf(
  rules: readonly Ownership[],
  { to, aspect }: { to: string; aspect: Aspect },
): number | undefined {
  const spans = rules
    .filter((rule) => aspectOf(rule) === aspect && rule.to?.includes(to))
    .flatMap(({ fresh }) => (fresh === undefined ? [] : (spanToMs(fresh) ?? [])))
  return spans.length === 0 ? undefined : Math.min(...spans)
}
