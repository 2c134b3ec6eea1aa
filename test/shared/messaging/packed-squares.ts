// The squares of 0 to 99, three hundred times, as other programs pack them: lz4 1.9.4 and zstd 1.5.4.
// Of LZ4's blocks of 64 kB those of the first frame go on from the one before; the second has checksums of
// blocks and the size of its content.

/** What has to come out. */
export const squares = Array.from({ length: 100 }, (_, i) => `n${i * i}`)
  .join(' ')
  .repeat(300)

export const packedSquares = {
  lz4Linked:
    'BCJNGERAXgwDAADxgW4wIG4xIG40IG45IG4xNiBuMjUgbjM2IG40OSBuNjQgbjgxIG4xMDAgbjEyMSBuMTQ0IG4xNjkgbjE5' +
    'NiBuMjI1IG4yNTYgbjI4OSBuMzI0IG4zNjEgbjQwMCBuNDQxIG40ODQgbjUyOSBuNTc2IG42MjUgbjY3NiBuNzI5IG43ODQg' +
    'bjg0MSBuOTAwIG45Nm4A8QIyNCBuMTA4OSBuMTE1NiBuMWgAgTEyOTYgbjEzfgARNIkAETWUABE2nwARNqoAgTc2NCBuMTg0' +
    'ogBhMzYgbjIwpAARMdwA8QoyMDkgbjIzMDQgbjI0MDEgbjI1MDAgbjI2DAARNxgAETgkAGE5MTYgbjM8APEKMzEzNiBuMzI0' +
    'OSBuMzM2NCBuMzQ4MSBuM3gA8QozNzIxIG4zODQ0IG4zOTY5IG40MDk2IG40tADxFzQzNTYgbjQ0ODkgbjQ2MjQgbjQ3NjEg' +
    'bjQ5MDAgbjUwNDEgbjUxIwHBMzI5IG41NDc2IG41JgEhNTcMAPEhOTI5IG42MDg0IG42MjQxIG42NDAwIG42NTYxIG42NzI0' +
    'IG42ODg5IG43MDU2IG43eADxCjczOTYgbjc1Njkgbjc3NDQgbjc5MjEgbjjLAYE4MjgxIG44NOABwTY0OSBuODgzNiBuOfAA' +
    '/wc5MjE2IG45NDA5IG45NjA0IG45ODAxKQL/////////////////////////////////////////////////////////////' +
    '////////////////////////////////////////////////////////////////////////////////////////////////' +
    '////////////////////////////////////////////////////////////////////////////////////////////////' +
    '/////////////////////////////////////////////////////////////////////////////////////71QIG4yOTEK' +
    'AQAAD+b+////////////////////////////////////////////////////////////////////////////////////////' +
    '////////////////////////////////////////////////////////////////////////////////////////////////' +
    '////////////////////////////////////////////////////////////////////////////////////////////////' +
    '/////////////////////////////////////////////////////////////+hQbjQgbjmSAgAA8ZkgbjE2IG4yNSBuMzYg' +
    'bjQ5IG42NCBuODEgbjEwMCBuMTIxIG4xNDQgbjE2OSBuMTk2IG4yMjUgbjI1NiBuMjg5IG4zMjQgbjM2MSBuNDAwIG40NDEg' +
    'bjQ4NCBuNTI5IG41NzYgbjYyNSBuNjc2IG43Mjkgbjc4NCBuODQxIG45MDAgbjk2MSBuMTAyNCBuMTA4OSBuMTE1NiBuMTIy' +
    'NSBuMTI5NiBuMTN+ABE0iQARNZQAETafABE2qgCBNzY0IG4xODSiAGEzNiBuMjCkABEx3ADxCjIwOSBuMjMwNCBuMjQwMSBu' +
    'MjUwMCBuMjYMABE3GAAROCQAYTkxNiBuMzwAQTMxMzbcAPEBOSBuMzM2NCBuMzQ4MSBuM3gA8QozNzIxIG4zODQ0IG4zOTY5' +
    'IG40MDk2IG40HAHxBTQzNTYgbjQ0ODkgbjQ2MjQgbjQ3IAEB7wDhNTA0MSBuNTE4NCBuNTMkAdE0NzYgbjU2MjUgbjU3DADx' +
    'AzkyOSBuNjA4NCBuNjI0MSBuNl0B8QY2NTYxIG42NzI0IG42ODg5IG43MDVXAfEOMjUgbjczOTYgbjc1Njkgbjc3NDQgbjc5' +
    'MjEgbjjLAYE4MjgxIG44NOABwTY0OSBuODgzNiBuOfAA/xI5MjE2IG45NDA5IG45NjA0IG45ODAxbjAgbjEgbjQgbjkpAv//' +
    '////////////////////////////////////////////////////////////////////////////////////////////////' +
    '////////////////////////////////////////////////////////////////////////////////UVBuOTgwMQAAAABx' +
    'A32d',
  lz4Checked:
    'BCJNGHxADIgCAAAAAAA9xQIAAPAYbjAgbjEgbjQgbjkgbjE2IG4yNSBuMzYgbjQ5IG42NCBuODEgbjEwJgAQMgoAIDQ0JwAA' +
    'LAAQOS0AAC4AIDI1CgBwODkgbjMyND0AAFAAADIAIDQ0CgDwADg0IG41MjkgbjU3NiBuNjIAEDYKABA3FAAQNx4AEDgoABA5' +
    'MgAhOTZuAABHACAxMFIAIDExXQARMWgAIDEycwAhMTN+ABE0iQARNZQAETafABE2qgAQN7QAMTE4NKIAAMgAITIwpAARMdwA' +
    '8AAyMDkgbjIzMDQgbjI0MDG8AAA8ACEyNgwAETcYABE4JAAQOTAAETM8AEEzMTM23AAA4gAQM2AAIDM0bAARM3gAIDM3hAAg' +
    'MziQACAzOZwAIDQwqAARNLQAIDQzwAAgNDTMACA0NtgAITQ3IAEB7wAgNTD6ACE1MSMBETMkARA0GwERNSYBITU3DAAQORgA' +
    'IDYwJAAgNjIwABE2XQEgNjVIACA2N1QAIDY4YAAxNzA1VwEAPAAgNzOEACA3NZAAIDc3nAAgNzmoABE4ywEgODLAACE4NOAB' +
    'EDbYACA4OOQAETnwACA5MvwAIDk0CAEgOTYUAU85ODAxKQL/////////////////////////////////////////////////' +
    '////////////////////////////////////////////////////////////////////////////////////////////////' +
    '////////////////////////////////////////////////////////////////////////////////////////////////' +
    '////////////////////////////////////////////////////////////////////////////////////////////////' +
    '/71QIG4yOTG9/BNYzAIAAMA2IG4zMDI1IG4zMTMMAPALMjQ5IG4zMzY0IG4zNDgxIG4zNjAwIG4zNzIMACA4NBgA0Dk2OSBu' +
    'NDA5NiBuNDI8ADA0MzUMACA0OBgA0DYyNCBuNDc2MSBuNDk8APALNTA0MSBuNTE4NCBuNTMyOSBuNTQ3NiBuNTY8ACE1NwwA' +
    'EDkYACA2MCQAIDYyMAAgNjQ8ACA2NUgAIDY3VAAgNjhgACA3MGwAETd4ACA3M4QAIDc1kAAgNzecACA3OagAIDgxPAAgODLA' +
    'ACA4NMwAIDg22AAgODjkABE58AAwOTIxDADwBDQwOSBuOTYwNCBuOTgwMW4wIG65AFAgbjkgbiEAARsBAN0AAJ8AAEkAMTEg' +
    'bl4AEDFpABAxdAAQMX8AEDGKAAGVABAyoAAxMjg5TQEAPQAAUAAAMgAQNNcAETQGAQEFAQD4AAEDASE2N9IAAMUAAB4AEDgo' +
    'AAE6ASE5Nm4AAEcAIDEwUgAgMTFdABExaAAgMTJzACExM34AETSJABE1lAABsQEhMTaqABA3tAAxMTg0ogAAyAARMv0AITIx' +
    '3AAQMv0AIDIz/QBAMjQwMbwAADwAITI2DAARNxgAETgkAC85MSkC////////////////////////////////////////////' +
    '////////////////////////////////////////////////////////////////////////////////////////////////' +
    '////////////////////////////////////////////////////////////////////////////////////////////////' +
    '////////////////////////////////////////////////////////////////////////////////////////////////' +
    '//////+9UG40IG45bLt/c04CAADwEiBuMTYgbjI1IG4zNiBuNDkgbjY0IG44MSBuMTAwIG4xMgoAIDQ0JwBQOSBuMTktAAAu' +
    'ACAyNQoAcDg5IG4zMjQ9AEAxIG40MgAgNDQKAPAAODQgbjUyOSBuNTc2IG42MgAQNgoAEDcUABA3HgAQOCgAEDkyACE5Nm4A' +
    'AEcAIDEwUgAgMTFdABExaAAgMTJzACExM34AETSJABE1lAARNp8AETaqABA3tAAxMTg0ogAAyAAhMjCkABEx3ADwADIwOSBu' +
    'MjMwNCBuMjQwMbwAADwAITI2DAARNxgAETgkABA5MAARMzwAQTMxMzbcAADiABAzYAAgMzRsABEzeAAgMzeEACAzOJAAIDM5' +
    'nAAgNDCoABE0tAAgNDPAACA0NMwAIDQ22AAhNDcgAQHvACA1MPoAITUxIwERMyQBEDQbARE1JgEhNTcMABA5GAAgNjAkACA2' +
    'MjAAETZdASA2NUgAIDY3VAAgNjhgADE3MDVXAQA8ACA3M4QAIDc1kAAgNzecACA3OagAETjLASA4MsAAITg04AEQNtgAIDg4' +
    '5AAROfAAIDky/AAgOTQIASA5NhQBUDk4MDFuZAEgIG4OAA8pAv//////////////////////////////////////////////' +
    '////////////////////////////////////////////////////////////////////////////////////////////////' +
    '////////////////////////////////////UVBuOTgwMR5VNK8AAAAAcQN9nQ==',
  zstd:
    'KLUv/aQMiAIAZAgA1hkyC+BtAKLI7s0t4XQsLAAuAC4Ac17MafNZ+wTwWZLTIedZnDQRJ13Po552z0ZPgJ6103SeT5Jz4qSe' +
    'd/rsCQ8QbZwTECfJ9TxbT1MZAPVsTE/bPY/kJqInTXueOaBn6U6AO2s7bXVeFJ0TdFIF54XMaeucNcz5LJVPB5lHHD7pwOfR' +
    '2aKE5KxZTpPIeQ6pXM6K4gSYOAuO0yBxXgW700B3HrhxcCeJ2XkmO022sNrZuDrtojmpcyLqpIGyKBo6AUxnHQR0NTQnlScj' +
    'KFBkULM1EYB3/////wzU/SxWXdlz/x+W1lERtvVokRhYYz/c8P+FHT2c+cHmKcd4m7AcGysSn1erMjcdftw2FFUAAAABAAkI' +
    '/H9dAwFJtE1k',
  zstdOfUnknownSize:
    'KLUv/QBIhAgAliJBDdC1AQAASKEtk2QMslo6AD0APQBxU2qzFuZNmBVq0tSsQPOGZq1T2hnRKQVmB8yzmUUzaWbWybyS2cqU' +
    'kRkhU2y25nUWmDSzZN7slBkHvLCZjTBTomZG0EyJzmyAmRczs0Rm0sTMAifzajJbQaZYyYwomTIks63MKyCzbmTSjMwikXkW' +
    'MjshU+pmBLNCoElTNCuU5g2gWROa0qAZcZ1SobNTnWftLAKdNNNZF51XB2ZrYMoEMCMKTLGC2QJgXgfMAgImTYBZcnMSdrNR' +
    'Ny96s2Ru0sTNAmbzWjZbtSk2NiPEpsyF2YYwryjMOhAmzYRZFGGeWc1OqClFNSNaUzo1a1Hz5igBACmo+1nkIg1NAAAIIAEA' +
    'CAgdCAE='
}
