"""Words that the dictionary lacks or gives first in a way that misleads: names of the trade, acronyms that are said."""

from edge_tts.text.phonetic import parse_pronunciation

__all__ = ["EXCEPTIONS"]

_LINES = """
json JH EY1 S AH0 N
jpeg JH EY1 P EH2 G
mpeg EH1 M P EH2 G
gif G IH1 F
png P IH1 NG
gui G UW1 IY0
yaml Y AE1 M AH0 L
toml T AA1 M AH0 L
ascii AE1 S K IY0
cuda K UW1 D AH0
linux L IH1 N AH0 K S
ubuntu UW0 B UH1 N T UW0
debian D EH1 B IY0 AH0 N
python P AY1 TH AA2 N
numpy N AH1 M P AY2
github G IH1 T HH AH2 B
gitlab G IH1 T L AE2 B
wi-fi W AY1 F AY2
wifi W AY1 F AY2
bluetooth B L UW1 T UW2 TH
alexa AH0 L EH1 K S AH0
siri S IH1 R IY0
nvidia EH0 N V IH1 D IY0 AH0
jetson JH EH1 T S AH0 N
conda K AA1 N D AH0
chatgpt CH AE1 T JH IY1 P IY1 T IY1
onnx AA1 N IH0 K S
mqtt EH1 M K Y UW1 T IY1 T IY1
whatsapp W AH1 T S AE2 P
spotify S P AA1 T IH0 F AY2
netflix N EH1 T F L IH2 K S
wikipedia W IH2 K IH0 P IY1 D IY0 AH0
emoji IH0 M OW1 JH IY0
selfie S EH1 L F IY0
podcast P AA1 D K AE2 S T
blog B L AA1 G
app AE1 P
apps AE1 P S
covid K OW1 V IH0 D
sars S AA1 R Z
nasa N AE1 S AH0
nato N EY1 T OW0
unesco Y UW0 N EH1 S K OW0
unicef Y UW1 N AH0 S EH2 F
laser L EY1 Z ER0
radar R EY1 D AA2 R
scuba S K UW1 B AH0
captcha K AE1 P CH AH0
phd P IY2 EY2 CH D IY1
ok OW2 K EY1
okay OW2 K EY1
hmm HH AH1 M
mhm M HH AH1 M
hm HH AH1 M
shh SH AH1
psst P IH1 S T
brr B ER1
ugh AH1 G
uh AH1
um AH1 M
nah N AE1
yay Y EY1
meh M EH1
celsius S EH1 L S IY0 AH0 S
kilometer K AH0 L AA1 M AH0 T ER0
kilometers K AH0 L AA1 M AH0 T ER0 Z
newton N UW1 T AH0 N
i AY1
a AH0
an AE1 N
and AE1 N D
the DH AH0
for F AO1 R
of AH1 V
or AO1 R
to T UW1
was W AA1 Z
were W ER1
because B IH0 K AO1 Z
really R IY1 L IY0
readme R IY1 D M IY2
'cause K AH0 Z
our AW1 ER0
your Y AO1 R
hashtag HH AE1 SH T AE2 G
underscore AH1 N D ER0 S K AO2 R
backslash B AE1 K S L AE2 SH
megabyte M EH1 G AH0 B AY2 T
gigabyte G IH1 G AH0 B AY2 T
terabyte T EH1 R AH0 B AY2 T
kilobyte K IH1 L AH0 B AY2 T
petabyte P EH1 T AH0 B AY2 T
gigahertz G IH1 G AH0 HH ER2 T S
megahertz M EH1 G AH0 HH ER2 T S
kilohertz K IH1 L AH0 HH ER2 T S
"""


def _read() -> dict[str, tuple[str, ...]]:
    lines = (line.split(" ", 1) for line in _LINES.strip().splitlines())
    return {word: parse_pronunciation(phones) for word, phones in lines}


EXCEPTIONS = _read()
"""Lower-case word → phones; looked up before CMUdict."""
