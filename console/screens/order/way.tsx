import { Fragment, useState } from "react"
import type { Connection } from "../../api/system-answers.ts"
import type { Hop, Page as Items, Trace } from "../../api/answers.ts"
import { useApi } from "../../api/use-api.ts"
import { laneOf, type Lane } from "../../format/connection.ts"
import { outcomeState } from "../../format/roles.ts"
import { exactText, gapText, secondsText } from "../../format/time.ts"
import { hopText } from "../../format/waits.ts"
import { StateIcon } from "../../parts/icon.tsx"
import { Loaded, Section, type Reading } from "../../parts/page.tsx"
import { useZone } from "../../parts/values.tsx"
import { en } from "../../texts/en.ts"
import { TimeScale, type PlacedHop } from "./time-scale.tsx"

const t = en.order
const lanes: readonly Lane[] = ["shop", "crossdock", "books", "goods", "others"]
/** A pause as long as this is worth a line of its own. */
const pauseMs = 10_000

/** Everything that happened, in the column of the system where it happened, on one time scale. */
export function WayTab({ trace }: { trace: Reading & { data: Trace | undefined } }) {
  const [isAll, setAll] = useState(false)
  const connections = useApi<Items<Connection>>("/v1/connections").data?.items ?? []
  return (
    <Loaded reading={trace} lines={14}>
      {({ hops = [], isComplete, removed }) => {
        const shown = isAll ? hops : hops.filter(isMain)
        const placed = shown.map((hop) => ({ hop, lane: laneOf(hop.system, connections), atMs: Date.parse(hop.at) }))
        const used = lanes.filter((lane) => placed.some((one) => one.lane === lane))
        return (
          <Section
            title={t.scale}
            aside={
              shown.length < hops.length || isAll ? (
                <button type="button" className="button quiet" onClick={() => setAll(!isAll)}>
                  {isAll ? t.main : t.all(hops.length)}
                </button>
              ) : null
            }
          >
            <TimeScale placed={placed} lanes={used} />
            <Way placed={placed} lanes={used} />
            {isComplete === false && <p className="dim">{t.incomplete}</p>}
            {removed !== undefined && <p className="dim">{t.truncated}</p>}
          </Section>
        )
      }}
    </Loaded>
  )
}

/** Choices without a word to say, and parcels' news that changed nothing, are left out at first. */
function isMain({ system, what, detail, outcome }: Hop): boolean {
  if (what === "shipment.milestone") return false
  const isOwn = system === "crossdock" && !/^[a-z-]+\.[a-z-]+$/.test(what)
  return !isOwn || (detail !== undefined && detail !== "0") || (outcome !== undefined && outcome !== "done")
}

function Way({ placed, lanes }: { placed: readonly PlacedHop[]; lanes: readonly Lane[] }) {
  const zone = useZone()
  return (
    <div className={`way of-${lanes.length}`}>
      <div className="way-head" aria-hidden="true">
        <span>{zone.name}</span>
        {lanes.map((lane) => (
          <span key={lane}>{t.lanes[lane]}</span>
        ))}
      </div>
      <ol>
        {placed.map(({ hop, lane, atMs }, index) => {
          const pause = atMs - (placed[index - 1]?.atMs ?? atMs)
          const clock = secondsText({ at: hop.at, zone })
          const before = placed[index - 1]
          const isSame = before !== undefined && secondsText({ at: before.hop.at, zone }) === clock
          return (
            <Fragment key={`${hop.at} ${hop.system} ${hop.what} ${index}`}>
              {pause >= pauseMs && <li className="pause">{t.later(gapText(pause))}</li>}
              <li className={`hop lane-${lanes.indexOf(lane) + 1}`}>
                <time dateTime={hop.at} title={exactText({ at: hop.at, zone })} className={isSame ? "same" : undefined}>
                  {clock}
                </time>
                <HopText hop={hop} lane={lane} />
              </li>
            </Fragment>
          )
        })}
      </ol>
    </div>
  )
}

function HopText({ hop, lane }: { hop: Hop; lane: Lane }) {
  const { what, detail, outcome, reference, system } = hop
  const isState = what.endsWith(".state-changed")
  const role = outcome === undefined ? (isState ? "moving" : "waiting") : outcomeState(outcome).role
  const isPlain = outcome === undefined || outcome === "done" || outcome === "translated"
  return (
    <div className={isState ? "hop-text is-state" : "hop-text"} title={what}>
      {outcome === undefined && !isState ? (
        <span className="fact" />
      ) : (
        <span className={`state ${role}`}>
          <StateIcon role={role} />
        </span>
      )}
      <div>
        <span className="lane-name">{lane === "crossdock" ? t.lanes.crossdock : system}</span>
        <span className="hop-what">{isState ? detail : hopText(what)}</span>
        {!isPlain && <span className={`state ${role}`}> {outcome}</span>}
        {!isState && detail !== undefined && !detail.startsWith("from ") && <span className="dim"> {detail}</span>}
        {reference && <span className="hop-reference code dim">{reference.id}</span>}
      </div>
    </div>
  )
}
