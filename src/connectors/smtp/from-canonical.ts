import { AppError } from "../../base/errors.ts"
import { moneyToDecimal, type Money } from "../../base/money.ts"
import { quantityToDecimal, type Quantity } from "../../base/quantity.ts"
import { isMailAddress } from "../../base/text.ts"
import type { Order } from "../../canonical/order.ts"
import type { Address, LineQuantity } from "../../canonical/parts.ts"
import type { Shipment } from "../../canonical/shipment.ts"
import type { Collection, MessageKind } from "../../ports/capabilities/service.ts"
import type { Mail } from "./payloads.ts"

export interface Shop {
  /** The shop's name as buyers know it. */
  name: string
  /** Address for buyers' questions. */
  contact: string
}

interface Message {
  order: Order
  shipment?: Shipment
  collection?: Collection
}

/** The subject and paragraphs of one kind of mail, without greeting and signature. */
interface Words {
  subject: string
  paragraphs: string[]
}

const wordsByKind: Record<MessageKind, (message: Message, shop: Shop) => Words> = {
  "order accepted": ({ order }, shop) => ({
    subject: `Your order ${order.number} at ${shop.name}`,
    paragraphs: [
      `Thank you for your order ${order.number}. We have it and are getting it ready.`,
      itemsOf(order),
      totalOf(order),
      ...whereTo(order),
    ],
  }),
  "posted later": ({ order }, shop) => ({
    subject: `Your order ${order.number} will be a little later`,
    paragraphs: [
      `Your order ${order.number} is safe with us, but it will leave later than we told you. We are sorry about that.`,
      "You need not do anything. We will write again as soon as it is on its way.",
      `If you would rather not wait, write to ${shop.contact} and we will cancel it.`,
    ],
  }),
  shipped: ({ order, shipment }) => ({
    subject: shippedSubject(order, shipment),
    paragraphs: [
      isCollected(order, shipment)
        ? `Your order ${order.number} is ready to be collected.`
        : `${isPartial(order, shipment) ? "Part of your" : "Your"} order ${order.number} is on its way.`,
      shipment ? linesText(order, shipment.lines) : itemsOf(order),
      ...trackingOf(shipment),
      ...(isPartial(order, shipment) ? ["The rest follows; we will write again when it leaves."] : []),
    ],
  }),
  cancelled: ({ order }, shop) => ({
    subject: `Your order ${order.number} is cancelled`,
    paragraphs: [
      `Your order ${order.number} is cancelled and nothing more will be sent.`,
      "Whatever you have paid for it goes back the way you paid. Your bank may need a few days to show it.",
      `If this surprises you, write to ${shop.contact}.`,
    ],
  }),
  "ready to collect": ({ order, collection }) => ({
    subject: `Your order ${order.number} is ready to be collected`,
    paragraphs: [`Your order ${order.number} is ready for you.`, ...howToCollect(order, collection)],
  }),
  "reminder to collect": ({ order, collection }) => ({
    subject: `Your order ${order.number} is waiting for you`,
    paragraphs: [
      `Your order ${order.number} is still waiting for you to collect it.`,
      ...howToCollect(order, collection),
    ],
  }),
  refunded: ({ order }, shop) => ({
    subject: `Money back for your order ${order.number}`,
    paragraphs: [
      `We have sent money back for your order ${order.number}, the way you paid. Your bank may need a few days to show it.`,
      `If you have a question about the amount, write to ${shop.contact}.`,
    ],
  }),
}

/** The mail, or undefined when the order has no mail address. Plain text. VENDOR_REJECTED for an address no server may get. */
export function mailFor(kind: MessageKind, message: Message, shop: Shop): Mail | undefined {
  const to = message.order.customer.email?.trim()
  if (!to) return undefined
  if (!isMailAddress(to))
    throw new AppError(
      "VENDOR_REJECTED",
      `the buyer's mail address of order ${message.order.number} is not one mail address`,
    )
  const { subject, paragraphs } = wordsByKind[kind](message, shop)
  const name = message.order.customer.name?.trim()
  const greeting = name ? `Hello ${oneLine(name)},` : "Hello,"
  return {
    to,
    subject: oneLine(subject),
    text: [greeting, ...paragraphs, `Kind regards\n${shop.name}\n${shop.contact}`].join("\n\n") + "\n",
  }
}

