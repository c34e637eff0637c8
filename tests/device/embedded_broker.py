"""The embedded broker as a process: runs from `ready` until its standard input ends."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # tests are not installed
    from device.broker import EmbeddedBroker

    broker = EmbeddedBroker(int(sys.argv[1]))
    broker.start()
    print("ready", flush=True)  # noqa: T201 — the answer that the test waits for
    sys.stdin.read()
    broker.stop()
