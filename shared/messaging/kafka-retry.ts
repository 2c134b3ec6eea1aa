// How patient kafkajs is with brokers that do not answer.

/**
 * With kafkajs's own settings a consumer that lost its broker for 44 s needed another 29 s to come
 * back; with these, 0.8 to 1.5 s (Kafka 4.4.0, 2026-11). They add up to about eighteen seconds; a
 * consumer then begins anew, any other request fails.
 */
export const kafkaRetry = { initialRetryTime: 100, maxRetryTime: 1000, retries: 20 }
