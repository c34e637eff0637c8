"""Words that are written alike and said differently: which pronunciation, by the words around them.

A trained part-of-speech tagger would need a model that is not on a package index (nltk downloads its data) or a heavy
library (spacy); the choice here is nearly always between noun or adjective and verb, which the neighbours decide. So a
few lists of function words vote: determiners, prepositions and adjectives before a word speak for a noun; `to`, modals,
subject pronouns and adverbs before it, or a determiner or object pronoun after it, for a verb.
"""

from collections.abc import Sequence

from edge_tts.text.english.homograph_table import HOMOGRAPHS

__all__ = ["choose"]

Pronunciation = tuple[str, ...]

_DETERMINERS = frozenset(
    "the a an this that these those my your his her its our their each every no some any another which whose either "
    "neither "
    "one two three four five six seven eight nine ten many several few most all both much more first second third "
    "last next "
    "other such what enough".split()
)
_PREPOSITIONS = frozenset(
    "of in on at for with by from about into under over after before during through between without against per via "
    "within "
    "among toward towards like as than onto upon near and or beyond across".split()
) - {"and", "or"}
_SUBJECTS = frozenset("i you we they who people".split())
_SINGULAR_SUBJECTS = frozenset("he she it that which everyone everybody nobody someone who what".split())
_MODALS = frozenset(
    "will would can could should must may might shall cannot can't won't wouldn't couldn't shouldn't don't doesn't "
    "didn't do "
    "did does let's let please i'll you'll he'll she'll we'll they'll it'll i'd you'd he'd she'd we'd they'd gonna "
    "gotta help "
    "make never always often usually also not just ever rarely sometimes to who'll that'll".split()
)
_OBJECTS = frozenset(
    "the a an me him them us it you this that these those my your his her its our their himself herself itself myself "
    "yourself themselves ourselves everyone everything anything something nothing every each all any some".split()
)
_BE = frozenset(
    "is are was were be been being am i'm you're we're they're he's she's it's isn't aren't wasn't seems looks".split()
)
_HAVE = frozenset("have has had i've you've we've they've having haven't hasn't hadn't".split())
_DEGREE = frozenset("very so too more most quite rather really extremely fairly pretty how as less least".split())
_ADJECTIVE_ENDINGS = ("al", "ive", "ous", "ful", "ic", "ble", "less", "ary", "ish", "ent", "ant")
_ADJECTIVES = frozenset(
    "new old big small good bad great little long short high low large early late strong weak white black red blue "
    "green "
    "own same best better worst worse whole full free real special main important young heavy light cold hot dry wet "
    "warm "
    "deep wide open single double fresh gentle sudden sharp steady hard soft clear dark bright happy sad final entire "
    "front back left right top bottom world school news birthday christmas market price drug tax police bank".split()
)
_PAST_SIGNS = frozenset("yesterday ago last was were had did said went came took once earlier already".split())


def choose(words: Sequence[str], place: int) -> Pronunciation | None:
    """Phones for `words[place]` if it is a homograph, else None.

    words: the sentence in lower case, pauses as their symbols. Only the neighbours within five words count.
    """
    entry = HOMOGRAPHS.get(words[place])
    if entry is None:
        return None
    chosen = _DECIDERS[entry.kind](words, place)
    return entry.second if chosen else entry.first


def _at(words: Sequence[str], place: int) -> str:
    return words[place] if 0 <= place < len(words) else ""


def _is_adjective(word: str) -> bool:
    return word in _ADJECTIVES or (len(word) > 5 and word.endswith(_ADJECTIVE_ENDINGS))


def _verb_score(words: Sequence[str], place: int) -> int:
    """Above 0 for a verb, below 0 for a noun or adjective."""
    before, after, word = _at(words, place - 1), _at(words, place + 1), words[place]
    score = 0
    if before in _MODALS:
        score += 4
    elif before in _SUBJECTS:
        score += 3
    elif before in _SINGULAR_SUBJECTS and (word.endswith("s") or before not in ("that", "which")):
        score += 3 if word.endswith("s") else 1
    elif before.endswith("ly") and len(before) > 4:
        score += 1
    if before in _DETERMINERS or before.endswith("'s"):
        score -= 4 if before not in ("that", "which", "all", "what", "first") else 1
    elif before in _PREPOSITIONS or before in _BE or before in _DEGREE:
        score -= 3
    elif before in _HAVE:
        score -= 1
    elif _is_adjective(before):
        score -= 3 if _at(words, place - 2) in _DETERMINERS or _at(words, place - 2) in _PREPOSITIONS else 2
    elif before in ("and", "or"):
        score += _conjoined(words, place)
    elif before.endswith("s") and not before.endswith("ss") and not word.endswith("s"):
        score += 1
    elif _at(words, place - 2) in _DETERMINERS and before.isalpha():
        score += 1 if word.endswith("s") and after in _OBJECTS else -1
    if after in _OBJECTS:
        score += 2
    elif after in ("of", "is", "was", "are", "were", "has", "will") or after in _MODALS:
        score -= 2
    elif not before or before in (",", "-", ".", "!", "?", "…"):
        score -= 1
    return score


