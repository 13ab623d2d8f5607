import { expect, test } from "vitest"
import fc from "fast-check"
import type { Mode } from "./policies.ts"
import { turnOf, type Episode, type Reading } from "./standing.ts"

const mode: Mode = {
  name: "ERP down",
  connection: "sap",
  enter: { awayFor: { minutes: 2 }, waiting: 500 },
  leave: { answersFor: { minutes: 1 } },
  accepts: [],
  defers: [],
  owner: "integration",
  runbooks: {},
}
const minute = 60_000
const away = (minutes: number, waiting = 0): Reading => ({
  awayForMs: minutes * minute,
  answersForMs: undefined,
  waiting,
})
const answers = (minutes: number, waiting = 0): Reading => ({
  awayForMs: undefined,
  answersForMs: minutes * minute,
  waiting,
})
const entered: Episode = { state: "entered", byPerson: false }
const draining: Episode = { state: "draining", byPerson: false }
const to = (episode: Episode | undefined, reading: Reading, of = mode) => turnOf(of, episode, reading)?.to

test("a mode is entered when its system has been away for long enough, or too many wait for it", () => {
  expect(to(undefined, away(1.9))).toBeUndefined()
  expect(turnOf(mode, undefined, away(2))).toEqual({
    to: "entered",
    because: "sap has given no answer, or is paused, for 2 min",
  })
  expect(to(undefined, answers(60, 499))).toBeUndefined()
  expect(turnOf(mode, undefined, answers(60, 500))).toEqual({ to: "entered", because: "500 wait for sap" })
})

test("the way back begins when the system has answered for a while, and ends with the last that waits", () => {
  expect(to(entered, answers(0.5, 300))).toBeUndefined()
  expect(to(entered, answers(1, 300))).toBe("draining")
  expect(to(draining, answers(2, 1))).toBeUndefined()
  expect(to(draining, answers(2, 0))).toBe("left")
})

test("a system that is away again on the way back takes the same episode back, and a short silence does not", () => {
  expect(to(draining, away(1, 20))).toBeUndefined()
  expect(to(draining, away(2, 20))).toBe("entered")
  expect(to(draining, away(0.1, 0))).toBeUndefined()
})

test("what a person has entered only a person ends", () => {
  expect(to({ state: "entered", byPerson: true }, answers(60))).toBeUndefined()
})

test("slowness that began a mode ends when less than half as many wait", () => {
  const slow: Mode = { ...mode, enter: { waiting: 500 } }
  expect(to(entered, answers(5, 250), slow)).toBeUndefined()
  expect(to(entered, answers(5, 249), slow)).toBe("draining")
})

test("whatever is read, a mode ends only when nothing waits, and by way of the way back", () => {
  const reading = fc.oneof(
    fc.tuple(fc.nat(10), fc.nat(2000)).map(([minutes, waiting]) => away(minutes, waiting)),
    fc.tuple(fc.nat(10), fc.nat(2000)).map(([minutes, waiting]) => answers(minutes, waiting)),
  )
  fc.assert(
    fc.property(fc.array(reading, { maxLength: 60 }), (readings) => {
      let episode: Episode | undefined
      for (const each of readings) {
        const turn = turnOf(mode, episode, each)
        if (turn?.to === "left")
          expect([episode?.state, each.waiting, each.awayForMs]).toEqual(["draining", 0, undefined])
        if (turn?.to === "draining") expect(episode?.state).toBe("entered")
        if (turn) episode = turn.to === "left" ? undefined : { state: turn.to, byPerson: false }
      }
    }),
  )
})
