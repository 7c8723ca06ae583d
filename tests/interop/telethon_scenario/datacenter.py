"""The data center under test: its process, its control API, clients of it."""

import asyncio
import json
import subprocess
import urllib.request
from contextlib import contextmanager

from telethon import TelegramClient, events, functions, types
from telethon.sessions import MemorySession

ANNA, BERT, CARL = "9996610001", "9996620002", "9996610003"


class DataCenter:
    """The process and its control API."""

    def __init__(self, binary, *options):
        command = [binary, *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        ready = json.loads(self.process.stdout.readline())
        self.url, self.key = ready["control_url"], ready["control_key"]
        self.public_key, self.dcs = ready["public_key"], ready["dcs"]
        self.proxies = ready["proxies"]

    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.key}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    @contextmanager
    def rule(self, action, **match):
        """A fault, for as long as the block runs."""
        made = self.ask("POST", "/rules", {"match": match, "action": action})
        try:
            yield
        finally:
            self.ask("DELETE", f"/rules/{made['id']}")

    def client(self, dc, **options):
        """A new, empty client that knows one data center."""
        session = MemorySession()
        host, port = self.dcs[dc - 1]["address"].rsplit(":", 1)
        session.set_dc(dc, host, int(port))
        options.setdefault("retry_delay", 0.2)
        return TelegramClient(session, 1, "hash", **options)


async def signed_in(dc, number, at=1, **options):
    client = dc.client(at, **options)
    await client.connect()
    sent = await client.send_code_request(number)
    await client.sign_in(number, number[5] * 5, phone_code_hash=sent.phone_code_hash)
    return client


async def contact(client, number):
    """Somebody, by phone number."""
    await client(functions.contacts.ImportContactsRequest([
        types.InputPhoneContact(0, "+" + number, "Carl", ""),
    ]))
    return await client.get_entity("+" + number)


def heard_by(client):
    """Waits for incoming messages by their text, in whatever order they come."""
    heard, news = {}, asyncio.Event()

    @client.on(events.NewMessage(incoming=True))
    async def hear(event):
        assert event.raw_text not in heard, f"heard twice: {event.raw_text}"
        heard[event.raw_text] = event
        news.set()

    async def wait(text):
        while text not in heard:
            news.clear()
            await news.wait()
        return heard[text]

    return wait
