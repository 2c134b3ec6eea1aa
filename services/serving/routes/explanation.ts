// Why an item was recommended, as the API tells it.
import { type Static, Type } from 'typebox'
import type { ItemExplanation } from '#shared/recommendations/explain.ts'

const ScorePart = Type.Object({
  part: Type.Enum(['model', 'co-visitation', 'similarity', 'return', 'popularity'], {
    description:
      'What gave it: the dense head, what was visited together, what is described alike, clicks of the ' +
      'session on the item itself, or clicks of everybody alone'
  }),
  weight: Type.Number({ description: 'What this part counts for, fitted on validation' }),
  share: Type.Number({ description: "The item's share of this part among all candidates" })
})

const ClickShare = Type.Object(
  {
    item: Type.String({ description: 'The item clicked' }),
    share: Type.Number({
      description: 'What the click adds to the score: the sum of the next four'
    }),
    model: Type.Number({
      description: 'What the score loses through the model when it reads the session without it'
    }),
    co_visitation: Type.Number({ description: 'What it adds through what was visited together' }),
    similarity: Type.Number({ description: 'What it adds through what is described alike' }),
    returned: Type.Number({ description: 'What it adds by being a click on the item itself' })
  },
  { description: 'What a click of the session adds to the score; below zero, it speaks against' }
)

const PathStep = Type.Object(
  {
    code: Type.Integer({ description: 'The code that was written' }),
    probability: Type.Optional(
      Type.Number({
        description: 'Of the code, after those before it; absent where nothing was generated'
      })
    ),
    name: Type.Optional(Type.String({ description: 'What the code itself says, where it does' })),
    items: Type.Integer({ description: 'Items that have this and all codes before it' }),
    words: Type.Array(Type.String(), {
      description: 'What is said of these items more often than of others'
    }),
    examples: Type.Array(Type.String(), { description: 'The most clicked of them' })
  },
  { description: "A level of the item's ID" }
)

export const Explanation = Type.Object(
  {
    score: Type.Array(ScorePart, { description: 'The score is the sum of weight times share' }),
    logit: Type.Optional(
      Type.Number({ description: "The dense head's, without the margin; absent without clicks" })
    ),
    margin: Type.Optional(
      Type.Number({
        description:
          'Added to the logit of an item without clicks; its similarity counts e^margin times'
      })
    ),
    clicks: Type.Array(ClickShare, {
      description: 'Of the newest clicks, what mattered most first'
    }),
    path: Type.Array(PathStep, { description: 'From the root of the trie to the item' })
  },
  { description: 'Why the item is recommended' }
)

export function explanationOf({
  parts,
  clicks,
  path,
  ...facts
}: ItemExplanation): Static<typeof Explanation> {
  return {
    score: parts.map(part => ({ ...part })),
    ...(facts.logit !== undefined && { logit: facts.logit }),
    ...(facts.margin !== undefined && { margin: facts.margin }),
    clicks: clicks.map(({ itemKey, share, model, coVisitation, similarity, returned }) => ({
      item: itemKey,
      share,
      model,
      co_visitation: coVisitation,
      similarity,
      returned
    })),
    path: path.map(step => ({ ...step, words: [...step.words], examples: [...step.examples] }))
  }
}
