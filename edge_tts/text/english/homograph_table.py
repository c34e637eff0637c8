"""The homographs of English and their pronunciations.

One entry per line, `word kind: first | second`. Kinds: `nv` noun or adjective | verb (noun if nothing decides), `vn`
the same (verb if nothing decides), `part` adjective | past form, `topic` common sense | rarer sense | words that call
for it; the others have a decider of their own in `homographs`. Plurals and third persons in -s of `nv` and `vn` words
are made from their bases.
"""

from typing import NamedTuple

from edge_tts.text.english.inflection import plural

__all__ = ["HOMOGRAPHS", "Homograph"]


class Homograph(NamedTuple):
    """One entry: the kind of its decision, two readings, and for `topic` the words that call for the second."""

    kind: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    topics: frozenset[str] = frozenset()


_LINES = """
abstract nv: AE1 B S T R AE2 K T | AE0 B S T R AE1 K T
abuse nv: AH0 B Y UW1 S | AH0 B Y UW1 Z
address nv: AE1 D R EH2 S | AH0 D R EH1 S
advocate nv: AE1 D V AH0 K AH0 T | AE1 D V AH0 K EY2 T
affiliate nv: AH0 F IH1 L IY0 AH0 T | AH0 F IH1 L IY0 EY2 T
aggregate nv: AE1 G R AH0 G AH0 T | AE1 G R AH0 G EY2 T
alternate nv: AO1 L T ER0 N AH0 T | AO1 L T ER0 N EY2 T
animate nv: AE1 N AH0 M AH0 T | AE1 N AH0 M EY2 T
appropriate nv: AH0 P R OW1 P R IY0 AH0 T | AH0 P R OW1 P R IY0 EY2 T
approximate nv: AH0 P R AA1 K S AH0 M AH0 T | AH0 P R AA1 K S AH0 M EY2 T
articulate nv: AA0 R T IH1 K Y AH0 L AH0 T | AA0 R T IH1 K Y AH0 L EY2 T
associate nv: AH0 S OW1 S IY0 AH0 T | AH0 S OW1 S IY0 EY2 T
attribute nv: AE1 T R AH0 B Y UW2 T | AH0 T R IH1 B Y UW2 T
close nv: K L OW1 S | K L OW1 Z
combine vn: K AA1 M B AY2 N | K AH0 M B AY1 N
commune nv: K AA1 M Y UW2 N | K AH0 M Y UW1 N
compact nv: K AA1 M P AE2 K T | K AH0 M P AE1 K T
compound nv: K AA1 M P AW2 N D | K AH0 M P AW1 N D
compress vn: K AA1 M P R EH2 S | K AH0 M P R EH1 S
conduct vn: K AA1 N D AH2 K T | K AH0 N D AH1 K T
confine vn: K AA1 N F AY2 N | K AH0 N F AY1 N
conflict nv: K AA1 N F L IH2 K T | K AH0 N F L IH1 K T
conscript nv: K AA1 N S K R IH0 P T | K AH0 N S K R IH1 P T
console nv: K AA1 N S OW0 L | K AH0 N S OW1 L
construct vn: K AA1 N S T R AH0 K T | K AH0 N S T R AH1 K T
content content: K AA1 N T EH0 N T | K AH0 N T EH1 N T
contest nv: K AA1 N T EH0 S T | K AH0 N T EH1 S T
contract nv: K AA1 N T R AE2 K T | K AH0 N T R AE1 K T
contrast nv: K AA1 N T R AE0 S T | K AH0 N T R AE1 S T
converse vn: K AA1 N V ER0 S | K AH0 N V ER1 S
convert vn: K AA1 N V ER0 T | K AH0 N V ER1 T
convict nv: K AA1 N V IH0 K T | K AH0 N V IH1 K T
coordinate vn: K OW0 AO1 R D AH0 N AH0 T | K OW0 AO1 R D AH0 N EY2 T
decrease nv: D IY1 K R IY2 S | D IH0 K R IY1 S
defect nv: D IY1 F EH0 K T | D IH0 F EH1 K T
degenerate nv: D IH0 JH EH1 N ER0 AH0 T | D IH0 JH EH1 N ER0 EY2 T
delegate nv: D EH1 L AH0 G AH0 T | D EH1 L AH0 G EY2 T
deliberate nv: D IH0 L IH1 B ER0 AH0 T | D IH0 L IH1 B ER0 EY2 T
desert nv: D EH1 Z ER0 T | D IH0 Z ER1 T
diffuse nv: D IH0 F Y UW1 S | D IH0 F Y UW1 Z
digest vn: D AY1 JH EH0 S T | D AY0 JH EH1 S T
discharge vn: D IH1 S CH AA2 R JH | D IH0 S CH AA1 R JH
discount nv: D IH1 S K AW0 N T | D IH0 S K AW1 N T
dove nv: D AH1 V | D OW1 V
duplicate nv: D UW1 P L AH0 K AH0 T | D UW1 P L AH0 K EY2 T
elaborate nv: IH0 L AE1 B R AH0 T | IH0 L AE1 B ER0 EY2 T
entrance nv: EH1 N T R AH0 N S | EH0 N T R AE1 N S
escort nv: EH1 S K AO0 R T | EH0 S K AO1 R T
estimate nv: EH1 S T AH0 M AH0 T | EH1 S T AH0 M EY2 T
excuse nv: IH0 K S K Y UW1 S | IH0 K S K Y UW1 Z
exploit nv: EH1 K S P L OY2 T | EH2 K S P L OY1 T
export nv: EH1 K S P AO0 R T | IH0 K S P AO1 R T
extract nv: EH1 K S T R AE2 K T | IH0 K S T R AE1 K T
frequent nv: F R IY1 K W AH0 N T | F R IY0 K W EH1 N T
graduate nv: G R AE1 JH AH0 W AH0 T | G R AE1 JH AH0 W EY2 T
house nv: HH AW1 S | HH AW1 Z
houses nv: HH AW1 Z IH0 Z | HH AW1 Z IH0 Z
closes vn: K L OW1 Z IH0 Z | K L OW1 Z IH0 Z
impact nv: IH1 M P AE0 K T | IH0 M P AE1 K T
implant nv: IH1 M P L AE2 N T | IH0 M P L AE1 N T
import nv: IH1 M P AO2 R T | IH0 M P AO1 R T
incense nv: IH1 N S EH2 N S | IH0 N S EH1 N S
incline nv: IH1 N K L AY0 N | IH0 N K L AY1 N
increase nv: IH1 N K R IY2 S | IH0 N K R IY1 S
initiate vn: IH0 N IH1 SH IY0 AH0 T | IH0 N IH1 SH IY0 EY2 T
insert vn: IH1 N S ER2 T | IH0 N S ER1 T
insult nv: IH1 N S AH2 L T | IH0 N S AH1 L T
intimate nv: IH1 N T AH0 M AH0 T | IH1 N T AH0 M EY2 T
invite vn: IH1 N V AY0 T | IH0 N V AY1 T
isolate vn: AY1 S AH0 L AH0 T | AY1 S AH0 L EY2 T
misuse nv: M IH0 S Y UW1 S | M IH0 S Y UW1 Z
moderate nv: M AA1 D ER0 AH0 T | M AA1 D ER0 EY2 T
object nv: AA1 B JH EH0 K T | AH0 B JH EH1 K T
perfect nv: P ER1 F IH2 K T | P ER0 F EH1 K T
permit vn: P ER1 M IH2 T | P ER0 M IH1 T
pervert nv: P ER1 V ER0 T | P ER0 V ER1 T
predicate nv: P R EH1 D AH0 K AH0 T | P R EH1 D AH0 K EY2 T
present nv: P R EH1 Z AH0 N T | P R IY0 Z EH1 N T
produce vn: P R OW1 D UW0 S | P R AH0 D UW1 S
progress nv: P R AA1 G R EH2 S | P R AH0 G R EH1 S
project nv: P R AA1 JH EH0 K T | P R AH0 JH EH1 K T
prospect nv: P R AA1 S P EH2 K T | P R AH0 S P EH1 K T
protest nv: P R OW1 T EH2 S T | P R AH0 T EH1 S T
rebel nv: R EH1 B AH0 L | R IH0 B EH1 L
recap nv: R IY1 K AE2 P | R IY0 K AE1 P
recess nv: R IY1 S EH2 S | R IH0 S EH1 S
record nv: R EH1 K ER0 D | R IH0 K AO1 R D
refill nv: R IY1 F IH2 L | R IY0 F IH1 L
refund nv: R IY1 F AH2 N D | R IH0 F AH1 N D
refuse vn: R EH1 F Y UW2 Z | R IH0 F Y UW1 Z
reject vn: R IY1 JH EH0 K T | R IH0 JH EH1 K T
relay nv: R IY1 L EY2 | R IY0 L EY1
remake nv: R IY1 M EY2 K | R IY0 M EY1 K
replay nv: R IY1 P L EY2 | R IY0 P L EY1
reset vn: R IY1 S EH2 T | R IY0 S EH1 T
rewrite vn: R IY1 R AY2 T | R IY0 R AY1 T
segment nv: S EH1 G M AH0 N T | S EH0 G M EH1 N T
separate nv: S EH1 P ER0 AH0 T | S EH1 P ER0 EY2 T
subject nv: S AH1 B JH IH0 K T | S AH0 B JH EH1 K T
subordinate nv: S AH0 B AO1 R D AH0 N AH0 T | S AH0 B AO1 R D AH0 N EY2 T
survey nv: S ER1 V EY2 | S ER0 V EY1
suspect vn: S AH1 S P EH2 K T | S AH0 S P EH1 K T
syndicate nv: S IH1 N D IH0 K AH0 T | S IH1 N D IH0 K EY2 T
tear nv: T IH1 R | T EH1 R
torment nv: T AO1 R M EH2 N T | T AO0 R M EH1 N T
transfer nv: T R AE1 N S F ER0 | T R AE0 N S F ER1
transplant nv: T R AE1 N S P L AE2 N T | T R AE0 N S P L AE1 N T
transport nv: T R AE1 N S P AO0 R T | T R AE0 N S P AO1 R T
update nv: AH1 P D EY2 T | AH0 P D EY1 T
upgrade nv: AH1 P G R EY2 D | AH0 P G R EY1 D
use nv: Y UW1 S | Y UW1 Z
wind nv: W IH1 N D | W AY1 N D
resume vn: R EH1 Z AH0 M EY2 | R IH0 Z UW1 M
lives vn: L AY1 V Z | L IH1 V Z
aged part: EY1 JH IH0 D | EY1 JH D
blessed part: B L EH1 S IH0 D | B L EH1 S T
learned part: L ER1 N IH0 D | L ER1 N D
dogged part: D AO1 G IH0 D | D AO1 G D
beloved part: B IH0 L AH1 V IH0 D | B IH0 L AH1 V D
read read: R IY1 D | R EH1 D
live live: L AY1 V | L IH1 V
used used: Y UW1 S T | Y UW1 Z D
wound wound: W UW1 N D | W AW1 N D
bass topic: B EY1 S | B AE1 S | fish fishing caught catch lake river sea striped largemouth pond grilled trout
bow topic: B AW1 | B OW1 | arrow arrows violin cello tie ribbon hair knot string strings archer crossbow
bows topic: B AW1 Z | B OW1 Z | arrow arrows violin tie ribbon hair knot string strings archers
row topic: R OW1 | R AW1 | argument quarrel furious shouting
sow topic: S OW1 | S AW1 | pig pigs piglets boar farrow
sewer topic: S UW1 ER0 | S OW1 ER0 | needle thread fabric seamstress
tower topic: T AW1 ER0 | T OW1 ER0 | barge tugboat
lead topic: L IY1 D | L EH1 D | pipe pipes paint pencil metal poisoning toxic bullets copper zinc battery iron weighs
polish topic: P AA1 L IH0 SH | P OW1 L IH0 SH | poland warsaw krakow language german russian czech hungarian government
minute topic: M IH1 N AH0 T | M AY0 N UW1 T | detail details particles tiny amounts differences traces
invalid topic: IH0 N V AE1 L IH0 D | IH1 N V AH0 L IH0 D | bedridden sickly nursed wheelchair
number topic: N AH1 M B ER0 | N AH1 M ER0 | numb fingers grew colder
axes topic: AE1 K S IH0 Z | AE1 K S IY2 Z | x y coordinate graph chart plot perpendicular
bases topic: B EY1 S IH0 Z | B EY1 S IY2 Z | theoretical philosophical legal ideological
buffet topic: B AH0 F EY1 | B AH1 F AH0 T | winds storm waves
moped topic: M OW1 P EH2 D | M OW1 P T | around sulked
does topic: D AH1 Z | D OW1 Z | bucks deer fawns fawn stag stags
august topic: AO1 G AH0 S T | AO0 G AH1 S T | venerable assembly personage
job topic: JH AA1 B | JH OW1 B | biblical bible prophet
slough topic: S L AH1 F | S L AW1 | despond swamp windsor berkshire
secretive topic: S IY1 K R AH0 T IH0 V | S IH0 K R IY1 T IH0 V | gland glands
lima topic: L IY1 M AH0 | L AY1 M AH0 | bean beans
mobile topic: M OW1 B AH0 L | M OW0 B IY1 L | alabama
putting topic: P UH1 T IH0 NG | P AH1 T IH0 NG | golf green greens putter
skied topic: S K IY1 D | S K AY1 D | pitch fielder
routed topic: R UW1 T IH0 D | R AW1 T IH0 D | army enemy troops defeated
tarry topic: T EH1 R IY0 | T AA1 R IY0 | asphalt sticky black pitch
"""


def _read() -> dict[str, Homograph]:
    table: dict[str, Homograph] = {}
    for line in _LINES.strip().splitlines():
        head, _, rest = line.partition(": ")
        word, kind = head.split()
        first, second, *topics = (tuple(part.split()) for part in rest.split(" | "))
        table[word] = Homograph(kind, first, second, frozenset(topics[0]) if topics else frozenset())
        if kind in ("nv", "vn") and not word.endswith("s"):
            table.setdefault(word + "s", Homograph(kind, plural(first), plural(second)))
    return table


HOMOGRAPHS = _read()
"""All homographs by their lower-case word."""
