import type { EventData } from "../../canonical/events.ts"

/** One article of a transfer, in thousandths. */
export interface TransferLine {
  sku: string
  unit: string
  orderedMilli: number
  shippedMilli: number
  /** Arrived, whatever its state. */
  receivedMilli: number
  /** Set right by people: lost on the way, or never sent. Negative for what arrived and was not told as sent. */
  settledMilli: number
}

/** A transfer as far as it is told. */
export interface Transfer {
  lines: readonly TransferLine[]
  isShippedWhole: boolean
  isReceivedWhole: boolean
}

/** A transfer that was just ordered. */
export function beginTransfer({ lines }: EventData<"transfer.ordered">): Transfer {
  const bySku = new Map<string, TransferLine>()
  for (const { sku, unit, milli } of lines)
    bySku.set(sku, {
      ...(bySku.get(sku) ?? emptyLine(sku, unit)),
      orderedMilli: (bySku.get(sku)?.orderedMilli ?? 0) + milli,
    })
  return { lines: [...bySku.values()], isShippedWhole: false, isReceivedWhole: false }
}

const emptyLine = (sku: string, unit: string): TransferLine => {
  return { sku, unit, orderedMilli: 0, shippedMilli: 0, receivedMilli: 0, settledMilli: 0 }
}

/** The transfer after goods of it left, arrived, or were set right. Movements of another kind are none of its news. */
export function withMovement(transfer: Transfer, { movement, sku, unit, milli }: EventData<"stock.moved">): Transfer {
  const change = (line: TransferLine): TransferLine => {
    if (movement === "transfer shipped") return { ...line, shippedMilli: line.shippedMilli + milli }
    if (movement === "transfer received") return { ...line, receivedMilli: line.receivedMilli + milli }
    return line
  }
  const isNew = !transfer.lines.some((line) => line.sku === sku)
  const lines = isNew ? [...transfer.lines, emptyLine(sku, unit)] : transfer.lines
  const moved = { ...transfer, lines: lines.map((line) => (line.sku === sku ? change(line) : line)) }
  return {
    ...moved,
    isShippedWhole: transfer.isShippedWhole || moved.lines.every((line) => line.shippedMilli >= line.orderedMilli),
  }
}

/** What is on its way of each article: more than nothing did not arrive yet, less than nothing arrived and was not told as sent. */
export function onTheWay({ lines }: Transfer): { sku: string; unit: string; milli: number }[] {
  return lines.flatMap(({ sku, unit, shippedMilli, receivedMilli, settledMilli }) => {
    const milli = shippedMilli - receivedMilli - settledMilli
    return milli === 0 ? [] : [{ sku, unit, milli }]
  })
}

/** The transfer after people set right what was on its way. */
export function settled(transfer: Transfer): Transfer {
  const rest = new Map(onTheWay(transfer).map(({ sku, milli }) => [sku, milli]))
  return {
    ...transfer,
    isShippedWhole: true,
    lines: transfer.lines.map((line) => ({ ...line, settledMilli: line.settledMilli + (rest.get(line.sku) ?? 0) })),
  }
}

/** Everything that was sent has arrived, or was set right, and nothing more is sent. */
export function isOver(transfer: Transfer): boolean {
  return transfer.isShippedWhole && onTheWay(transfer).length === 0
}

/** Whether the receiver said that all has arrived and it is not so. */
export function differs(transfer: Transfer): boolean {
  return transfer.isReceivedWhole && onTheWay(transfer).length > 0
}

/** Where a transfer stands, in a shopkeeper's words. */
export function transferState(transfer: Transfer): "ordered" | "in transit" | "partly received" | "received" {
  if (isOver(transfer)) return "received"
  if (transfer.lines.some(({ receivedMilli }) => receivedMilli > 0)) return "partly received"
  return transfer.lines.some(({ shippedMilli }) => shippedMilli > 0) ? "in transit" : "ordered"
}
