import type { Hop } from "../../api/answers.ts"
import type { Lane } from "../../format/connection.ts"
import { outcomeState, type Role } from "../../format/roles.ts"
import { clockText, gapText, secondsText } from "../../format/time.ts"
import { useZone } from "../../parts/values.tsx"
import { en } from "../../texts/en.ts"

/** An entry of the way, in the column of its system. */
export interface PlacedHop {
  hop: Hop
  lane: Lane
  atMs: number
}

const ticks = [0, 0.25, 0.5, 0.75, 1]

/** Dots stand at one of so many places: more would lie upon one another. */
const dotPlaces = 500

/** Where something happened in a lane; at one place the worst counts. */
function dotsOf(
  placed: readonly PlacedHop[],
  lane: Lane,
  { firstMs, spanMs }: { firstMs: number; spanMs: number },
): [number, Role][] {
  const dots = new Map<number, Role>()
  for (const { hop, lane: its, atMs } of placed) {
    if (its !== lane) continue
    const place = Math.round(((atMs - firstMs) / spanMs) * dotPlaces)
    const role = hop.outcome === undefined ? "moving" : outcomeState(hop.outcome).role
    if (!isCalm(role) || !dots.has(place)) dots.set(place, role)
  }
  return [...dots]
}

const isCalm = (role: Role) => role === "moving" || role === "done" || role === "waiting"

/** The whole way at a glance: a line for each system, a dot where something happened. The list below says the same in words. */
export function TimeScale({ placed, lanes }: { placed: readonly PlacedHop[]; lanes: readonly Lane[] }) {
  const zone = useZone()
  const [first, last] = [placed[0], placed.at(-1)]
  if (!first || !last || last.atMs === first.atMs) return null
  const spanMs = last.atMs - first.atMs
  const tickText = (share: number) => {
    const at = new Date(first.atMs + spanMs * share).toISOString()
    return spanMs < 3_600_000 ? secondsText({ at, zone }) : clockText({ at, zone, nowMs: last.atMs })
  }
  return (
    <figure className="time-scale" aria-hidden="true">
      {lanes.map((lane) => (
        <div key={lane} className="scale-lane">
          <span>{en.order.lanes[lane]}</span>
          <div className="scale-line">
            {dotsOf(placed, lane, { firstMs: first.atMs, spanMs }).map(([place, role]) => (
              <i key={place} className={`dot ${role}`} style={{ left: `${(place / dotPlaces) * 100}%` }} />
            ))}
          </div>
        </div>
      ))}
      <div className="scale-lane scale-ticks">
        <span>{gapText(spanMs)}</span>
        <div className="scale-line">
          {ticks.map((share) => (
            <span key={share} style={{ left: `${share * 100}%` }}>
              {tickText(share)}
            </span>
          ))}
        </div>
      </div>
    </figure>
  )
}
