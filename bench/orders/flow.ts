import { setTimeout as sleep } from "node:timers/promises"
import type { Child } from "../child.ts"
import type { Stack } from "../stack.ts"
import { closingTimes, countClosed, describeUnfinished, readBooks } from "./book.ts"
import { startBenchLab, type BenchLab } from "./lab.ts"

const turns = 3
const closesWithinMs = 180_000
// Counting closed orders costs the server an index scan; at this interval it is not noticeable.
const topUpEveryMs = 200
const lookEveryMs = 100
const restsWithinMs = 20_000

/** A lab, a gateway and a worker, each in a process, and the orders placed through them. */
export class OrderFlow {
  readonly stack: Stack
  readonly lab: BenchLab
  readonly placed: string[] = []
  #gateway: (Child & { url: string }) | undefined
  #worker: Child | undefined
  #lastPlacedMs = 0

  private constructor(stack: Stack, lab: BenchLab) {
    this.stack = stack
    this.lab = lab
  }

  static async start(stack: Stack): Promise<OrderFlow> {
    const flow = new OrderFlow(stack, await startBenchLab(stack))
    await flow.startCrossdock()
    await flow.lab.open(stack, flow.gatewayUrl)
    return flow
  }

  get gatewayUrl(): string {
    return this.#gateway?.url ?? ""
  }

  /** Crossdock's own processes; the cost of an order is their sum. */
  get ownPids(): Record<string, number> {
    const { postgres = 0 } = this.stack.pids
    return { postgres, gateway: this.#gateway?.pid ?? 0, worker: this.#worker?.pid ?? 0 }
  }

  /** All processes of the flow. */
  get pids(): Record<string, number> {
    return { ...this.stack.pids, ...this.ownPids, lab: this.lab.pid }
  }

  /** Starts gateway and worker, again after `stopCrossdock`; the shop learns the new address. */
  async startCrossdock(): Promise<void> {
    const isAgain = this.#gateway !== undefined
    this.#gateway = await this.stack.startCrossdock("gateway", this.lab.addresses)
    this.#worker = await this.stack.startCrossdock("worker", this.lab.addresses)
    if (isAgain) await this.lab.pointAt(this.gatewayUrl)
  }

  async stopCrossdock(): Promise<void> {
    await this.#worker?.stop()
    await this.#gateway?.stop()
  }

  async stop(): Promise<void> {
    await this.stopCrossdock()
    await this.lab.stop()
  }

  /**
   * Keeps this many orders in progress until the time is over and three times as many were placed, then lets the rest
   * finish. Returns orders closed per second from the first placed to the last closed, so start and end count against
   * us.
   */
  async closeFor(seconds: number, inFlight: number): Promise<{ count: number; perSecond: number }> {
    const startedAt = Date.now()
    const isEnough = (count: number) => Date.now() - startedAt >= seconds * 1000 && count >= turns * inFlight
    return await this.#close(inFlight, isEnough, Number.POSITIVE_INFINITY)
  }

  /** Places this many orders, with a limited number in progress, and waits until all are closed. */
  async closeCount(count: number, inFlight: number): Promise<{ count: number; perSecond: number }> {
    return await this.#close(inFlight, (placed) => placed >= count, count)
  }

  async #close(inFlight: number, isEnough: (placed: number) => boolean, countMax: number) {
    const { sql } = this.stack
    const since = await this.#beginStretch()
    const startedAt = Date.now()
    let count = 0
    while (!isEnough(count)) {
      const missing = Math.min(inFlight - (count - (await countClosed(sql, since))), countMax - count)
      if (missing > 0) await this.#place(missing)
      count += Math.max(0, missing)
      await sleep(topUpEveryMs)
    }
    await this.#untilClosed(since, count)
    return { count, perSecond: count / ((Date.now() - startedAt) / 1000) }
  }

  /** Places orders at a rate, whether or not earlier ones are closed; returns the times from received to closed. */
  async openLoop(count: number, ratePerSecond: number): Promise<{ p50Ms: number; p99Ms: number }> {
    const since = await this.#beginStretch()
    await this.#place(count, ratePerSecond)
    await this.#untilClosed(since, count)
    return await closingTimes(this.stack.sql, since)
  }

  async #untilClosed(since: Date, count: number): Promise<void> {
    const deadline = Date.now() + closesWithinMs
    while ((await countClosed(this.stack.sql, since)) < count) {
      if (Date.now() > deadline)
        throw new Error(
          `${count} orders placed since ${since.toISOString()}, ${await describeUnfinished(this.stack.sql)}`,
        )
      await sleep(lookEveryMs)
    }
  }

  /** The shop's times are whole seconds, so a period begins in a second in which nothing was placed before. */
  async #beginStretch(): Promise<Date> {
    const second = (ms: number) => Math.floor(ms / 1000)
    if (second(Date.now()) === second(this.#lastPlacedMs)) await sleep(1000 - (Date.now() % 1000))
    return new Date(second(Date.now()) * 1000)
  }

  async #place(count: number, ratePerSecond?: number): Promise<void> {
    this.placed.push(...(await this.lab.place(count, ratePerSecond)))
    this.#lastPlacedMs = Date.now()
  }

  /** A parcel's arrival is told after its order has closed, so workflows are given time to end. */
  async #booksAtRest() {
    const deadline = Date.now() + restsWithinMs
    for (;;) {
      const found = await readBooks(this.stack.sql)
      if (found?.openRuns === 0 || Date.now() > deadline) return found
      await sleep(lookEveryMs)
    }
  }

  /** Every order is closed once, booked in the ERP once and shipped once, and no stock is held for finished orders. */
  async violations(): Promise<string[]> {
    const found = await this.#booksAtRest()
    const violations: string[] = []
    const expect = (what: string, value: number | undefined, wanted: number) => {
      if (value !== wanted) violations.push(`${what}: ${value ?? "none"}, should be ${wanted}`)
    }
    const placed = this.placed.length
    const booked = (await this.lab.books("sap-s4hana", "orders")) as { PurchaseOrderByCustomer?: string }[]
    const released = (await this.lab.books("warehouse", "shipmentRequests")) as { orderId?: string }[]
    const references = new Set(booked.map((one) => one.PurchaseOrderByCustomer))
    expect("distinct orders placed", new Set(this.placed).size, placed)
    expect("orders in the book", found?.orders, placed)
    expect("orders closed", found?.closed, placed)
    expect("workflows not finished", found?.openRuns, 0)
    expect("stock still held", found?.heldMilli, 0)
    expect("positions below zero or still reserved", found?.wrongPositions, 0)
    expect("sales orders in the ERP", booked.length, placed)
    expect("distinct references in the ERP", references.size, placed)
    expect("orders at the warehouse", new Set(released.map((one) => one.orderId)).size, placed)
    return violations
  }
}
