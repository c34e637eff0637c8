"""The sentences that the teachers read: what is trained on, and what is kept out of every stage.

A corpus is a list of :class:`Text`. The split is by a hash of the identifier, so it never depends on order, and
the sentences of ``data/heldout.txt`` are in the evaluation only.
"""

from __future__ import annotations

import csv
import hashlib
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Text", "evaluation_texts", "training_texts", "unpredictable_texts"]

HELDOUT_FILE = Path(__file__).parent / "data" / "heldout.txt"
HELDOUT_SHARE = 100  # one sentence in so many is kept for evaluation


@dataclass(frozen=True)
class Text:
    """One sentence: ``name`` is safe as a file name."""

    name: str
    text: str


def _is_heldout(name: str) -> bool:
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % HELDOUT_SHARE == 0


def read_corpus(path: Path) -> list[Text]:
    """Read ``name|text`` lines (the LJ Speech layout); sentences with digits or non-ASCII letters are left out."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file, delimiter="|", quoting=csv.QUOTE_NONE) if len(row) >= 2]
    texts = [Text(row[0], re.sub(r'["()\[\]]', "", row[1]).strip()) for row in rows]
    return [t for t in texts if t.text.isascii() and not re.search(r"\d", t.text)]


ROOMS = "kitchen|bedroom|living room|hall|garage|bathroom|office|garden|attic|basement|dining room|nursery".split("|")
THINGS = "lights|heating|radio|fan|television|blinds|oven|music|alarm|heater|lamp|speaker|curtains|door".split("|")
NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million"
).split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()
ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fifteenth "
    "twentieth thirtieth"
).split()
NAMES = (
    "Anna Peter Maria James Laura Thomas Emily David Sarah Michael Julia Robert Linda Daniel Grace Henry Alice "
    "George Emma Paul Victoria Charles Oliver Sophie"
).split()
WEATHER = "sunny cloudy rainy windy foggy stormy dry warm mild freezing humid clear chilly".split()
FOODS = "apples|cheese|butter|rice|pasta|eggs|sugar|flour|onions|potatoes|chicken|fish|tea|honey|beans|soup".split("|")
EVENTS = (
    "meeting|appointment|lesson|party|concert|lunch|birthday|call|exam|holiday|game|wedding|doctor's visit"
).split("|")
TEMPLATES = (
    "Set a timer for {n} minutes.|The timer for {n} minutes is done.|It is {h} {m} in the {part}.|It's {h} o'clock.|"
    "Today is {d}, {mo} {o}.|The temperature outside is {n2} degrees.|It will be {w} on {d}.|"
    "Tomorrow it will be {w} and {w}.|The {t} in the {r} is on.|I have switched off the {t} in the {r}.|"
    "Should I turn on the {t} in the {r}?|{p}, your {e} starts in {n} minutes.|You have {n} new messages.|"
    "{p} is calling you.|Do you want to answer {p}?|I added {f} and {f} to your list.|Do we need more {f}?|"
    "Don't forget the {f}, the {f}, and the {f}.|Your {e} is on {d} at {h}.|The {e} was moved to {mo} {o}.|"
    "I'm sorry, I didn't understand that.|Sorry, I can't find {p} in your contacts.|Hello {p}, how are you today?|"
    "Good morning, {p}!|Good evening, {p}. Welcome home.|Thank you, {p}!|Okay, the {t} will stop at {h} {m}.|"
    "That makes {n2} dollars and {n2} cents.|Mix {n} cups of {f} with {n} spoons of {f}.|"
    "The answer is {n2} point {n}.|Now playing songs by {p} {p}.|There is someone at the door, {p}.|"
    "You walked {n} thousand steps on {d}.|What time is your {e}, {p}?|Who left the {t} on in the {r}?|"
    "Where did you put the {f}?|Why is the {t} still on?|Yes, {p}.|No, not on {d}.|Okay.|Yes.|No.|Done.|Hello!|"
    "Please wait.|One moment.|Timer.|Stop.|Welcome.|Goodbye!|Of course.|The {o} of {mo}.|"
    "In {n2} {unit}, turn left.|It is {n2} {unit} from here to the station.|The volume is now {n2} percent."
).split("|")
UNITS = "miles kilometers meters feet yards".split()


def _fill(template: str, rng: random.Random) -> str:
    def two_digit() -> str:
        tens = rng.choice(NUMBERS[19:27])
        return rng.choice([rng.choice(NUMBERS[:19]), tens, f"{tens} {rng.choice(NUMBERS[:9])}"])

    choices: dict[str, Callable[[], str]] = {
        "n": lambda: rng.choice(NUMBERS[:20]),
        "n2": two_digit,
        "h": lambda: rng.choice(NUMBERS[:12]),
        "m": lambda: rng.choice(["fifteen", "thirty", "forty five", "oh five", "ten", "twenty", "twenty five"]),
        "part": lambda: rng.choice(["morning", "afternoon", "evening"]),
        "d": lambda: rng.choice(DAYS),
        "mo": lambda: rng.choice(MONTHS),
        "o": lambda: rng.choice(ORDINALS),
        "w": lambda: rng.choice(WEATHER),
        "t": lambda: rng.choice(THINGS),
        "r": lambda: rng.choice(ROOMS),
        "p": lambda: rng.choice(NAMES),
        "e": lambda: rng.choice(EVENTS),
        "f": lambda: rng.choice(FOODS),
        "unit": lambda: rng.choice(UNITS),
    }
    return re.sub(r"\{(\w+)\}", lambda match: choices[match[1]](), template)


def _everyday(count: int, seed: int) -> list[Text]:
    """Sentences of a smart speaker's day, from templates."""
    rng = random.Random(seed)
    sentences = sorted({_fill(TEMPLATES[i % len(TEMPLATES)], rng) for i in range(count)})
    return [Text(f"day-{i:04d}", sentence) for i, sentence in enumerate(sentences)]


