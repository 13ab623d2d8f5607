import { setTimeout as sleep } from "node:timers/promises"
import type { Stage } from "../stage.ts"
import type { ChaosStore } from "./store.ts"

const patienceMs = 90_000
const lookEveryMs = 300

/**
 * Brings a store to rest, as its people do: everything is sent, what the centre names as outstanding is sent from the tills' paper, then all of
 * the paper once more. The days are closed, something late comes, and they are corrected.
 */
export async function finishStore(stage: Stage, store: ChaosStore, days: readonly string[]): Promise<void> {
  const { agent, senders, tills } = store
  // Started anew, an agent does not wait out the pause after its last failure.
  agent?.kill()
  await until(`the tills of ${store.storeId} have sent all`, async () => {
    await Promise.all(senders.map((sender) => sender.pass()))
    return senders.every(({ isDone }) => isDone)
  })
  await drained(store)
  for (const day of days) await close(stage, store, day)
  const told = days.flatMap((day) => tills.flatMap((till) => till.lastOf(day)))
  const look = await store.look(told)
  for (const [sender, receipts] of look ? store.receiptsOf(look) : []) await repeat(() => sender.again(receipts))
  await drained(store)
  for (const sender of senders) await repeat(() => sender.again([...sender.till.paper]))
  await drained(store)
  for (const day of days)
    await until(`${day} of ${store.storeId} is closed`, async () => (await close(stage, store, day)).state === "closed")
  // After the closing: it stays as it is, and a correction follows.
  for (const sender of senders) {
    sender.till.sell()
    await repeat(async () => {
      await sender.pass()
      return sender.isDone
    })
  }
  await drained(store)
  for (const day of days) await close(stage, store, day)
  await close(stage, store, days.at(-1) ?? "")
  await store.look([])
}

/** The centre has answered for everything that the agent keeps. */
async function drained({ storeId, agent }: ChaosStore): Promise<void> {
  if (!agent) return
  await agent.whenUp()
  let health: object = {}
  const isDrained = async () => {
    const now = await agent.health()
    health = now
    return now.outstanding === 0
  }
  await until(`the agent of ${storeId} has sent all`, isDrained, () => JSON.stringify(health))
}

async function close(stage: Stage, store: ChaosStore, day: string): Promise<{ state: string }> {
  const tills = store.tills.flatMap((till) => till.lastOf(day))
  const path = `/v1/store-days/${store.storeId}/${day}/close`
  return (await stage.api(path, { method: "POST", body: { tills } })) as { state: string }
}

async function repeat(act: () => Promise<boolean>): Promise<void> {
  await until("tills are answered", act)
}

/** `seen` says what stood there instead. */
async function until(what: string, is: () => Promise<boolean>, seen = () => ""): Promise<void> {
  const deadline = Date.now() + patienceMs
  while (Date.now() < deadline) {
    if (await is()) return
    await sleep(lookEveryMs)
  }
  throw new Error(`it never came to it that ${what} ${seen()}`.trim())
}
