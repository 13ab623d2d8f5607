import type { Capabilities, CapabilityName } from "../ports/capabilities.ts"
import type { Call, Read, Write, Written } from "../ports/write.ts"
import { AppError } from "../base/errors.ts"
import { traceparentOf } from "../base/ids.ts"
import { withDeadline } from "../base/time.ts"
import type { Connection } from "./connections.ts"
import type { Lane } from "./pacing.ts"

/** A write that knows which connection it goes to, so that the ledger can say so and undo can find it again. */
export interface RoutedWrite<Input, Output extends Written> {
  write: Write<Input, Output>
  connection: Connection
  capability: CapabilityName
  operation: string
}

/** A capability whose writes are routed and whose reads go through the connection's door. */
export type Routed<Capability> = {
  [Name in keyof Capability]: Capability[Name] extends Write<infer Input, infer Output>
    ? RoutedWrite<Input, Output>
    : Capability[Name] extends Read<infer Input, infer Output>
      ? (input: Input) => Promise<Output>
      : never
}

interface RouteContext {
  correlation: string
  traceparent?: string
  lane: Lane
}

/** Binds a capability to its connection. Reads are called through the gate and may be repeated. */
export function routeCapability<Name extends CapabilityName>(
  connection: Connection,
  name: Name,
  context: RouteContext,
): Routed<Capabilities[Name]> {
  const capability = connection.connected[name]
  if (!capability) throw new AppError("CONFIG_INVALID", `connection ${connection.id} cannot do what ${name} asks`)
  const operations = Object.entries(capability).map(([operation, member]: [string, unknown]) => {
    if (isWrite(member)) return [operation, { write: member, connection, capability: name, operation }]
    if (typeof member !== "function") return [operation, member]
    const read = (input: unknown) =>
      connection.gate.pass(
        context.lane,
        () =>
          withDeadline(connection.timeoutMs, (signal) => {
            const call: Omit<Call, "key"> = {
              signal,
              correlation: context.correlation,
              traceparent: context.traceparent ?? traceparentOf(context.correlation),
            }
            // The mapped type Routed<…> pairs each read with its own input; this loop sees only functions.
            return (member as Read<unknown, unknown>)(input, call)
          }),
        `${name}.${operation}`,
      )
    return [operation, read]
  })
  return Object.fromEntries(operations) as Routed<Capabilities[Name]>
}

/** Finds a write by name, for undo steps that are data. */
export function findWrite(
  connection: Connection,
  capability: string,
  operation: string,
): RoutedWrite<unknown, Written> {
  const found: unknown = connection.connected[capability as CapabilityName]
  const member: unknown = typeof found === "object" && found !== null ? Reflect.get(found, operation) : undefined
  if (!isWrite(member))
    throw new AppError(
      "CONFIG_INVALID",
      `connection ${connection.id} has no ${capability}.${operation} any more; undo needs it`,
    )
  return { write: member, connection, capability: capability as CapabilityName, operation }
}

/** Whether a member of a capability is a write. */
export function isWrite(member: unknown): member is Write<unknown, Written> {
  return typeof member === "object" && member !== null && "send" in member && "probe" in member
}