/** External text in a header or on its own line must not be able to start another line. */
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n\t]+/g, " ")
}

function itemsOf(order: Order): string {
  const lines = order.lines.filter((line) => line.quantity.milli > 0)
  return lines
    .map((line) => `  ${quantityText(line.quantity)} ${oneLine(line.title)}   ${moneyText(line.total.presentment)}`)
    .concat(order.charges.map((charge) => `  ${oneLine(charge.title)}   ${moneyText(charge.total.presentment)}`))
    .join("\n")
}

function howToCollect(order: Order, collection: Collection | undefined): string[] {
  if (!collection) return [itemsOf(order)]
  const { lines, code, lastDay } = collection
  const shows = code === undefined ? "the number of your order" : `the code ${code}`
  return [
    linesText(order, lines),
    `Show ${shows} at the counter. Somebody else may collect it for you with it.`,
    ...(lastDay === undefined
      ? []
      : [`We keep it for you until the end of ${lastDay}. After that we give your money back.`]),
  ]
}

function linesText(order: Order, lines: readonly LineQuantity[]): string {
  return lines
    .map(({ lineId, quantity }) => {
      const title = order.lines.find((line) => line.id === lineId)?.title ?? lineId
      return `  ${quantityText(quantity)} ${oneLine(title)}`
    })
    .join("\n")
}

function totalOf(order: Order): string {
  return `Total: ${moneyText(order.total.presentment)}`
}

function whereTo(order: Order): string[] {
  const paragraphs: string[] = []
  if (order.lines.some((line) => line.fulfilment.method === "ship") && order.shippingAddress)
    paragraphs.push(`We send it to:\n${addressText(order.shippingAddress)}`)
  if (order.lines.some((line) => line.fulfilment.method === "pickup"))
    paragraphs.push("What you collect at the store is held for you there; we write when it is ready.")
  return paragraphs
}

function addressText({ name, company, line1, line2, postalCode, city, countryCode }: Address): string {
  return [name, company, line1, line2, `${postalCode} ${city}`.trim(), countryCode]
    .flatMap((part) => (part ? [`  ${oneLine(part)}`] : []))
    .join("\n")
}

function trackingOf(shipment: Shipment | undefined): string[] {
  if (!shipment?.trackingNumber) return []
  const carrier = shipment.carrier ? `${shipment.carrier}, ` : ""
  const link = shipment.trackingUrl ? `\nFollow it here: ${shipment.trackingUrl}` : ""
  return [`Parcel: ${carrier}${shipment.trackingNumber}${link}`]
}

function shippedSubject(order: Order, shipment: Shipment | undefined): string {
  if (isCollected(order, shipment)) return `Your order ${order.number} is ready to be collected`
  return `${isPartial(order, shipment) ? "Part of your" : "Your"} order ${order.number} is on its way`
}

function isCollected(order: Order, shipment: Shipment | undefined): boolean {
  const methodOf = (lineId: string) => order.lines.find((line) => line.id === lineId)?.fulfilment.method
  return shipment !== undefined && shipment.lines.every(({ lineId }) => methodOf(lineId) === "pickup")
}

/** Whether some goods of the order are not in this shipment. Digital goods are in none. */
function isPartial(order: Order, shipment: Shipment | undefined): boolean {
  if (shipment === undefined) return false
  return order.lines.some((line) => {
    const sent = shipment.lines.filter(({ lineId }) => lineId === line.id)
    const sentMilli = sent.reduce((sum, { quantity }) => sum + quantity.milli, 0)
    return line.fulfilment.method !== "digital" && sentMilli < line.quantity.milli
  })
}

function quantityText(quantity: Quantity): string {
  return quantity.unit === "ea" ? `${quantityToDecimal(quantity)} x` : `${quantityToDecimal(quantity)} ${quantity.unit}`
}

function moneyText(value: Money): string {
  return `${moneyToDecimal(value)} ${value.currency}`
}
