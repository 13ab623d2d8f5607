import { readFileSync } from "node:fs"
import type { Exchange } from "./recorder.ts"
import { objectOf, type AnswerField, type VendorSchema } from "./walk.ts"

interface Schema {
  $ref?: string
  anyOf?: Schema[]
  type?: string
  const?: unknown
  items?: Schema
  properties?: Record<string, Schema>
}

/** Stripe's published types: what may be null in an object, and which parameters a call has. */
export function stripeSchema(file: string): VendorSchema {
  const { $defs } = JSON.parse(readFileSync(file, "utf8")) as { $defs: Record<string, Schema> }
  const named = (ref: string) => ref.slice("#/$defs/".length)

  /** The object types a schema allows, by name. */
  function typesOf(schema: Schema | undefined): [string, Schema][] {
    if (schema?.$ref !== undefined) {
      const name = named(schema.$ref)
      const inner = $defs[name]
      return inner?.properties ? [[name, inner]] : typesOf(inner)
    }
    return (schema?.anyOf ?? []).flatMap(typesOf)
  }

  function isNullable(schema: Schema): boolean {
    if (schema.type === "null") return true
    if (schema.$ref !== undefined) return isNullable($defs[named(schema.$ref)] ?? {})
    return schema.anyOf?.some(isNullable) === true
  }

  const byKind = new Map(
    Object.entries($defs)
      .toReversed()
      .map(([name, type]) => [type.properties?.["object"]?.const, [name, type] as const] as const),
  )

  function fieldsOf({ answer }: Exchange): AnswerField[] {
    const found: AnswerField[] = []
    const visit = (value: unknown, schema: Schema | undefined): void => {
      if (Array.isArray(value)) return value.forEach((item) => visit(item, schema?.items))
      const row = objectOf(value)
      if (row === undefined) return
      const kind = row["object"]
      if (kind === "list" || kind === "search_result") return visit(row["data"], undefined)
      const [name, type] = (typeof kind === "string" ? byKind.get(kind) : typesOf(schema)[0]) ?? []
      // Metadata is the caller's own.
      if (name === undefined || type === undefined || name === "Metadata") return
      for (const [field, inner] of Object.entries(row)) {
        const property = type.properties?.[field]
        const says = property === undefined ? "unknown" : isNullable(property) ? "nullable" : "guaranteed"
        found.push({ type: name, field, says, holder: row })
        visit(inner, property)
      }
    }
    visit(answer, undefined)
    return found
  }

  const parameters: readonly [RegExp, string][] = [
    [/^\/v1\/payment_intents$/, "PaymentIntentCreateParams"],
    [/^\/v1\/payment_intents\/[^/]+\/capture$/, "PaymentIntentCaptureParams"],
    [/^\/v1\/payment_intents\/[^/]+\/cancel$/, "PaymentIntentCancelParams"],
    [/^\/v1\/payment_intents\/[^/]+\/confirm$/, "PaymentIntentConfirmParams"],
    [/^\/v1\/refunds$/, "RefundCreateParams"],
  ]

  function problemsOf({ method, path, text }: Exchange): string[] {
    const [bare = ""] = path.split("?")
    if (method !== "POST") return ["not checked: parameters of reads: they are not in the types we have"]
    const type = parameters.find(([pattern]) => pattern.test(bare))?.[1]
    const properties = type === undefined ? undefined : $defs[type]?.properties
    if (properties === undefined) return [`not checked: parameters of POST ${bare.replace(/\/[a-z]+_\w+/, "/…")}`]
    return [...new URLSearchParams(text).keys()]
      .map((name) => name.split("[")[0] ?? "")
      .filter((name) => properties[name] === undefined)
      .map((name) => `POST ${bare} sends ${name}`)
  }

  return { fieldsOf, problemsOf }
}
