import type { EventData } from "../../canonical/events.ts"
import type { InspectedLine, ReturnLine, Tracks } from "../../canonical/returns/parts.ts"

/** Goods that were found at one place at one time, and how far their goods, money and books are. */
export interface Round {
  /** The fact that told of it. */
  id: string
  at: string
  /** Left out where the buyer keeps the goods. */
  locationId?: string
  lines: readonly InspectedLine[]
  goods: "inspected" | "put away"
  money: Tracks["money"]
  books: Tracks["books"]
}

/** A return as far as it is told. */
export interface ReturnCase {
  how: NonNullable<EventData<"return.requested">["how"]>
  announced: readonly ReturnLine[]
  decision?: "approved" | "declined"
  isOnItsWay: boolean
  isReceived: boolean
  isCancelled: boolean
  /** Nothing more comes: whoever holds the goods said so, or the time is over. */
  isWhole: boolean
  rounds: readonly Round[]
}

type NewsType = Extract<keyof ReturnNewsData, string>
interface ReturnNewsData {
  "return.approved": EventData<"return.approved">
  "return.declined": EventData<"return.declined">
  "return.in-transit": EventData<"return.in-transit">
  "return.received": EventData<"return.received">
  "return.inspected": EventData<"return.inspected">
  "return.cancelled": EventData<"return.cancelled">
}
/** News of a return, with the fact that told of it. */
export type ReturnNews = { [Type in NewsType]: { type: Type; fact: string; data: ReturnNewsData[Type] } }[NewsType]

/** A return that was just requested. `announced` are the lines asked for, or all that the buyer has. */
export function beginReturn(
  { how = "send back", takenOver, requestedAt }: EventData<"return.requested">,
  announced: readonly ReturnLine[],
): ReturnCase {
  const begun: ReturnCase = {
    how,
    announced,
    isOnItsWay: false,
    isReceived: false,
    isCancelled: false,
    isWhole: false,
    rounds: [],
  }
  return takenOver ? withRound(begun, { ...takenOver, id: "over the counter", at: requestedAt }) : begun
}

/**
 * The return after a piece of news. News may come in any order: goods are inspected that nobody announced as received. Once goods were
 * taken it is too late to cancel, and the first decision stands.
 */
export function withNews(one: ReturnCase, news: ReturnNews): ReturnCase {
  switch (news.type) {
    case "return.approved":
      return decided(one, "approved")
    case "return.declined":
      return decided(one, "declined")
    case "return.in-transit":
      return { ...one, isOnItsWay: true }
    case "return.received":
      return { ...one, isReceived: true }
    case "return.cancelled":
      return hasBegun(one) ? one : { ...one, isCancelled: true }
    case "return.inspected":
      return one.isCancelled || one.rounds.some(({ id }) => id === news.fact)
        ? one
        : withRound(one, { ...news.data, id: news.fact })
  }
}

/** Nothing more comes: what did not come by now is not waited for. */
export function withoutRest(one: ReturnCase): ReturnCase {
  return { ...one, isWhole: true }
}

/** The buyer keeps the goods and gets the money. */
export function kept(one: ReturnCase, at: string): ReturnCase {
  const lines = one.announced.map(({ lineId, quantity }) => ({ lineId, quantity, disposition: "kept" as const }))
  return withRound(one, { id: "kept", at, lines, isLast: true })
}

/** Goods were taken, or money moved: it cannot be cancelled any more. */
function hasBegun({ rounds, isReceived }: ReturnCase): boolean {
  return isReceived || rounds.length > 0
}

function decided(one: ReturnCase, decision: "approved" | "declined"): ReturnCase {
  return one.decision === undefined && !one.isCancelled ? { ...one, decision } : one
}

function withRound(
  one: ReturnCase,
  { id, at, locationId, lines, isLast }: Pick<Round, "id" | "at" | "lines"> & { locationId?: string; isLast?: boolean },
): ReturnCase {
  const place = locationId === undefined ? {} : { locationId }
  const round: Round = { id, at, ...place, lines, goods: "inspected", money: "not due yet", books: "not due yet" }
  const rounds = [...one.rounds, round]
  return { ...one, rounds, isWhole: one.isWhole || isLast === true || isCovered(one.announced, rounds) }
}

/** Whether as much of every line was found, or is missing for good, as was announced. */
function isCovered(announced: readonly ReturnLine[], rounds: readonly Round[]): boolean {
  const found = new Map<string, number>()
  for (const { lineId, quantity } of rounds.flatMap(({ lines }) => lines))
    found.set(lineId, (found.get(lineId) ?? 0) + quantity.milli)
  return announced.every(({ lineId, quantity }) => (found.get(lineId) ?? 0) >= quantity.milli)
}

const moneyEnds: readonly Tracks["money"][] = ["nothing due", "given back", "left"]
const booksEnds: readonly Tracks["books"][] = ["nothing due", "credited", "left"]
const goodsEnds: readonly Tracks["goods"][] = ["put away", "none", "declined", "cancelled"]

/** Where the three tracks of a return stand: each by its own, the least advanced of its rounds. */
export function tracksOf(one: ReturnCase): Tracks {
  const goods = goodsOf(one)
  const isShut = goodsEnds.includes(goods)
  return {
    goods,
    money: leastOf(
      one.rounds.map(({ money }) => money),
      { ends: moneyEnds, isShut },
    ),
    books: leastOf(
      one.rounds.map(({ books }) => books),
      { ends: booksEnds, isShut },
    ),
  }
}

function goodsOf(one: ReturnCase): Tracks["goods"] {
  const { isCancelled, decision, rounds, isWhole, how } = one
  if (isCancelled) return "cancelled"
  if (decision === "declined" && rounds.length === 0) return "declined"
  if (how === "keep") return decision === "approved" ? "none" : "requested"
  if (isWhole && decision !== undefined && rounds.every(({ goods }) => goods === "put away"))
    return rounds.length > 0 ? "put away" : "none"
  if (rounds.length > 0) return "inspected"
  if (one.isReceived) return "received"
  if (one.isOnItsWay) return "on its way"
  return decision === "approved" ? "approved" : "requested"
}

/** The first of the rounds that has not ended, else the last end; without a round nothing is due once no goods come. */
function leastOf<Track extends string>(
  states: readonly Track[],
  { ends, isShut }: { ends: readonly Track[]; isShut: boolean },
): Track | "not due yet" | "nothing due" {
  const open = states.find((state) => !ends.includes(state))
  if (open !== undefined) return open
  if (states.every((state) => state === "nothing due")) return isShut ? "nothing due" : "not due yet"
  return states.findLast((state) => state !== "nothing due") ?? "nothing due"
}

/** All three tracks have ended. */
export function isOver(one: ReturnCase): boolean {
  const { goods, money, books } = tracksOf(one)
  return goodsEnds.includes(goods) && moneyEnds.includes(money) && booksEnds.includes(books)
}

/** Where a return stands, in a shopkeeper's words. */
export function returnState(one: ReturnCase): EventData<"return.state-changed">["state"] {
  const { goods, money } = tracksOf(one)
  if (isOver(one)) return goods === "declined" || goods === "cancelled" ? goods : "closed"
  if (money === "needs a person" || money === "waits for approval") return "needs a person"
  if (goods === "put away" || goods === "none") return "waits for money and books"
  return goods === "declined" || goods === "cancelled" ? "waits for money and books" : goods
}
