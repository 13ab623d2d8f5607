import type { GraphQLResolveInfo } from "graphql"
import { getDirectiveValues, GraphQLError } from "graphql"
import type { ShopStore } from "../store.ts"
import { adminSchema } from "./schema.ts"

/**
 * From 2026-04 the directive is required at run time though the schema does not say so; the wording of the error was seen on a
 * live shop (github.com/luke-selrai/openclaw-workshop-kit/issues/218).
 * https://shopify.dev/changelog/posts/making-idempotency-mandatory-for-inventory-adjustments-and-refund-mutations
 *
 * The lab stores the result of `run` for its next start, so the result must be plain data.
 */
export function idempotent<Outcome>(
  store: ShopStore,
  what: { info: GraphQLResolveInfo; input: unknown },
  run: () => Outcome,
): Outcome {
  const directive = adminSchema.getDirective("idempotent")
  const [node] = what.info.fieldNodes
  const values = directive && node ? getDirectiveValues(directive, node, what.info.variableValues) : undefined
  const key = values?.["key"]
  if (typeof key !== "string" || key.trim() === "") {
    throw new GraphQLError("The @idempotent directive is required for this mutation but was not provided.", {
      extensions: { code: "BAD_REQUEST" },
    })
  }
  const fingerprint = JSON.stringify(what.input)
  const before = store.idempotent.get(key)
  if (before === undefined) {
    const outcome = run()
    store.idempotent.set(key, { fingerprint, outcome })
    return outcome
  }
  if (before.fingerprint !== fingerprint) {
    const message = "The idempotency key has already been used with different parameters."
    throw new GraphQLError(message, { extensions: { code: "IDEMPOTENCY_KEY_PARAMETER_MISMATCH" } })
  }
  // Under one key and input it was the same mutation that stored it.
  return before.outcome as Outcome
}
