import { cut } from "../../../base/text.ts"
import { textMax, type Address } from "../../../canonical/parts.ts"
import { optional, type OrderContent } from "../payloads.ts"
import type { Reader } from "./reader.ts"

/** The buyer as the order shows them. A phone number of the order counts before the customer's, and that before an address's. */
export function readCustomer(order: Reader): OrderContent["customer"] {
  const customer = order.optionalObject("customer")
  const names = [customer?.optionalText("firstName"), customer?.optionalText("lastName")].filter(Boolean).join(" ")
  const places = [order.optionalObject("shippingAddress"), order.optionalObject("billingAddress")]
  const phones = [order, customer, ...places].map((owner) => owner?.optionalText("phone"))
  const own = customer?.optionalObject("defaultPhoneNumber")?.optionalText("phoneNumber")
  const email = order.optionalText("email") ?? (order.isRest ? order.optionalText("contact_email") : undefined)
  return {
    ...optional("id", customer?.optionalId("id")),
    ...optional("name", names === "" ? undefined : cut(names, 2 * textMax)),
    ...optional("email", email),
    ...optional("phone", phones[0] ?? own ?? phones.find((phone) => phone !== undefined)),
    ...optional("locale", order.optionalText("customerLocale")),
    ...readCompany(order),
  }
}

function readCompany(order: Reader): Pick<OrderContent["customer"], "company"> {
  const buyer = order.isRest ? order : order.optionalObject("purchasingEntity")
  const company = buyer?.optionalObject("company")
  const id = company?.optionalId("id")
  if (!company || id === undefined) return {}
  const location = order.isRest ? company.optionalId("locationId") : buyer?.optionalObject("location")?.optionalId("id")
  return { company: { id, ...optional("name", company.optionalText("name")), ...optional("location", location) } }
}

export function readAddresses(order: Reader): Pick<OrderContent, "billingAddress" | "shippingAddress"> {
  const billing = order.optionalObject("billingAddress")
  const shipping = order.optionalObject("shippingAddress")
  return {
    ...(billing && { billingAddress: readAddress(billing) }),
    ...(shipping && { shippingAddress: readAddress(shipping) }),
  }
}

function readAddress(address: Reader): Address {
  const text = (key: string) => {
    const value = address.optionalText(key)
    return value === undefined ? undefined : cut(value, textMax)
  }
  const parts = [address.optionalText("firstName"), address.optionalText("lastName")].filter(Boolean).join(" ")
  const countryKey = { graph: "countryCodeV2", rest: "country_code" }
  const country = address.optionalText(countryKey)?.toUpperCase()
  if (country !== undefined && !/^[A-Z]{2}$/.test(country))
    address.problem(
      countryKey,
      `"${cut(country, 100)}" is no country code of two letters (ISO 3166-1)`,
      "VENDOR_VALUE_UNKNOWN",
    )
  return {
    name: text("name") ?? cut(parts, textMax),
    ...optional("company", text("company")),
    line1: text("address1") ?? "",
    ...optional("line2", text("address2")),
    postalCode: text("zip") ?? "",
    city: text("city") ?? "",
    ...optional("region", text("provinceCode") ?? text("province")),
    ...optional("countryCode", country),
    ...optional("phone", text("phone")),
  }
}

export function readPaymentTerms(order: Reader): Pick<OrderContent, "paymentTerms"> {
  const terms = order.optionalObject("paymentTerms")
  if (!terms) return {}
  const due = terms.nodes("paymentSchedules").map((schedule) => schedule.optionalMoment("dueAt"))
  const name = terms.optionalText("paymentTermsName") ?? terms.optionalText("paymentTermsType") ?? "terms"
  return {
    paymentTerms: {
      name: cut(name, textMax),
      ...optional(
        "dueAt",
        due.find((at) => at !== undefined),
      ),
    },
  }
}
