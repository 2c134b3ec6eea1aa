// A thread of living-thread.ts: keeps the items of one release up with the catalogue.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { Item } from '#shared/catalog/item.ts'
import { type ErrorCode, RecommenderError } from '#shared/runtime/errors.ts'
import type { Placement } from './id-registry.ts'
import { LivingItems, type LivingParts } from './living-items.ts'
import type { SharedModel } from './shared-model.ts'

export interface LivingTask {
  readonly model: SharedModel
  readonly parts: LivingParts
}

/** What the thread is asked; each is answered, one after the other. */
export type LivingRequest =
  | { readonly act: 'addReader' }
  | { readonly act: 'hide'; readonly keys: readonly string[] }
  | { readonly act: 'adopt'; readonly placements: readonly Placement[] }
  | { readonly act: 'place'; readonly items: readonly Item[] }
  | { readonly act: 'update'; readonly items: readonly Item[] }

export type LivingReply = { readonly id: number; readonly result: unknown } | LivingFault

/** The code says whose fault it is: an item's only with ITEM_INVALID. */
export interface LivingFault {
  readonly id: number
  readonly fault: string
  readonly code: ErrorCode
}

export type NumberedRequest = LivingRequest & { readonly id: number }

const { model, parts } = workerData as LivingTask
const items = await LivingItems.open(model, parts)
let last: Promise<void> = Promise.resolve()

parentPort!.on('message', (request: NumberedRequest) => {
  last = last.then(() => answer(request))
})

async function answer(request: NumberedRequest): Promise<void> {
  const { id } = request
  try {
    const result = await act(request)
    const ports = hasPort(result) ? [result.port] : []
    parentPort!.postMessage({ id, result } satisfies LivingReply, ports)
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error)
    const code = error instanceof RecommenderError ? error.code : 'WORKER_FAILED'
    parentPort!.postMessage({ id, fault, code } satisfies LivingReply)
  }
}

async function act(request: LivingRequest): Promise<unknown> {
  switch (request.act) {
    case 'addReader':
      return items.addReader()
    case 'hide':
      return items.hide(request.keys)
    case 'adopt':
      return items.adopt(request.placements)
    case 'place':
      return items.place(request.items)
    case 'update':
      return items.update(request.items)
  }
}

function hasPort(result: unknown): result is { readonly port: MessagePort } {
  return typeof result === 'object' && result !== null && 'port' in result
}
