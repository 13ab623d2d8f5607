/**
 * An error in SAP Gateway's form; `code` is message class and number, as `V1/382`. The numbers used in the lab are
 * general knowledge, not verified: a connector may rely on the envelope and the status, not on a number.
 */
export class ODataError extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

export function notFound(what: string): ODataError {
  return new ODataError(404, "/IWBEP/CM_MGW_RT/020", `Resource not found for segment '${what}'`)
}

/**
 * An error in one of the two forms that occur: that of OData V2 (components/schemas/error of the vendor's OpenAPI
 * documents), or that of V4, which newer gateways also give for V2 services.
 */
export function errorBody({ code, message }: { code: string; message: string }, form: "V2" | "V4" = "V2"): unknown {
  if (form === "V4")
    return {
      error: {
        code,
        message,
        target: "",
        details: [{ code, message, target: "" }],
        innererror: { ErrorDetails: { "@SAP__common.TransactionId": "0000000000000000000000000000AB1E" } },
      },
    }
  return {
    error: {
      code,
      message: { lang: "en", value: message },
      innererror: {
        application: { component_id: "LAB", service_namespace: "/SAP/", service_id: "LAB", service_version: "0001" },
        transactionid: "0000000000000000000000000000AB1E",
        timestamp: "",
        Error_Resolution: {
          SAP_Transaction:
            "Run transaction /IWFND/ERROR_LOG on SAP Gateway hub system and search for entries with the timestamp above",
        },
        errordetails: [{ code, message, propertyref: "", severity: "error", target: "" }],
      },
    },
  }
}
