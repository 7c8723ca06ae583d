"""Telethon, unchanged, against our data center.

Starts the data center it is given, signs in by code, by password, as a bot and by login token, and
lives through what a client lives through: a module per subject, each with its scenes. Every scene
that takes longer than PATIENCE has failed. Arguments after the data center name single scenes.
"""

import asyncio
import logging
import sys

import channels
import faults
import files
import messages
import sign_in
import ways
from datacenter import DataCenter
from telethon.crypto import rsa

PATIENCE = 120
SCENES = [
    *sign_in.SCENES,
    *messages.SCENES,
    *channels.SCENES,
    *files.SCENES,
    *faults.SCENES,
    *ways.SCENES,
]


async def main():
    logging.basicConfig(level=logging.CRITICAL)
    dc = DataCenter(sys.argv[1], *ways.PROXIES)
    rsa.add_key(dc.public_key, old=False)
    failed = 0
    wanted = sys.argv[2:]
    try:
        for scene in SCENES:
            if wanted and scene.__name__ not in wanted:
                continue
            try:
                await asyncio.wait_for(scene(dc), PATIENCE)
                print(f"telethon: {scene.__name__} ... ok", flush=True)
            except Exception as error:  # every scene is told, whatever became of the others
                failed += 1
                print(f"telethon: {scene.__name__} ... FAILED: {error!r}", flush=True)
                if not isinstance(error, TimeoutError):
                    logging.exception("trace", exc_info=error)
    finally:
        dc.process.terminate()
        dc.process.wait(10)
    if failed:
        sys.exit(f"{failed} scenes failed")


asyncio.run(main())
