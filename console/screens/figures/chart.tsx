import { useState, type KeyboardEvent } from "react"
import { en } from "../../texts/en.ts"

const t = en.figures

export interface Bar {
  key: string
  /** What stands below it. */
  label: string
  value: number
  /** What is usual; undefined where nothing is known. */
  band?: { low: number; high: number }
  isLow?: boolean
  /** All of it in words: for who cannot see it, and for who points at it. */
  says: string
}

const height = 160
const below = 20

/** Bars with a band of what is usual. Arrow keys walk through the bars; the same figures are a table at a click. */
export function BarChart({
  name,
  about,
  bars,
  heads,
  width = 720,
}: {
  name: string
  about: string
  bars: readonly Bar[]
  heads: readonly [string, string, string]
  /** Of the drawing: half as wide where it stands in half a page, so that its words are as large. */
  width?: number
}) {
  const [isTable, setTable] = useState(false)
  const [at, setAt] = useState<number>()
  const chosen = at === undefined ? undefined : bars[at]
  return (
    <figure className="chart">
      {isTable ? (
        <ChartTable name={name} bars={bars} heads={heads} />
      ) : (
        <Picture name={name} about={about} bars={bars} width={width} at={at} onWalk={setAt} />
      )}
      <figcaption className="dim">
        {/* First, so that it stays under the pointer whatever the words beside it say. */}
        <button type="button" className="button quiet" onClick={() => setTable(!isTable)}>
          {isTable ? t.asPicture : t.asTable}
        </button>
        <span aria-live="polite">{chosen?.says ?? about}</span>
      </figcaption>
    </figure>
  )
}

interface PictureProps {
  name: string
  about: string
  bars: readonly Bar[]
  width: number
  /** The bar that is spoken of. */
  at: number | undefined
  onWalk: (at: number | undefined) => void
}

function Picture({ name, about, bars, width, at, onWalk }: PictureProps) {
  const top = Math.max(1, ...bars.map(({ value, band }) => Math.max(value, band?.high ?? 0)))
  const step = width / Math.max(1, bars.length)
  const y = (value: number) => height - (value / top) * (height - 8)
  const chosen = at === undefined ? undefined : bars[at]
  const walk = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -bars.length, End: bars.length }[event.key]
    if (by === undefined) return
    event.preventDefault()
    onWalk(Math.min(bars.length - 1, Math.max(0, at === undefined ? (by > 0 ? 0 : bars.length - 1) : at + by)))
  }
  // Not every label finds room.
  const every = Math.ceil(bars.length / 8)
  return (
    <svg
      viewBox={`0 0 ${width} ${height + below}`}
      role="img"
      aria-label={`${name}. ${chosen?.says ?? about}`}
      tabIndex={0}
      onKeyDown={walk}
      onBlur={() => onWalk(undefined)}
    >
      {bars.map(({ key, value, band, isLow, says, label }, index) => (
        <g key={key} className={isLow ? "bar-of low" : "bar-of"}>
          <title>{says}</title>
          {band && (
            <rect className="band" x={index * step} y={y(band.high)} width={step} height={y(band.low) - y(band.high)} />
          )}
          <rect
            className={index === at ? "count chosen" : "count"}
            x={index * step + step * 0.2}
            y={y(value)}
            width={step * 0.6}
            height={height - y(value)}
          />
          {index % every === 0 && (
            <text x={index * step + step / 2} y={height + 15} textAnchor="middle">
              {label}
            </text>
          )}
        </g>
      ))}
      <line x1={0} x2={width} y1={height} y2={height} />
    </svg>
  )
}

function ChartTable({
  name,
  bars,
  heads,
}: {
  name: string
  bars: readonly Bar[]
  heads: readonly [string, string, string]
}) {
  return (
    <table className="table" aria-label={name}>
      <thead>
        <tr>
          {heads.map((head) => (
            <th key={head} scope="col">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {bars.map(({ key, label, value, band }) => (
          <tr key={key}>
            <th scope="row">{label}</th>
            <td className="amount">{value}</td>
            <td className="amount">
              {band ? t.between(String(Math.round(band.low)), String(Math.round(band.high))) : "–"}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
