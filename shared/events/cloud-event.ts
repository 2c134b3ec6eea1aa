// CloudEvents 1.0 (github.com/cloudevents/spec, the bindings to Kafka and HTTP): an envelope around our
// own message. Structured: the envelope is the JSON value. Binary: it is the headers, `ce_` of a Kafka
// message and `ce-` of an HTTP request.
import { readText } from './read-json.ts'
import { isObject, quote, type Rejection } from './rejection.ts'

/** Kafka headers as clients give them; a repeated header is an array. */
export type MessageHeaders = Readonly<
  Record<string, Uint8Array | string | readonly (Uint8Array | string)[] | null | undefined>
>

export interface CloudEvent {
  /** All attributes of the envelope, as sent; `data` is not among them. */
  readonly attributes: Readonly<Record<string, unknown>>
  readonly data: Record<string, unknown>
}

/**
 * Opens the envelope, if there is one: `undefined` for a plain message.
 *
 * @param message the JSON value of the message.
 */
export function openCloudEvent(
  message: Record<string, unknown>,
  headers: MessageHeaders
): CloudEvent | Rejection | undefined {
  if (headers.ce_specversion) return openBinary(message, headers)
  return typeof message.specversion === 'string' ? openStructured(message) : undefined
}

/** Headers of an HTTP request as Node gives them. */
export type HttpHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/**
 * The body of an HTTP request as a structured CloudEvent, when its headers are the envelope of one;
 * any other body as it is. The binding percent-encodes what a header cannot have.
 */
export function fromHttp(body: unknown, headers: HttpHeaders): { message: unknown } | Rejection {
  if (headers['ce-specversion'] === undefined) return { message: body }
  const attributes: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith('ce-')) continue
    const text = percentDecoded(String(value))
    if (text === undefined) {
      return { rejected: `header ${quote(name)} is not percent-encoded UTF-8`, field: name }
    }
    attributes[name.slice('ce-'.length)] = text
  }
  return { message: { ...attributes, data: body } }
}

function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function openStructured({ data, ...attributes }: Record<string, unknown>): CloudEvent | Rejection {
  if (!isObject(data)) {
    return { rejected: 'data of the CloudEvent must be a JSON object', field: 'data' }
  }
  return checkVersion({ attributes, data })
}

function openBinary(
  data: Record<string, unknown>,
  headers: MessageHeaders
): CloudEvent | Rejection {
  const attributes: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith('ce_')) continue
    const text = typeof value === 'string' ? value : readText(toBytes(value))
    if (text === undefined) {
      return { rejected: `header ${quote(name)} is not UTF-8 text`, field: name }
    }
    attributes[name.slice('ce_'.length)] = text
  }
  return checkVersion({ attributes, data })
}

function checkVersion(cloudEvent: CloudEvent): CloudEvent | Rejection {
  const { specversion } = cloudEvent.attributes
  if (specversion === '1.0') return cloudEvent
  return { rejected: 'specversion of the CloudEvent must be 1.0', field: 'specversion' }
}

/** A repeated header counts by its last value, as in Kafka's own `lastHeader`. */
function toBytes(value: MessageHeaders[string]): Uint8Array {
  const last = Array.isArray(value) ? value.at(-1) : value
  return typeof last === 'string' ? Buffer.from(last) : (last ?? new Uint8Array())
}
