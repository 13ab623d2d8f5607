import {
  buildClientSchema,
  getNamedType,
  isAbstractType,
  isNonNullType,
  isObjectType,
  isInterfaceType,
  parse,
  validate,
  type DocumentNode,
  type GraphQLNamedType,
  type IntrospectionQuery,
  type SelectionSetNode,
} from "graphql"
import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import type { Exchange } from "./recorder.ts"
import { objectOf, type AnswerField, type VendorSchema } from "./walk.ts"

/** Shopify's introspection of the Admin API: what may be null of what a query asks for. */
export function shopifySchema(file: string): VendorSchema {
  const { data } = JSON.parse(gunzipSync(readFileSync(file)).toString("utf8")) as { data: IntrospectionQuery }
  const schema = buildClientSchema(data, { assumeValid: true })
  const documents = new Map<string, DocumentNode>()
  const documentOf = (text: string) => {
    const known = documents.get(text) ?? parse(text)
    documents.set(text, known)
    return known
  }

  function fieldsOf({ body, answer }: Exchange): AnswerField[] {
    const query = objectOf(body)?.["query"]
    const root = objectOf(objectOf(answer)?.["data"])
    if (typeof query !== "string" || root === undefined) return []
    const document = documentOf(query)
    const found: AnswerField[] = []
    const visit = (value: unknown, type: GraphQLNamedType, selection: SelectionSetNode): void => {
      if (Array.isArray(value)) return value.forEach((item) => visit(item, type, selection))
      const row = objectOf(value)
      if (row === undefined) return
      const named = isAbstractType(type) ? schema.getType(String(row["__typename"] ?? type.name)) : type
      for (const chosen of selection.selections) {
        if (chosen.kind === "InlineFragment" || chosen.kind === "FragmentSpread") {
          const fragment =
            chosen.kind === "InlineFragment"
              ? chosen
              : document.definitions.find(
                  (one) => one.kind === "FragmentDefinition" && one.name.value === chosen.name.value,
                )
          if (fragment?.kind !== "InlineFragment" && fragment?.kind !== "FragmentDefinition") continue
          const on = schema.getType(fragment.typeCondition?.name.value ?? "") ?? named
          if (on !== undefined) visit(row, on, fragment.selectionSet)
          continue
        }
        const key = chosen.alias?.value ?? chosen.name.value
        const holder = isObjectType(named) || isInterfaceType(named) ? named : undefined
        const field = holder?.getFields()[chosen.name.value]
        if (holder === undefined || field === undefined || !(key in row)) continue
        const says = isNonNullType(field.type) ? "guaranteed" : "nullable"
        found.push({ type: holder.name, field: field.name, says, holder: row, key })
        if (chosen.selectionSet) visit(row[key], getNamedType(field.type), chosen.selectionSet)
      }
    }
    for (const operation of document.definitions) {
      if (operation.kind !== "OperationDefinition") continue
      const type = schema.getRootType(operation.operation)
      if (type) visit(root, type, operation.selectionSet)
    }
    return found
  }

  function problemsOf({ body }: Exchange): string[] {
    const query = objectOf(body)?.["query"]
    if (typeof query !== "string") return []
    return validate(schema, documentOf(query)).map(({ message }) => message)
  }

  return { fieldsOf, problemsOf }
}
