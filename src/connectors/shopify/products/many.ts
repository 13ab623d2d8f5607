import { own } from "../../../base/lookup.ts"
import type { Call } from "../../../ports/write.ts"
import type { ShopClient } from "../client.ts"
import type { Reader } from "../orders/reader.ts"

/** A mutation that the shop takes for one product at a time. */
export interface OneOfMany {
  /** Of `CrossdockSetPrices`. */
  name: string
  field: string
  /** Arguments and their types: `["productId", "ID!"]`. */
  types: readonly (readonly [name: string, type: string])[]
  /** Further arguments, as they are written: `allowPartialUpdates: true`. */
  fixed?: string
  selection: string
}

/**
 * The same mutation for many products in one call, each under a name of its own. They are carried out one after the other, and each by
 * itself: one that is refused keeps no other from being carried out. Ten points each.
 */
export async function mutateMany(
  { name, field, types, fixed, selection }: OneOfMany,
  inputs: readonly Readonly<Record<string, unknown>>[],
  { client, call }: { client: ShopClient; call: Call },
): Promise<Reader[]> {
  if (inputs.length === 0) return []
  const names = types.map(([one]) => one)
  const declared = inputs.flatMap((_input, n) => types.map(([one, type]) => `$${one}${n}: ${type}`))
  const parts = inputs.map((_input, n) => {
    const given = names.map((one) => `${one}: $${one}${n}`)
    return `  m${n}: ${field}(${[...given, ...(fixed === undefined ? [] : [fixed])].join(", ")}) ${selection}`
  })
  // The shop's costs are learned by name, and follow from the number.
  const document = `mutation ${name}${inputs.length}(${declared.join(", ")}) {\n${parts.join("\n")}\n}`
  const variables = Object.fromEntries(
    inputs.flatMap((input, n) => names.map((one) => [`${one}${n}`, own(input, one)])),
  )
  const data = await client.write({ document, variables, call })
  return inputs.map((_input, n) => data.object(`m${n}`))
}
