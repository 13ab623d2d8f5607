import { Type, type Static } from "typebox"
import { isTimeZone } from "../../base/time.ts"
import { CatalogueSettings } from "./catalogue/settings.ts"

const id = (description: string) => Type.Integer({ minimum: 1, description })

/** Settings of a connection: the company's set-up in Tryton. Ids are Tryton's own. */
export const TrytonSettings = Type.Object(
  {
    baseUrl: Type.String({ format: "uri", description: "where trytond answers; /{database}/ is added" }),
    database: Type.String({ minLength: 1, description: "name of the database" }),
    user: Type.String({ description: "login of a user who may sell, ship and invoice" }),
    password: Type.String({ description: "the user's password" }),
    currency: Type.String({ pattern: "^[A-Z]{3}$", description: "currency of the company's books" }),
    company: id("the company"),
    currencyId: id("its currency"),
    party: id("the customer all web orders are booked on; buyers stand in the sale's description"),
    address: id("address of that customer"),
    paymentTerm: id("payment term of web orders"),
    warehouses: Type.Record(Type.String(), id("a warehouse"), {
      description: "warehouse of each of our locations; several locations may share one",
    }),
    stock: Type.Optional(
      Type.Record(Type.String(), Type.Array(id("a location"), { minItems: 1 }), {
        description:
          "locations whose goods, with all below them, are the stock of each of our places, e.g. a warehouse's storage and output zone; absent: Tryton tells no stock",
      }),
    ),
    catalogue: Type.Optional(CatalogueSettings),
    units: Type.Record(Type.String(), id("a unit of measure"), {
      description: "unit of measure by our unit: ea, kg …",
    }),
    chargeProducts: Type.Object(
      {
        shipping: Type.String(),
        rounding: Type.String(),
        credit: Type.Optional(Type.String()),
        tip: Type.Optional(Type.String()),
        duty: Type.Optional(Type.String()),
        fee: Type.Optional(Type.String()),
      },
      { additionalProperties: false, description: "codes of the service products that carry money which is no goods" },
    ),
    timeZone: Type.Refine(
      Type.String({
        description: "IANA time zone of the company's days, for postings that come late, e.g. Europe/Brussels",
      }),
      isTimeZone,
      () => "is no time zone this machine knows",
    ),
    taxAccount: id("account the charged tax is posted on"),
    payment: Type.Optional(
      Type.Object(
        { method: id("invoice payment method of what shops have been paid"), receivable: id("receivable account") },
        { additionalProperties: false, description: "absent: invoices are posted and left open" },
      ),
    ),
    allowPrivateNetwork: Type.Optional(
      Type.Boolean({ description: "allow addresses of private networks; off by default" }),
    ),
  },
  { additionalProperties: false },
)
export type TrytonSettings = Static<typeof TrytonSettings>
