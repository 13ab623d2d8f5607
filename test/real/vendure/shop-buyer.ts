import { graphqlClient, type GraphqlClient } from "./vendure-client.ts"

/** What a customer wants: SKU and pieces. */
export type Basket = { sku: string; quantity: number }[]

export type Purchase = {
  basket: Basket
  /** Makes the customer distinct; orders of one address are one customer's. */
  emailAddress: string
  /** Documented switches of Vendure's dummy payment handler: `shouldDecline`, `shouldError`, `shouldErrorOnSettle`. */
  paymentMetadata?: Record<string, boolean>
}

/** An order the shop accepted, or the shop's own reason why not. */
export type Bought =
  | { outcome: "placed"; id: string; code: string; state: string; totalMinor: number; totalWithTaxMinor: number }
  | { outcome: "refused"; at: string; reason: string }

type OrderResult = {
  __typename: string
  id?: string
  code?: string
  state?: string
  total?: number
  totalWithTax?: number
  errorCode?: string
  message?: string
}

const ORDER_RESULT = `__typename ... on Order { id code state total totalWithTax } ... on ErrorResult { errorCode message }`

/** Buys at one Vendure shop. Every purchase is a session of its own, so any number may run at once. */
export class ShopBuyer {
  readonly #shopApi: string
  readonly #variantIds: Promise<Map<string, string>>

  constructor(shop: { url: string }) {
    this.#shopApi = `${shop.url}/shop-api`
    this.#variantIds = readVariantIds(graphqlClient(this.#shopApi))
    // Whoever buys sees the failure; without a buyer it must not end the process.
    this.#variantIds.catch(() => undefined)
  }

  /** Walks from an empty cart to a paid order: the calls a storefront makes. */
  async buy(purchase: Purchase): Promise<Bought> {
    const session = graphqlClient(this.#shopApi)
    const variantIds = await this.#variantIds
    for (const { sku, quantity } of purchase.basket) {
      const added = await step(session, "addItemToOrder(productVariantId: $id, quantity: $quantity)", {
        id: { type: "ID!", value: variantIds.get(sku) },
        quantity: { type: "Int!", value: quantity },
      })
      if (added.__typename !== "Order") return refusal("addItemToOrder", added)
    }
    for (const [name, call, variables] of checkoutSteps(purchase, await shippingOption(session, purchase))) {
      const answer = await step(session, call, variables)
      if (answer.__typename !== "Order") return refusal(name, answer)
      if (name === "addPaymentToOrder") return placedOrder(answer)
    }
    throw new Error("the checkout ended without a payment")
  }
}

type Variables = Record<string, { type: string; value: unknown }>
type CheckoutStep = [name: string, call: string, variables: Variables]

/** Customer and address come first: Vendure offers shipping methods only for an order that has an address. */
async function shippingOption(session: GraphqlClient, { emailAddress }: Purchase): Promise<string> {
  const customer = { firstName: "Real", lastName: "Buyer", emailAddress }
  await step(session, "setCustomerForOrder(input: $input)", {
    input: { type: "CreateCustomerInput!", value: customer },
  })
  const address = {
    fullName: "Real Buyer",
    streetLine1: "1 Main Street",
    city: "Springfield",
    province: "NY",
    postalCode: "12345",
  }
  await step(session, "setOrderShippingAddress(input: $input)", {
    input: { type: "CreateAddressInput!", value: { ...address, countryCode: "US" } },
  })
  const { eligibleShippingMethods } = await session<{ eligibleShippingMethods: { id: string }[] }>(
    `{ eligibleShippingMethods { id } }`,
  )
  const [first] = eligibleShippingMethods
  if (first === undefined) throw new Error("the shop offers no shipping method")
  return first.id
}

function checkoutSteps(purchase: Purchase, shippingMethodId: string): CheckoutStep[] {
  const payment = { method: "dummy", metadata: purchase.paymentMetadata ?? {} }
  return [
    [
      "setOrderShippingMethod",
      "setOrderShippingMethod(shippingMethodId: $ids)",
      { ids: { type: "[ID!]!", value: [shippingMethodId] } },
    ],
    [
      "transitionOrderToState",
      "transitionOrderToState(state: $state)",
      { state: { type: "String!", value: "ArrangingPayment" } },
    ],
    ["addPaymentToOrder", "addPaymentToOrder(input: $input)", { input: { type: "PaymentInput!", value: payment } }],
  ]
}

async function step(session: GraphqlClient, call: string, variables: Variables): Promise<OrderResult> {
  const declared = Object.entries(variables).map(([name, { type }]) => `$${name}: ${type}`)
  const values = Object.fromEntries(Object.entries(variables).map(([name, { value }]) => [name, value]))
  const query = `mutation (${declared.join(", ")}) { answer: ${call} { ${ORDER_RESULT} } }`
  return (await session<{ answer: OrderResult | null }>(query, values)).answer ?? { __typename: "NoActiveOrder" }
}

function placedOrder(answer: OrderResult): Bought {
  const { id = "", code = "", state = "", total = 0, totalWithTax = 0 } = answer
  return { outcome: "placed", id, code, state, totalMinor: total, totalWithTaxMinor: totalWithTax }
}

function refusal(at: string, answer: OrderResult): Bought {
  return { outcome: "refused", at, reason: `${answer.errorCode ?? answer.__typename}: ${answer.message ?? ""}` }
}

async function readVariantIds(session: GraphqlClient): Promise<Map<string, string>> {
  const { products } = await session<{ products: { items: { variants: { id: string; sku: string }[] }[] } }>(
    `{ products(options: { take: 100 }) { items { variants { id sku } } } }`,
  )
  return new Map(products.items.flatMap(({ variants }) => variants.map(({ id, sku }) => [sku, id] as const)))
}
