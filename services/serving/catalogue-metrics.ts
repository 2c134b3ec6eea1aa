// How a release keeps up with the catalogue, for Prometheus: what finds no room is never silent.
import { Gauge, type Metrics } from '#shared/runtime/metrics.ts'
import type { CatalogueState } from './follow-catalogue.ts'

const figures: Readonly<Record<keyof CatalogueState, readonly [name: string, help: string]>> = {
  added: ['nextrie_added_items', 'Items that came after the release was trained and have an ID'],
  room: ['nextrie_added_items_room', 'Items that the loaded release can take in'],
  withoutRoom: [
    'nextrie_items_without_room',
    'Visible items that found no room: they are not recommended before the next training'
  ],
  faulty: [
    'nextrie_faulty_items',
    'Items that could not be taken in: they stay as they were, and the log says why'
  ],
  secondsBehind: [
    'nextrie_catalogue_seconds_behind',
    'Since all changes of the catalogue were last taken in'
  ]
}

/** Reads the figures when /metrics is asked for. */
export function measureCatalogue(
  { state }: { readonly state: () => CatalogueState | undefined },
  metrics: Metrics
): void {
  for (const [figure, [name, help]] of Object.entries(figures)) {
    new Gauge({
      name,
      help,
      registers: [metrics],
      collect() {
        this.set(state()?.[figure as keyof CatalogueState] ?? 0)
      }
    })
  }
}
