import { useInfiniteQuery } from "@tanstack/react-query"
import { Fragment, useState } from "react"
import { apiPath, get } from "../../api/client.ts"
import type { Connection } from "../../api/system-answers.ts"
import type { Hop, Page as Items, Trace } from "../../api/answers.ts"
import { useApi } from "../../api/use-api.ts"
import { laneOf, type Lane } from "../../format/connection.ts"
import { outcomeState } from "../../format/roles.ts"
import { exactText, gapText, secondsText } from "../../format/time.ts"
import { hopText } from "../../format/waits.ts"
import { Choice } from "../../list/around.tsx"
import { StateIcon } from "../../parts/icon.tsx"
import { Loaded, Section, type Reading } from "../../parts/page.tsx"
import { useZone } from "../../parts/values.tsx"
import { en } from "../../texts/en.ts"
import { HopPayload } from "./hop-payload.tsx"
import { TimeScale, type PlacedHop } from "./time-scale.tsx"

const t = en.order
const lanes: readonly Lane[] = ["shop", "crossdock", "books", "goods", "others"]
/** A pause as long as this is worth a line of its own. */
const pauseMs = 10_000

/** Everything that happened, in the column of the system where it happened, on one time scale. */
export function WayTab({ of, trace }: { of: string; trace: Reading & { data: Trace | undefined } }) {
  const [which, setWhich] = useState<Which>("main")
  const connections = useApi<Items<Connection>>("/v1/connections").data?.items ?? []
  const later = useLaterHops(of, trace.data?.next)
  return (
    <Loaded reading={trace} lines={14}>
      {({ hops: first = [], isComplete, removed }) => {
        const hops = [...first, ...later.hops]
        const shown = hops.filter(kept[which])
        const placed = shown.map((hop) => ({ hop, lane: laneOf(hop.system, connections), atMs: Date.parse(hop.at) }))
        const used = lanes.filter((lane) => placed.some((one) => one.lane === lane))
        return (
          <Section
            title={t.scale}
            aside={
              <Choice
                name={t.which}
                value={which}
                choices={Object.entries(t.whiches)}
                isAlwaysSet
                onChange={(value) => setWhich((value ?? "main") as Which)}
              />
            }
          >
            <TimeScale placed={placed} lanes={used} />
            {placed.length === 0 && <p className="dim">{t.noneOfThese}</p>}
            <Way placed={placed} lanes={used} />
            {later.more && (
              <button type="button" className="button" onClick={later.more} aria-disabled={later.isReading}>
                {later.isReading ? en.list.loading : t.moreOfWay}
              </button>
            )}
            {isComplete === false && <p className="dim">{t.incomplete}</p>}
            {removed !== undefined && <p className="dim">{t.truncated}</p>}
          </Section>
        )
      }}
    </Loaded>
  )
}

type Which = keyof typeof t.whiches
const kept: Readonly<Record<Which, (hop: Hop) => boolean>> = {
  main: isMain,
  all: () => true,
  failed: ({ outcome }) => outcome !== undefined && !["done", "translated", "ignored"].includes(outcome),
}

/** Pages of a long way after the first, read when somebody asks for them. */
function useLaterHops(of: string, next: string | undefined) {
  const reading = useInfiniteQuery({
    queryKey: ["later hops", of, next],
    queryFn: ({ pageParam }) => get<Trace>(apiPath("/v1/trace", { of, after: pageParam })),
    initialPageParam: next,
    getNextPageParam: ({ next: after }) => after,
    enabled: false,
    refetchInterval: false,
  })
  const pages = reading.data?.pages ?? []
  const hasMore = pages.length === 0 ? next !== undefined : reading.hasNextPage
  return {
    hops: pages.flatMap(({ hops = [] }) => hops),
    isReading: reading.isFetching,
    more: hasMore ? () => void (pages.length === 0 ? reading.refetch() : reading.fetchNextPage()) : undefined,
  }
}

/** Choices without a word to say, and parcels' news that changed nothing, are left out at first. */
function isMain({ system, what, detail, outcome }: Hop): boolean {
  if (what === "shipment.milestone") return false
  const isOwn = system === "crossdock" && !/^[a-z-]+\.[a-z-]+$/.test(what)
  return !isOwn || (detail !== undefined && detail !== "0") || (outcome !== undefined && outcome !== "done")
}

/** As many entries as are drawn at once: ten thousand would freeze the page. */
const drawnStep = 300

function Way({ placed: all, lanes }: { placed: readonly PlacedHop[]; lanes: readonly Lane[] }) {
  const zone = useZone()
  const [drawn, setDrawn] = useState(drawnStep)
  const placed = all.slice(0, drawn)
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
      {placed.length < all.length && (
        <button type="button" className="button" onClick={() => setDrawn(drawn + drawnStep)}>
          {t.drawMore(placed.length, all.length)}
        </button>
      )}
    </div>
  )
}

/** Where something stands behind it, a button that shows it. */
function What({ hop, text }: { hop: Hop; text: string | undefined }) {
  const [isOpen, setOpen] = useState(false)
  if (hop.delivery === undefined && !hop.isCall) return <span className="hop-what">{text}</span>
  return (
    <>
      <button type="button" className="hop-what behind" title={en.payloads.open} onClick={() => setOpen(true)}>
        {text}
      </button>
      {isOpen && <HopPayload hop={hop} onClose={() => setOpen(false)} />}
    </>
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
        <What hop={hop} text={isState ? detail : hopText(what)} />
        {!isPlain && <span className={`state ${role}`}> {outcome}</span>}
        {!isState && detail !== undefined && !detail.startsWith("from ") && <span className="dim"> {detail}</span>}
        {reference && <span className="hop-reference code dim">{reference.id}</span>}
      </div>
    </div>
  )
}
