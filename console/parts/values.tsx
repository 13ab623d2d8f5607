import { useMe } from "../api/session.ts"
import type { Money } from "../api/answers.ts"
import { amountText } from "../format/money.ts"
import type { Shown } from "../format/roles.ts"
import { useSettings } from "../format/settings.ts"
import { clockText, exactText, lengthText, zoneOf, type Zone } from "../format/time.ts"
import { en } from "../texts/en.ts"
import { StateIcon } from "./icon.tsx"
import { useNow } from "./now.ts"

/** A state: icon, word and colour. */
export function State({ shown: { role, word }, isBig = false }: { shown: Shown; isBig?: boolean }) {
  return (
    <span className={`state ${role}${isBig ? " big" : ""}`}>
      <StateIcon role={role} />
      {word}
    </span>
  )
}

/** An amount. In a table whose head names the currency, without it. */
export function Amount({ money, isBare = false }: { money: Money | undefined; isBare?: boolean }) {
  if (!money) return <span className="dim">–</span>
  return (
    <span className="amount">
      {amountText(money)}
      {!isBare && <span className="currency"> {money.currency}</span>}
    </span>
  )
}

/** One line per currency: they are never added. */
export function Amounts({ amounts }: { amounts: readonly Money[] }) {
  if (amounts.length === 0) return <span className="dim">–</span>
  return (
    <span className="amounts">
      {amounts.map((money) => (
        <Amount key={money.currency} money={money} />
      ))}
    </span>
  )
}

export function useZone(): Zone {
  const { zone } = useSettings()
  return zoneOf(zone, useMe().data?.storeTimeZone)
}

/** "12 min ago · 14:02", with the zone where no head names it. */
export function When({
  at,
  hasZone = false,
  isShort = false,
}: {
  at: string | undefined
  hasZone?: boolean
  isShort?: boolean
}) {
  const nowMs = useNow()
  const zone = useZone()
  if (at === undefined) return <span className="dim">–</span>
  const pastMs = nowMs - Date.parse(at)
  const age =
    // The page's clock goes in steps: what has just come in may be ahead of it.
    Math.abs(pastMs) < 6000
      ? en.time.now
      : pastMs > 0
        ? en.time.ago(lengthText(pastMs))
        : en.time.ahead(lengthText(-pastMs))
  return (
    <time dateTime={at} title={exactText({ at, zone })}>
      {age}
      {!isShort && <span className="dim"> · {clockText({ at, nowMs, zone })}</span>}
      {hasZone && !isShort && <span className="dim"> {zone.name}</span>}
    </time>
  )
}

/** To the second, for what happened and for audits. */
export function Exactly({ at }: { at: string }) {
  return <time dateTime={at}>{exactText({ at, zone: useZone() })}</time>
}
