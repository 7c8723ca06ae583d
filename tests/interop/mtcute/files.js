// Files: in parts, out in stretches, from where they live.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { contact, heard, signedIn } from './datacenter.js'

/** A small and a large file, sent, received by somebody at home there and somebody who is not. */
export async function files(dc) {
  const [anna, carl] = [await signedIn(dc, '9996610211'), await signedIn(dc, '9996610212')]
  const bert = await signedIn(dc, '9996620213', 2)
  const [hearCarl, hearBert] = [carl, bert].map((it) => heard(it.onNewMessage))
  const [near, far] = [await contact(anna, '9996610212'), await contact(anna, '9996620213')]
  const same = async (client, message, content) => {
    const got = await client.downloadAsBuffer(message.media)
    assert.ok(Buffer.from(got).equals(content), `${got.length} bytes of ${content.length}`)
  }
  // Beyond 10 MB files go by another method.
  for (const [size, method] of [[70_001, 'saveFilePart'], [10 * 1024 * 1024 + 5, 'saveBigFilePart']]) {
    const content = randomBytes(size)
    const media = { type: 'document', file: content, fileName: 'some.bin', caption: `${size} bytes` }
    const sent = await anna.sendMedia(near, media)
    assert.equal(sent.media.fileSize, size)
    await same(carl, await hearCarl(), content)
    assert.ok((await dc.ask('GET', `/journal?method=upload.${method}&limit=1`)).entries.length)

    await anna.sendMedia(far, sent.media.inputMedia)
    const message = await hearBert()
    assert.equal(message.media.raw.dcId, 1)
    assert.equal(await bert.getPrimaryDcId(), 2)
    await same(bert, message, content)
  }
}

export const scenes = [files]
