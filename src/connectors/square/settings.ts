import { Type, type Static } from "typebox"

const Location = Type.Object(
  {
    storeId: Type.String({ minLength: 1, maxLength: 64, description: "the store, as the estate names it" }),
    tillId: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description: "the till of receipts that no device of its own took, e.g. refunds; default `square`",
      }),
    ),
  },
  { additionalProperties: false },
)

/** Settings of one Square seller. */
export const SquareSettings = Type.Object(
  {
    baseUrl: Type.Optional(
      Type.String({ format: "uri", description: "default https://connect.squareup.com; the sandbox has its own" }),
    ),
    accessToken: Type.String({
      minLength: 1,
      description:
        "of an application that may read orders, payments, items and the merchant's profile (ORDERS_READ, PAYMENTS_READ, ITEMS_READ, MERCHANT_PROFILE_READ)",
    }),
    merchantId: Type.Optional(
      Type.String({
        minLength: 1,
        description: "the seller, where the application serves several: notifications about others are passed over",
      }),
    ),
    notificationUrl: Type.String({
      format: "uri",
      description: "the address of the webhook subscription, character by character: Square signs it with the body",
    }),
    signatureKeys: Type.Array(Type.String({ minLength: 1 }), {
      minItems: 1,
      description: "every live signature key of the subscription; two while one is replaced by another",
    }),
    locations: Type.Record(Type.String({ minLength: 1 }), Location, {
      description: "the store of each location of Square, by the location's id; receipts of others are parked",
    }),
    tills: Type.Optional(
      Type.Record(Type.String({ minLength: 1 }), Type.String({ minLength: 1, maxLength: 64 }), {
        description: "the till of a device, by Square's id of the device; others are called by that id",
      }),
    ),
    taxCodes: Type.Optional(
      Type.Record(Type.String({ minLength: 1 }), Type.String({ minLength: 1, maxLength: 64 }), {
        description:
          "what the books know a tax by, by its catalogue id or its name in Square; with this, other taxes are parked; without it each tax has its name",
      }),
    ),
    withoutSku: Type.Optional(
      Type.Enum(["park", "sell without stock"], {
        description:
          "what becomes of a line whose article has no SKU in Square: its receipt is parked (default), or it is sold and moves no stock",
      }),
    ),
    returnedGoods: Type.Optional(
      Type.Enum(["sell here", "inspect", "damaged", "blocked", "gone"], {
        description: "where goods are that came back; an order of Square does not say it; default `sell here`",
      }),
    ),
    overlapMs: Type.Optional(
      Type.Integer({
        minimum: 5000,
        description: "orders that changed this long before are read again by each poll; default 300,000",
      }),
    ),
    allowPrivateNetwork: Type.Optional(
      Type.Boolean({ description: "whether baseUrl may be in a private network, for a simulator; off by default" }),
    ),
    timeoutMs: Type.Optional(Type.Integer({ minimum: 100, description: "longest time for one call; default 20,000" })),
  },
  { additionalProperties: false },
)
export type SquareSettings = Static<typeof SquareSettings>

/** The till of what no device took. */
export const tillDefault = "square"
