import { Type, type Static } from "typebox"

const text = (description: string, maxLength = 64) => Type.String({ description, minLength: 1, maxLength })

/** Connection settings of an S/4HANA system. */
export const SapSettings = Type.Object(
  {
    baseUrl: Type.String({ format: "uri", description: "https://<tenant>-api.s4hana.cloud.sap" }),
    user: text(
      "communication user of the arrangements SAP_COM_0109 (orders), 0106 (deliveries), 0002 (journal entries) and 0164 (stock)",
    ),
    password: text("its password", 256),
    invoicedBy: Type.Union([Type.Literal("journal entry"), Type.Literal("SAP billing")], {
      description:
        "who states revenue, so that it is stated once: Crossdock by journal entries, under an order type that SAP does not bill; or SAP by billing documents, and no journal entry is posted",
    }),
    salesOrderType: text(
      "type of the sales orders; with journal entries one that is not relevant for billing, so not OR but a copy of it",
      4,
    ),
    salesOrganization: text("sales organisation that sells", 4),
    distributionChannel: text("distribution channel of the channel's orders", 2),
    division: text("division of the sales area", 2),
    soldToParty: text("customer number that stands for all consumers", 10),
    companyCode: text("company code of journal entries", 4),
    language: text("language of texts, e.g. EN", 2),
    noteTextId: text("id of the header text that takes the buyer's note, e.g. TX01", 4),
    defaultPlant: text("plant of lines that no location ships, such as gift cards", 4),
    plants: Type.Record(Type.String(), Type.String({ maxLength: 4 }), { description: "plant by location id" }),
    rejectionReason: text("reason given to items of cancelled orders", 2),
    conditions: Type.Object(
      {
        price: text("condition type of a net price", 4),
        tax: text("condition type of charged tax", 4),
        shipping: text("condition type of shipping", 4),
        tip: text("condition type of tips", 4),
        duty: text("condition type of duties", 4),
        fee: text("condition type of other fees", 4),
        rounding: text("condition type of cash rounding", 4),
        credit: Type.Optional(text("condition type of credits; default the one of fees", 4)),
      },
      {
        additionalProperties: false,
        description:
          "condition types of the pricing procedure, all entered by hand. Those of shipping, tips, duties, fees, rounding and tax must be group conditions, otherwise SAP copies an order's shipping to each of its items",
      },
    ),
    accounts: Type.Object(
      {
        revenue: text("G/L account", 10),
        "shipping revenue": text("G/L account", 10),
        "gift card liability": text("G/L account", 10),
        "tips payable": text("G/L account", 10),
        "duties payable": text("G/L account", 10),
        rounding: text("G/L account", 10),
        "payment clearing": text("G/L account", 10),
      },
      { additionalProperties: false, description: "G/L accounts; receivables go to the sold-to party's own account" },
    ),
    taxCodes: Type.Object(
      {
        rates: Type.Record(Type.String({ minLength: 1, maxLength: 64 }), Type.String({ minLength: 1, maxLength: 2 }), {
          description:
            'tax code by what was charged: country and rate ("NL 21"), the rate alone ("21"), or a country whose rates all go under one code ("US"). Rates on one amount together are joined, the smaller first as text: "CA 5+9.975". A tax without rate goes by its title, or by the one rate that makes its amount',
        }),
        none: text("tax code of sales without tax", 2),
      },
      {
        additionalProperties: false,
        description:
          "tax codes of journal entries. Tax is posted under a code, because SAP takes nothing on a tax account directly; the code must allow the amount the shop charged. What no code is given for is refused and asked about",
      },
    ),
    journalTypes: Type.Object(
      {
        invoice: text("document type", 2),
        credit: text("document type, e.g. DG", 2),
        payment: text("document type", 2),
        reversal: text("document type", 2),
      },
      { additionalProperties: false, description: "accounting document types by kind of entry" },
    ),
    allowPrivateNetwork: Type.Optional(
      Type.Boolean({ description: "allow addresses of private networks; only for a simulator" }),
    ),
  },
  { additionalProperties: false },
)
export type SapSettings = Static<typeof SapSettings>
