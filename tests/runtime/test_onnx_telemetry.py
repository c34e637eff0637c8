"""What ONNX Runtime is not allowed to do in a speaker: report to its maker."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_nothing_is_gathered_in_the_user_s_cache(tiny_bundle, tmp_path):
    code = "import sys; from edge_tts import Voice; Voice.load(sys.argv[1])"
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    command = [sys.executable, "-c", code, str(tiny_bundle)]
    subprocess.run(command, cwd=ROOT, check=True, env=environment | {"HOME": str(tmp_path), "XDG_CACHE_HOME": ""})
    assert list(tmp_path.iterdir()) == []
