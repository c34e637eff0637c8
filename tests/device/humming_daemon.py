"""`edgettsd` with a voice that hums instead of speaking: what the tests start as a process of its own."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # tests are not installed
    from device.service import serve
    from tests.device.parts import SineVoice

    sys.exit(serve(sys.argv[1:], load_voice=lambda _name: SineVoice()))