def _fragments(texts: list[Text], count: int, seed: int) -> list[Text]:
    """One to five words out of longer sentences: a voice must also survive short texts."""
    rng = random.Random(seed)
    made = []
    for i in range(count):
        words = re.sub(r"[^A-Za-z' ]", "", rng.choice(texts).text).split()
        length = rng.randint(1, 5)
        start = rng.randrange(max(1, len(words) - length))
        phrase = " ".join(words[start : start + length]).strip("' ")
        if len(phrase) > 3:
            made.append(Text(f"cut-{i:04d}", phrase[0].upper() + phrase[1:] + rng.choice("....?!")))
    return made


def training_texts(corpus: Path, everyday: int = 1500, fragments: int = 800) -> list[Text]:
    """All sentences that may be trained on; nothing of :func:`evaluation_texts` is among them."""
    heldout = {t.text.lower() for t in evaluation_texts(corpus)}
    base = [t for t in read_corpus(corpus) if not _is_heldout(t.name)]
    texts = base + _everyday(everyday, seed=1) + _fragments(base, fragments, seed=2)
    return [t for t in texts if t.text.lower() not in heldout]


def evaluation_texts(corpus: Path, count: int = 48) -> list[Text]:
    """Sentences that no stage of training has seen: half everyday ones of our own, half from the corpus."""
    own = [line for line in HELDOUT_FILE.read_text(encoding="utf-8").splitlines() if line]
    everyday = [Text(f"own-{i:02d}", line) for i, line in enumerate(own)]
    corpus_part = sorted((t for t in read_corpus(corpus) if _is_heldout(t.name)), key=lambda t: t.name)
    return everyday + corpus_part[: count - len(everyday)]


_SUS_WORDS = {
    "det": "the a every this".split(),
    "adj": "green heavy silent wooden bright narrow famous bitter early broken gentle square".split(),
    "noun": "river table window doctor bottle mountain paper engine garden pocket letter kitchen market".split(),
    "verb": "carries follows paints watches opens breaks answers teaches catches drinks".split(),
    "prep": "under behind near with above without".split(),
}


def unpredictable_texts(count: int = 20) -> list[Text]:
    """Semantically unpredictable sentences (Benoît, Grice and Hazan 1996): grammar without sense."""
    rng = random.Random(3)
    pattern = "det adj noun verb det noun prep det adj noun".split()
    made = []
    for i in range(count):
        words = [rng.choice(_SUS_WORDS[kind]) for kind in pattern]
        for j in range(len(words) - 1):
            if words[j] == "a" and words[j + 1][0] in "aeiou":
                words[j] = "an"
        made.append(Text(f"sus-{i:02d}", (" ".join(words)).capitalize() + "."))
    return made
