// A trie as a reading thread sees it. trie-writer.ts has the rule.
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { type ChangeLog, changeAt, openChangeLog } from './change-log.ts'
import type { TrieView } from './trie.ts'
import { openTrie } from './trie-memory.ts'
import { TrieOverlay } from './trie-overlay.ts'

/** A built trie and the changes since. Sent to a worker, nothing of it is copied. */
export interface SharedTrie {
  readonly base: SharedArrayBuffer
  readonly changes: SharedArrayBuffer
}

/** What a worker needs to read: `port` has to be in the list of what is transferred to it. */
export interface ReaderSeat extends SharedTrie {
  /** Brings the trie that takes this one's place. */
  readonly port: MessagePort
}

export class TrieReader {
  readonly #port: MessagePort
  #changes: ChangeLog
  #overlay: TrieOverlay

  constructor({ base, changes, port }: ReaderSeat) {
    this.#port = port
    this.#changes = openChangeLog(changes)
    this.#overlay = new TrieOverlay(openTrie(base))
  }

  /**
   * The trie with all that is published now. It stays as it is until this is called again: call it
   * once at the start of a search.
   */
  view(): TrieView {
    while (this.#changes.isReplaced) if (!this.#takeNewer()) break
    const end = this.#changes.published
    for (let n = this.#overlay.version; n < end; n++)
      this.#overlay.apply(changeAt(this.#changes, n))
    return this.#overlay
  }

  /** Ends the connection with the writer; the last view stays readable. */
  close(): void {
    this.#port.close()
  }

  #takeNewer(): boolean {
    const received = receiveMessageOnPort(this.#port) as { message: SharedTrie } | undefined
    if (!received) return false
    this.#changes = openChangeLog(received.message.changes)
    this.#overlay = new TrieOverlay(openTrie(received.message.base))
    return true
  }
}
