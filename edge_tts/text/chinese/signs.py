"""Signs to words and to the six marks that are phones of their own: `! ? … , . -`.

Full stops, colons, semicolons, dashes and middle dots become `.` or `,`; quotes, brackets and decoration are not heard.
"""

import re

from edge_tts.text.chinese.quantities import OPERATORS

__all__ = ["MARKS", "spoken_sign"]

MARKS = {
    ",": ",", "，": ",", "、": ",", ":": ",", "：": ",", ";": ",", "；": ",", "·": ",", "•": ",", "‧": ",", "・": ",",
    "/": ",", "．": ",", ".": ".", "。": ".", "｡": ".", "\n": ".", "!": "!", "！": "!", "?": "?", "？": "?", "…": "…",
    "⋯": "…", "‥": "…", "~": "…", "〜": "…", "—": ",", "–": ",", "―": ",", "-": ",", "→": ",",
}  # fmt: skip

_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρστυφχψω",
        (
            "阿尔法 贝塔 伽马 德尔塔 艾普西龙 泽塔 伊塔 西塔 约塔 卡帕 拉姆达 缪"
            " 纽 克西 奥米克戎 派 柔 西格玛 陶 宇普西龙 斐 凯 普赛 欧米伽"
        ).split(),
        strict=True,
    ),
    ς="西格玛",
)
_NAMES = {
    "±": "正负", "≤": "小于等于", "≥": "大于等于", "≠": "不等于", "≈": "约等于", "∞": "无穷大", "√": "根号",
    "∵": "因为", "∴": "所以", "°": "度", "℃": "摄氏度", "℉": "华氏度", "%": "百分号", "‰": "千分号", "&": "和",
    "@": "艾特", "№": "编号", "+": "加", "=": "等于", "×": "乘", "÷": "除以", "€": "欧元", "£": "英镑", "¥": "元",
    "₩": "韩元", "$": "美元",
}  # fmt: skip

_WORD = re.compile(r"[0-9A-Za-z一-龥]")
_COUNTED = "年月日号时点分秒度元块角岁天米克斤升吨里周人个次章节页条级层楼斗亩平方万亿千百十"
_PER = re.compile(
    "[年月日天周时分秒米克升吨人个次斤套件台瓶盒箱股晚间位支张条只本份亩]|小时|[公英]?[里斤]|千[米克瓦]|毫[米克升]|[平立]方"
)
_WEEK = re.compile("(?:周|星期|礼拜)[一二三四五六日天]$")


def spoken_sign(text: str, place: int) -> str:
    """What the sign at `place` is said as, or the mark it stands for; empty if it isn't heard. A letter is itself."""
    sign = text[place]
    if sign.isascii() and sign.isalpha():
        return sign
    before, after = text[place - 1 : place] if place else "", text[place + 1 : place + 2]
    if sign in "-–—~" and _is_range(text, place):
        return "到"
    if sign == "-" and after.isdigit() and _WORD.match(before):
        return ""
    if sign == "/" and before and before in _COUNTED + "费价" and _PER.match(text, place + 1):
        return "每"
    if sign in "<>*" and _WORD.match(before) and _WORD.match(after):
        return OPERATORS[sign]
    if sign in MARKS:
        return MARKS[sign]
    if sign.lower() in _GREEK and not (before.lower() in _GREEK or after.lower() in _GREEK):
        return _GREEK[sign.lower()]
    return _NAMES.get(sign, "")


def _is_range(text: str, place: int) -> bool:
    """`3月-5月`, `周一-周五`: a dash between two places in time or two measures."""
    before, after = text[max(0, place - 3) : place], text[place + 1 : place + 4]
    if after[:1].isdigit():
        return before[-1:] != "" and before[-1] in _COUNTED
    return bool(_WEEK.search(before)) and after[:1] in ("周", "星", "礼")