def _conjoined(words: Sequence[str], place: int) -> int:
    """`to stop and record it`: what stands before `and` is likely of the same kind."""
    for distance in (3, 4):
        other = _at(words, place - distance)
        if other in _MODALS or other in _SUBJECTS:
            return 2
        if other in _DETERMINERS:
            return -2
    return 0


def _noun_or_verb(words: Sequence[str], place: int) -> int:
    return 1 if _verb_score(words, place) > 0 else 0


def _verb_or_noun(words: Sequence[str], place: int) -> int:
    """As `_noun_or_verb`, but a verb when nothing decides."""
    return 1 if _verb_score(words, place) >= 0 else 0


def _participle(words: Sequence[str], place: int) -> int:
    """Adjective (0) or past form (1): `a learned man`, `she learned it`."""
    before = _at(words, place - 1)
    return 0 if (before in _DETERMINERS or before in _DEGREE) and _at(words, place + 1) not in _OBJECTS else 1


def _read(words: Sequence[str], place: int) -> int:
    """Present (0) or past (1) of `read`."""
    before, earlier = _at(words, place - 1), _at(words, place - 2)
    if before in _MODALS or earlier in "to will can did didn't would could should do don't".split():
        return 0
    near = set(words[max(0, place - 5) : place])
    if near & _HAVE or before in _BE or before in ("was", "were", "been", "being", "well", "widely"):
        return 1
    if before in ("he", "she", "it") or before.endswith("ed"):
        return 1
    around = set(words[max(0, place - 8) : place + 12])
    return 1 if around & _PAST_SIGNS and before in (*_SUBJECTS, "and", "once") else 0


_LIVE_THINGS = frozenset(
    "music show shows concert stream streaming broadcast audience news on wire performance tv coverage event updates "
    "ammunition from version".split()
)
_DONE_LIVE = frozenset("broadcast streamed goes go going went perform performed recorded played play".split())


def _live(words: Sequence[str], place: int) -> int:
    """Adjective or adverb (0) or verb (1)."""
    before, after = _at(words, place - 1), _at(words, place + 1)
    if after in _LIVE_THINGS and before not in _SUBJECTS and before not in ("to", "who"):
        return 0
    if before in _DONE_LIVE:
        return 0
    return 0 if before in _DETERMINERS or before in _BE else 1


def _used(words: Sequence[str], place: int) -> int:
    """`used to go` (0) or `was used to cut` (1)."""
    subject_before = _at(words, place - 1) not in _BE or _at(words, place - 1) in ("am", "i'm", "get")
    return 0 if _at(words, place + 1) == "to" and subject_before else 1


def _wound(words: Sequence[str], place: int) -> int:
    """Injury (0) or past of wind (1)."""
    return 1 if _at(words, place + 1) in "up down around through its their back round into".split() else 0


def _content(words: Sequence[str], place: int) -> int:
    """What is contained (0) or satisfied (1): `they are content`."""
    satisfied = _at(words, place - 1) in _BE | _DEGREE | {"feel", "felt", "feels"}
    return 1 if satisfied or _verb_score(words, place) > 0 else 0


def _by_topic(words: Sequence[str], place: int) -> int:
    """The rarer sense (1) if one of its companions stands within five words."""
    topics = HOMOGRAPHS[words[place]].topics
    return 1 if any(word in topics for word in words[max(0, place - 5) : place + 6]) else 0


_DECIDERS = {
    "nv": _noun_or_verb,
    "vn": _verb_or_noun,
    "part": _participle,
    "read": _read,
    "live": _live,
    "content": _content,
    "used": _used,
    "wound": _wound,
    "topic": _by_topic,
}
