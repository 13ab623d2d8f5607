import { useEffect, type ReactNode } from "react"
import { lengthText, secondsText } from "../format/time.ts"
import { en } from "../texts/en.ts"
import { Failed } from "./failed.tsx"
import { useNow } from "./now.ts"
import { useZone } from "./values.tsx"

/** From here on what is shown is too old to act on. */
const staleMs = 60_000

/** What a screen needs to know of the reading behind it. */
export interface Reading {
  data: unknown
  error: Error | null
  dataUpdatedAt: number
  isFetching: boolean
  failureCount: number
  refetch: () => unknown
}

export function useIsStale({ data, dataUpdatedAt, isFetching, failureCount }: Reading): boolean {
  const isOld = useNow() - dataUpdatedAt > staleMs
  return data !== undefined && isOld && (failureCount > 0 || !isFetching)
}

interface PageProps {
  title: string
  /** Beside the title: a state, a number. */
  aside?: ReactNode
  /** At the right: what may be done. */
  acts?: ReactNode
  reading?: Reading
  children: ReactNode
}

/** A screen: its title, how old it is, and what failed. */
export function Page({ title, aside, acts, reading, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · ${en.product}`
  }, [title])
  return (
    <div className="page">
      <div className="page-head">
        <h1 tabIndex={-1}>{title}</h1>
        {aside}
        <span className="gap" />
        {reading && <AsOf reading={reading} />}
        {acts}
      </div>
      {reading && <Stale reading={reading} />}
      {children}
    </div>
  )
}

function AsOf({ reading: { data, dataUpdatedAt } }: { reading: Reading }) {
  const zone = useZone()
  if (data === undefined) return null
  const at = new Date(dataUpdatedAt).toISOString()
  return (
    <span className="as-of dim">
      {en.time.asOf(secondsText({ at, zone }))} {zone.name}
    </span>
  )
}

function Stale({ reading }: { reading: Reading }) {
  const nowMs = useNow()
  if (!useIsStale(reading)) return null
  return (
    <div className="stale" role="status">
      {en.stale.banner(lengthText(nowMs - reading.dataUpdatedAt))}
      <button type="button" className="button" onClick={() => void reading.refetch()}>
        {en.failure.retry}
      </button>
    </div>
  )
}

/** Shows what was read; before that its skeleton, and instead of it the failure. */
export function Loaded<Data>({
  reading,
  lines = 5,
  children,
}: {
  reading: Reading & { data: Data | undefined }
  lines?: number
  children: (data: Data) => ReactNode
}) {
  if (reading.data !== undefined) return children(reading.data)
  if (reading.error) return <Failed error={reading.error} onRetry={() => void reading.refetch()} />
  return <Skeleton lines={lines} />
}

/** As high as what comes, and unseen for the first 150 ms. */
function Skeleton({ lines }: { lines: number }) {
  return (
    <div className="skeleton" role="status" aria-label={en.list.loading}>
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} />
      ))}
    </div>
  )
}

export function Section({
  title,
  aside,
  children,
  className = "",
}: {
  title: string
  aside?: ReactNode
  children: ReactNode
  className?: string
}) {
  return (
    <section className={`section ${className}`}>
      <div className="section-head">
        <h2>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  )
}

/** Names and values, one beside the other. */
export function Facts({ facts }: { facts: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
