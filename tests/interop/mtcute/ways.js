// Transports and proxies: what mtcute can speak, to the data center and through its proxies.

import assert from 'node:assert/strict'
import { IntermediatePacketCodec, ObfuscatedPacketCodec, PaddedIntermediatePacketCodec } from '@mtcute/core'
import { TcpTransport, proxyTransportFromUrl } from '@mtcute/node'
import { ANNA, BERT, signedIn } from './datacenter.js'

const KEY = '367a189aee18fa31c190054efd4a8e95'
const DOMAIN = Buffer.from('example.com').toString('hex')
/** What the data center is started with. */
export const PROXIES = [
  '--mtproxy', KEY,
  '--mtproxy', `dd${KEY}`,
  '--mtproxy', `ee${KEY}${DOMAIN}`,
  '--socks5', 'anna:correct',
  '--http', 'anna:correct',
]

/** As people share proxies of Telegram's kind. */
function shared(url) {
  const { protocol, hostname, port, searchParams } = new URL(url)
  if (protocol !== 'mtproxy:') return url
  return `tg://proxy?server=${hostname}&port=${port}&secret=${searchParams.get('secret')}`
}

/** Signs in, over to another data center if need be, and says something. */
async function lives(dc, phone, transport) {
  const client = await signedIn(dc, phone, 1, { transport })
  assert.equal(await client.getPrimaryDcId(), Number(phone[5]))
  const text = 'words '.repeat(500).trim()
  const said = await client.sendText('me', text)
  const [last] = await client.getHistory('me', { limit: 1 })
  assert.equal(last.id, said.id)
  assert.equal(last.text, text)
  await client.logOut()
  await dc.hangUp()
}

/** Intermediate, padded, and each of them obfuscated. */
export async function transports(dc) {
  const codecs = [
    () => new PaddedIntermediatePacketCodec(),
    () => new ObfuscatedPacketCodec(new IntermediatePacketCodec()),
    () => new ObfuscatedPacketCodec(new PaddedIntermediatePacketCodec()),
  ]
  for (const packetCodec of codecs) {
    const transport = new TcpTransport()
    transport.packetCodec = packetCodec
    await lives(dc, ANNA, transport)
  }
}

/** Proxies of Telegram's kind (plain, `dd`, and `ee`: fake TLS), SOCKS5, HTTP; to another data center. */
export async function proxies(dc) {
  assert.equal(dc.proxies.length, 5)
  for (const url of dc.proxies) await lives(dc, BERT, proxyTransportFromUrl(shared(url)))
}

export const scenes = [transports, proxies]
