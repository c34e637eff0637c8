"""The teachers: Festival and Flite read every sentence and say when each phone ends.

Both synthesizers and the voices used (``rms`` of Flite, ``cmu_us_slt_arctic_hts`` of Festival) are Debian packages;
the CMU ARCTIC voices are free software. One WAV and one ``.seg`` (``end_seconds phone`` lines) per sentence; what is
already there isn't made again, so an interrupted run resumes.
"""

from __future__ import annotations

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from build_engines.training.texts import Text

__all__ = ["TEACHERS", "read_segments", "teach"]

TEACHERS = {"slt": "festival", "rms": "flite"}
_BATCH = 200


def _flite(voice: str, text: Text, folder: Path) -> None:
    wav = folder / f"{text.name}.part.wav"
    done = subprocess.run(
        ["flite", "-voice", voice, "-psdur", "-t", text.text, "-o", str(wav)],
        check=True,
        capture_output=True,
        text=True,
    )
    pairs = [item.rsplit(":", 1) for item in done.stdout.split()]
    (folder / f"{text.name}.seg").write_text("".join(f"{end} {phone}\n" for phone, end in pairs), encoding="ascii")
    wav.rename(folder / f"{text.name}.wav")


def _festival(texts: list[Text], folder: Path) -> None:
    calls = []
    for text in texts:
        sentence = text.text.replace("\\", "").replace('"', "")
        calls.append(f'(one "{sentence}" "{folder / text.name}")')
    script = folder / f"{texts[0].name}.scm"
    script.write_text(
        "(voice_cmu_us_slt_arctic_hts)\n"
        "(define (one text base)\n"
        " (let ((utt (eval (list 'Utterance 'Text text))))\n"
        '  (utt.synth utt) (utt.save.segs utt (string-append base ".seg"))\n'
        '  (utt.save.wave utt (string-append base ".wav") \'riff)))\n' + "\n".join(calls) + "\n",
        encoding="ascii",
    )
    subprocess.run(["festival", "-b", str(script)], check=True, capture_output=True)
    script.unlink()


def teach(voice: str, texts: list[Text], folder: Path, workers: int = 1) -> None:
    """Let one teacher read all ``texts`` into ``folder``.

    Raises FileNotFoundError when the synthesizer isn't installed, CalledProcessError when it fails.
    """
    program = TEACHERS.get(voice, "flite")
    if shutil.which(program) is None:
        raise FileNotFoundError(f"{program} isn't installed: apt-get install flite festival festvox-us-slt-hts")
    folder.mkdir(parents=True, exist_ok=True)
    todo = [t for t in texts if not (folder / f"{t.name}.wav").exists()]
    size = _BATCH if program == "festival" else 1
    batches = [todo[i : i + size] for i in range(0, len(todo), size)]

    def run(batch: list[Text]) -> int:
        if program == "festival":
            _festival(batch, folder)
        else:
            _flite(voice, batch[0], folder)
        return len(batch)

    with ThreadPoolExecutor(workers) as pool, tqdm(total=len(todo), desc=f"{voice} reads", unit="sentence") as bar:
        for count in pool.map(run, batches):
            bar.update(count)


def read_segments(path: Path) -> list[tuple[str, float]]:
    """``(phone, end in seconds)`` of one ``.seg`` file, Flite's or Festival's."""
    segments = []
    for line in path.read_text(encoding="ascii").splitlines():
        fields = line.split()
        if len(fields) == 2:
            segments.append((fields[1], float(fields[0])))
        elif len(fields) == 3:
            segments.append((fields[2], float(fields[0])))
    return segments
