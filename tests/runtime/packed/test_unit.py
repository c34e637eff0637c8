"""jetson/edgettsd.service: the daemon has a cache that it may write."""

import re
from pathlib import Path

UNIT = Path(__file__).resolve().parents[3] / "jetson/edgettsd.service"


def test_the_daemon_s_cache_is_a_folder_that_systemd_makes_for_it():
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    assert "ProtectSystem=strict" in lines, "all else is read-only"
    (folder,) = (line.removeprefix("CacheDirectory=") for line in lines if line.startswith("CacheDirectory="))
    (place,) = re.findall(r"EDGETTS_CACHE=(\S+)", "\n".join(lines))
    assert place == f"%C/{folder}"
