import type { Hop } from "../../api/answers.ts"
import type { Lane } from "../../format/connection.ts"
import { outcomeState } from "../../format/roles.ts"
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
            {placed.map(({ hop, lane: its, atMs }, index) =>
              its === lane ? (
                <i
                  key={index}
                  className={`dot ${hop.outcome === undefined ? "moving" : outcomeState(hop.outcome).role}`}
                  style={{ left: `${((atMs - first.atMs) / spanMs) * 100}%` }}
                />
              ) : null,
            )}
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
