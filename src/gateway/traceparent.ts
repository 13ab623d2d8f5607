/** W3C Trace Context, 2.2: version 00; all-zero ids are invalid. */
export const saneTraceparent = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
