import { readFileSync } from "node:fs"
import {
  bootstrap,
  DefaultJobQueuePlugin,
  DefaultLogger,
  dummyPaymentHandler,
  JobQueueService,
  LogLevel,
} from "@vendure/core"
import { OrderWebhooks, webhook } from "./order-webhooks.mjs"

// One argument: the file with `{ port, database, credentials, cookieSecret, webhook }` that the installer writes.
const settings = JSON.parse(readFileSync(process.argv[2], "utf8"))
Object.assign(webhook, settings.webhook)

const app = await bootstrap({
  logger: new DefaultLogger({ level: LogLevel.Info, timestamp: true }),
  apiOptions: { hostname: "127.0.0.1", port: settings.port, adminApiPath: "admin-api", shopApiPath: "shop-api" },
  authOptions: {
    tokenMethod: ["bearer"],
    superadminCredentials: { identifier: settings.credentials.user, password: settings.credentials.password },
    cookieOptions: { secret: settings.cookieSecret },
  },
  dbConnectionOptions: { type: "postgres", synchronize: true, logging: false, ...settings.database },
  customFields: {
    Order: [{ name: "externalId", type: "string", nullable: true, public: false }],
    // The shop has no crossed-out price: retailers put it in a field of their own.
    ProductVariantPrice: [{ name: "compareAt", type: "int", nullable: true }],
  },
  paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
  plugins: [
    DefaultJobQueuePlugin.init({ pollInterval: 500, concurrency: 20, backoffStrategy: () => 500 }),
    ...(webhook.url ? [OrderWebhooks] : []),
  ],
})

// The queue's jobs run in this process; Vendure's default is a worker of its own.
await app.get(JobQueueService).start()

for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => void app.close().then(() => process.exit(0)))
