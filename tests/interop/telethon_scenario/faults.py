"""What a client lives through: cuts, stops, refusals."""

import asyncio

from datacenter import ANNA, signed_in
from telethon import events, functions
from telethon.errors import FloodWaitError, RPCError


async def disconnects(dc):
    """The connection is cut: what was missed arrives, what was sent is sent once."""
    anna = await signed_in(dc, ANNA)
    heard = asyncio.Queue()

    @anna.on(events.NewMessage(incoming=True))
    async def hear(event):
        await heard.put(event.raw_text)

    me = await anna.get_me()
    carl = dc.ask("POST", "/accounts", {"phone": "9996610030"})
    write = lambda text: dc.ask(
        "POST", f"/accounts/{carl['id']}/messages", {"to": me.id, "text": text}
    )
    write("before")
    assert await heard.get() == "before"
    dc.ask("POST", "/datacenters/1/cut")
    write("meanwhile")
    # A new session: this client fetches what it missed when the next update shows the gap.
    await anna.get_me()
    write("after")
    assert [await heard.get(), await heard.get()] == ["meanwhile", "after"]

    rule = {"match": {"method": "messages.sendMessage", "times": 1}, "action": "disconnect"}
    dc.ask("POST", "/rules", rule)
    await anna.send_message("me", "through a disconnect")
    history = await anna.get_messages("me", limit=5)
    assert [m.raw_text for m in history].count("through a disconnect") == 1
    dc.ask("DELETE", "/rules")

    dc.ask("POST", "/datacenters/1/stop")
    dc.ask("POST", "/datacenters/1/start")
    await anna.get_me()
    write("after the stop")
    assert await heard.get() == "after the stop"
    await anna.disconnect()


async def refusals(dc):
    """Errors by rule come out as themselves; an unknown method is refused."""
    anna = await signed_in(dc, ANNA)
    rule = {
        "match": {"method": "messages.sendMessage", "times": 1},
        "action": {"rpcError": {"code": 420, "name": "FLOOD_WAIT_7"}},
    }
    dc.ask("POST", "/rules", rule)
    anna.flood_sleep_threshold = 0
    try:
        await anna.send_message("me", "too fast")
        raise AssertionError("the rule did nothing")
    except FloodWaitError as error:
        assert error.seconds == 7
    dc.ask("DELETE", "/rules")
    seen = dc.ask("GET", "/journal?method=messages.sendMessage&limit=1")["entries"]
    assert seen[0]["outcome"] == {"error": "FLOOD_WAIT_7"}, seen
    try:
        await anna(functions.account.GetContentSettingsRequest())
        raise AssertionError("an unknown method was answered")
    except RPCError as error:
        assert error.code == 400
    await anna.log_out()


# What happens to the packet of a call, or to its answer.
BENT = [
    {"badMsg": 48},  # bad_server_salt
    {"badMsg": 16},
    {"badMsg": 17},
    {"badMsg": 32},
    "repeatAnswer",
    "replayAnswer",
    "holdAnswer",
    "disconnect",  # the session is forgotten
]

# Executed, and the connection closed before the answer was whole. This client asks again as if it
# had not asked before, is told RANDOM_ID_DUPLICATE (500), and repeats that until it gives up.
ANSWERLESS = ["loseAnswer", {"cutAnswer": 17}]


async def after_faults(dc):
    """Whatever becomes of a call's packet or answer, it is done once, and so is the next."""
    anna = await signed_in(dc, "9996610121", request_retries=1)
    await anna.get_me()
    for number, action in enumerate(BENT + ANSWERLESS):
        with dc.rule(action, method="messages.sendMessage", times=1):
            try:
                await anna.send_message("me", f"bent {number}")
            except ValueError as error:
                assert action in ANSWERLESS and "unsuccessful" in str(error), (action, error)
        await anna.send_message("me", f"straight {number}")
        history = [m.raw_text for m in await anna.get_messages("me", limit=10)]
        for text in (f"bent {number}", f"straight {number}"):
            assert history.count(text) == 1, (action, history)
    await anna.disconnect()


SCENES = [disconnects, refusals, after_faults]
