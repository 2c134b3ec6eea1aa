import kafkajs from 'kafkajs'
import { expect, test } from 'vitest'
import { errorType, toKafkaError } from '#shared/messaging/kafka-error.ts'

const refused = new kafkajs.KafkaJSConnectionError('Connection refused')
const tooLarge = Object.assign(new kafkajs.KafkaJSNonRetriableError('too large'), {
  cause: Object.assign(new Error('protocol'), { type: 'MESSAGE_TOO_LARGE' })
})

test('what kafkajs gave up trying may be tried again later, what it refused to try may not', () => {
  const gaveUp = new kafkajs.KafkaJSNumberOfRetriesExceeded(refused, {
    retryCount: 20,
    retryTime: 1000
  })

  expect(toKafkaError(gaveUp)).toMatchObject({ code: 'KAFKA_UNAVAILABLE', canRetry: true })
  expect(toKafkaError(tooLarge)).toMatchObject({ code: 'KAFKA_UNAVAILABLE', canRetry: false })
})

test("an error that is not kafkajs's is left as it is", () => {
  const bug = new TypeError('x is undefined')

  expect(toKafkaError(bug)).toBe(bug)
})

test("Kafka's name of an error is found wherever kafkajs has wrapped it", () => {
  expect(errorType(tooLarge)).toBe('MESSAGE_TOO_LARGE')
  expect(errorType(refused)).toBeUndefined()
})
