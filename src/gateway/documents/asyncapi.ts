import { eventTypes } from "../../canonical/events.ts"

const text = { type: "string" }

/** The envelope of every message: CloudEvents 1.0 in JSON, with our extensions (github.com/cloudevents/spec, 1.0.2). */
const envelope = {
  type: "object",
  required: ["specversion", "id", "type", "source", "time", "subject", "fact", "correlation", "schemaversion", "data"],
  properties: {
    specversion: { const: "1.0" },
    id: { ...text, description: "names the fact; the same for every repeat" },
    type: text,
    source: { ...text, description: "the system that told it" },
    time: { ...text, format: "date-time", description: "when it happened" },
    datacontenttype: { const: "application/json" },
    subject: { ...text, description: "the ref of the object it is about; events of one object come in their order" },
    key: text,
    fact: text,
    correlation: text,
    causation: text,
    traceparent: text,
    schemaversion: { type: "integer" },
  },
}

/** The events of Crossdock as an AsyncAPI 3.0 document: what `GET /v1/events` lists and event subscriptions are sent. */
export function asyncApiDocument(title: string): object {
  const entries = Object.entries(eventTypes)
  const messages = Object.fromEntries(
    entries.map(([name, { schema, version, summary, example, publisher }]) => [
      name,
      {
        name,
        contentType: "application/cloudevents+json",
        summary,
        "x-version": version,
        "x-publisher": publisher,
        headers: { $ref: "#/components/schemas/Headers" },
        payload: {
          allOf: [
            { $ref: "#/components/schemas/Event" },
            { properties: { type: { const: name }, schemaversion: { const: version }, data: schema } },
          ],
        },
        examples: [{ payload: { type: name, schemaversion: version, data: example } }],
      },
    ]),
  )
  return {
    asyncapi: "3.0.0",
    info: {
      title: `${title}: business events`,
      version: "1",
      description:
        "Facts of the business, each once. A new optional property is no new version; a version that takes something away stands beside the former one, and says from when that is no longer sent.",
    },
    defaultContentType: "application/cloudevents+json",
    channels: {
      events: {
        address: "the address of an event subscription, see POST /v1/subscriptions in /openapi.json",
        description: "Messages are signed after the Standard Webhooks specification.",
        messages: Object.fromEntries(entries.map(([name]) => [name, { $ref: `#/components/messages/${name}` }])),
      },
    },
    operations: { sendEvents: { action: "send", channel: { $ref: "#/channels/events" } } },
    components: {
      schemas: {
        Event: envelope,
        Headers: {
          type: "object",
          required: ["webhook-id", "webhook-timestamp", "webhook-signature"],
          properties: {
            "webhook-id": { ...text, description: "the same whenever the message is sent again" },
            "webhook-timestamp": { ...text, description: "seconds since 1970" },
            "webhook-signature": { ...text, description: "v1,… in base64; several after a rotation, apart by spaces" },
          },
        },
      },
      messages,
    },
  }
}
