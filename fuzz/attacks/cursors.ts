import type { Random } from "../../lab/random.ts"
import type { Answers } from "../answers.ts"
import { spoilText } from "../spoil.ts"
import type { Stage } from "../stage.ts"

const lists = ["/v1/orders", "/v1/objects", "/v1/exceptions", "/v1/effects", "/v1/events"]

/** Cursors that were changed, cut, or given out by another list. */
export async function cursorAttack(stage: Stage, answers: Answers): Promise<(random: Random) => Promise<void>> {
  const given: string[] = []
  for (const list of lists) {
    const { cursor } = (await stage.api("GET", `${list}?limit=1`)) as { cursor?: string }
    if (cursor !== undefined) given.push(cursor)
  }
  return async (random) => {
    const list = random.pick(lists)
    const cursor = random.pick(given)
    const used = random.chance(0.2) ? cursor : spoilText(random, cursor)
    const call = {
      method: "GET",
      path: `${list}?limit=2&cursor=${encodeURIComponent(used.toWellFormed().slice(0, 2000))}`,
      headers: { authorization: `Bearer ${stage.keys.all}` },
    }
    answers.note(`cursor of ${list}`, call, await stage.caller.send(call))
  }
}
