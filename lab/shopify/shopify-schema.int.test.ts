import type { GraphQLArgument, GraphQLSchema, GraphQLType, IntrospectionQuery } from "graphql"
import {
  buildClientSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isUnionType,
  validateSchema,
} from "graphql"
import { existsSync, readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import { describe, expect, test } from "vitest"
import { adminSchema } from "./graph/schema.ts"

const file = "../shared/schemas/shopify/admin_2026-10.json.gz"
const hasFile = existsSync(file)
if (!hasFile) console.log(`skipped: ${file} is not here, so the subset is not held against the vendor's schema`)

test("the subset is a valid schema", () => {
  expect(validateSchema(adminSchema)).toEqual([])
})

describe.skipIf(!hasFile)("against the vendor's introspection of 2026-10", () => {
  // The path is checked above; without the file nothing below runs.
  const vendor = hasFile ? readVendor() : adminSchema

  test("every type, field, argument and value of the subset exists there with the same type", () => {
    expect(differences(adminSchema, vendor)).toEqual([])
  })

  test("a field the vendor does not have is found", () => {
    const types = Object.keys(adminSchema.getTypeMap()).filter((name) => !name.startsWith("__"))
    expect(types.length).toBeGreaterThan(80)
    expect(differences(adminSchema, adminSchema)).toEqual([])
    expect(differences(vendor, adminSchema).length).toBeGreaterThan(1_000)
  })

  test("the idempotent directive takes the same argument in the same place", () => {
    const ours = adminSchema.getDirective("idempotent")
    const theirs = vendor.getDirective("idempotent")
    expect(ours?.locations).toEqual(theirs?.locations)
    expect(ours?.args.map(signature)).toEqual(theirs?.args.map(signature))
  })
})

function readVendor(): GraphQLSchema {
  const { data } = JSON.parse(gunzipSync(readFileSync(file)).toString("utf8")) as { data: IntrospectionQuery }
  return buildClientSchema(data, { assumeValid: true })
}

function signature(argument: GraphQLArgument): string {
  return `${argument.name}: ${String(argument.type)}`
}

/** The parts of `ours` that `theirs` lacks or types otherwise. */
function differences(ours: GraphQLSchema, theirs: GraphQLSchema): string[] {
  const found: string[] = []
  for (const [name, type] of Object.entries(ours.getTypeMap())) {
    if (name.startsWith("__")) continue
    const other = theirs.getType(name)
    if (other === undefined || other === null) found.push(`${name} does not exist`)
    else if (isEnumType(type) && isEnumType(other)) {
      for (const value of type.getValues())
        if (other.getValue(value.name) === undefined) found.push(`${name}.${value.name}`)
    } else if (isUnionType(type) && isUnionType(other)) {
      const members = new Set(other.getTypes().map(String))
      for (const member of type.getTypes()) if (!members.has(member.name)) found.push(`${name} | ${member.name}`)
    } else if (hasFields(type) && hasFields(other)) {
      const fields = other.getFields()
      for (const [fieldName, field] of Object.entries(type.getFields())) {
        const there = fields[fieldName]
        if (there === undefined) found.push(`${name}.${fieldName} does not exist`)
        else if (String(there.type) !== String(field.type)) found.push(`${name}.${fieldName}: ${String(there.type)}`)
        else if ("args" in field && "args" in there) {
          const known = new Set(there.args.map(signature))
          for (const argument of field.args)
            if (!known.has(signature(argument))) found.push(`${name}.${fieldName}(${argument.name})`)
        }
      }
    } else if (type.constructor.name !== other.constructor.name) found.push(`${name} is another kind of type`)
  }
  return found
}

function hasFields(type: GraphQLType) {
  return isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)
}
