"""Transports and proxies: what Telethon can speak, to the data center and through its proxies."""

from urllib.parse import parse_qs, urlsplit

from telethon.network import connection

from datacenter import ANNA, BERT

KEY = "367a189aee18fa31c190054efd4a8e95"
USER, PASSWORD = "anna", "correct horse"
# What the data center is started with.
PROXIES = ["--mtproxy", KEY, "--mtproxy", "dd" + KEY, "--socks5", f"{USER}:{PASSWORD}"]


async def lives(dc, number, at=1, **options):
    """Signs in, over to another data center if need be, and says something."""
    client = dc.client(at, **options)
    await client.connect()
    sent = await client.send_code_request(number)
    me = await client.sign_in(number, number[5] * 5, phone_code_hash=sent.phone_code_hash)
    assert me.phone == number
    assert client.session.dc_id == int(number[5])
    text = "words " * 500
    said = await client.send_message("me", text)
    history = await client.get_messages("me", limit=1)
    assert history[0].id == said.id and history[0].raw_text == text.strip()
    await client.log_out()


def proxy(dc, at):
    """Host and port of a proxy, and the rest of its URL."""
    url = urlsplit(dc.proxies[at])
    return url.hostname, url.port, url


async def plain_transports(dc):
    """Full, intermediate and abridged."""
    for kind in (
        connection.ConnectionTcpFull,
        connection.ConnectionTcpIntermediate,
        connection.ConnectionTcpAbridged,
    ):
        await lives(dc, ANNA, connection=kind)


async def obfuscated(dc):
    """Obfuscated, abridged inside."""
    await lives(dc, ANNA, connection=connection.ConnectionTcpObfuscated)


async def by_mtproxy(dc):
    """A proxy of Telegram's kind: noise, and noise with padding; on to another data center."""
    for at, kinds in enumerate((
        (
            connection.ConnectionTcpMTProxyIntermediate,
            connection.ConnectionTcpMTProxyAbridged,
        ),
        (connection.ConnectionTcpMTProxyRandomizedIntermediate,),
    )):
        host, port, url = proxy(dc, at)
        secret = parse_qs(url.query)["secret"][0]
        for kind in kinds:
            await lives(dc, BERT, connection=kind, proxy=(host, port, secret))


async def by_socks5(dc):
    """SOCKS5 with a password; on to another data center."""
    host, port, _ = proxy(dc, 2)
    await lives(dc, BERT, proxy=("socks5", host, port, True, USER, PASSWORD))


SCENES = [plain_transports, obfuscated, by_mtproxy, by_socks5]
