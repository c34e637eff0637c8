"""Units, measure words and currencies: what may follow a number, and how it is said."""

import re

__all__ = ["CURRENCY", "LATIN", "MEASURE", "ORDINAL", "currency", "latin_unit"]

_LATIN = {
    "km": "千米", "m": "米", "dm": "分米", "cm": "厘米", "mm": "毫米", "μm": "微米", "um": "微米", "nm": "纳米",
    "ft": "英尺", "km²": "平方千米", "m²": "平方米", "dm²": "平方分米", "cm²": "平方厘米", "mm²": "平方毫米",
    "ha": "公顷", "m³": "立方米", "dm³": "立方分米", "cm³": "立方厘米", "mm³": "立方毫米", "kg": "千克", "g": "克",
    "mg": "毫克", "μg": "微克", "ug": "微克", "t": "吨", "lb": "磅", "oz": "盎司", "L": "升", "l": "升", "mL": "毫升",
    "ml": "毫升", "dL": "分升", "h": "小时", "min": "分钟", "s": "秒", "ms": "毫秒", "μs": "微秒", "us": "微秒",
    "ns": "纳秒", "Hz": "赫兹", "kHz": "千赫兹", "MHz": "兆赫兹", "GHz": "吉赫兹", "dB": "分贝", "db": "分贝",
    "V": "伏", "kV": "千伏", "mV": "毫伏", "W": "瓦", "kW": "千瓦", "MW": "兆瓦", "GW": "吉瓦", "kWh": "千瓦时",
    "mA": "毫安", "mAh": "毫安时", "Ω": "欧姆", "kΩ": "千欧", "Pa": "帕", "hPa": "百帕", "kPa": "千帕", "MPa": "兆帕",
    "mmHg": "毫米汞柱", "cal": "卡", "kcal": "千卡", "kJ": "千焦", "mol": "摩尔", "px": "像素", "mph": "英里每小时",
    "rpm": "转每分", "fps": "帧每秒", "KM": "千米", "KG": "千克", "Kg": "千克", "CM": "厘米", "MM": "毫米",
    "ML": "毫升",
}  # fmt: skip
_LATIN |= {name.replace("²", "2").replace("³", "3"): spoken for name, spoken in _LATIN.items()}

_UNIT = "(?:" + "|".join(sorted(map(re.escape, _LATIN), key=len, reverse=True)) + ")"
LATIN = f"{_UNIT}(?:/{_UNIT})?(?![A-Za-z0-9])"
"""A unit in Latin letters, perhaps per another, after which no letter or digit follows."""


def latin_unit(text: str) -> str:
    """`km/h` → 千米每小时."""
    return "每".join(_LATIN[part] for part in text.split("/"))


_MEASURES = """
个 位 名 口 人 只 头 条 匹 峰 尾 羽 窝 群 双 对 副 套 组 批 帮 伙 班 排 队 行 列 串 束 捧 堆 摊 滩 汪 团 丛 簇 棵 株
枝 朵 瓣 片 叶 粒 颗 滴 块 张 页 面 幅 卷 册 本 部 篇 章 节 段 句 字 首 阕 曲 支 枚 根 把 柄 杆 盏 台 架 辆 艘 架次 座
栋 幢 间 层 级 扇 堵 道 处 所 家 户 宗 桩 件 项 款 则 例 份 笔 单 桌 席 顿 餐 碗 盘 碟 杯 盅 壶 瓶 罐 桶 盆 缸 箱 盒
包 袋 筐 篮 篓 笼 捆 扎 打 沓 叠 摞 剂 帖 服 丸 针 味 场 幕 出 回 次 趟 遍 番 阵 下 声 拳 脚 巴掌 圈 周 轮 局 步 秒
秒钟 分钟 刻钟 小时 钟头 点钟 天 昼夜 夜 宿 日 晚 星期 礼拜 旬 月 个月 季 季度 年 载 岁 周岁 周年 年级 世纪 辈子 代 届
期 元 块钱 角 毛 毛钱 分 分钱 厘 美元 欧元 英镑 日元 日圆 港元 港币 台币 新台币 人民币 韩元 卢布 卢比 法郎 澳元 加元
泰铢 里 公里 英里 海里 光年 米 公尺 尺 英尺 寸 英寸 丈 千米 分米 厘米 毫米 微米 纳米 公分 公顷 亩 平方 平方米 平米
平方公里 平方千米 平方厘米 平方英尺 立方 立方米 立方厘米 升 毫升 公升 加仑 斗 石 斤 公斤 千克 克 毫克 微克 两 钱 吨 磅
盎司 克拉 担 千瓦 千瓦时 瓦 兆瓦 伏 伏特 安 毫安 赫兹 兆 兆赫 分贝 帕 卡 千卡 大卡 焦耳 马力 像素 度 摄氏度 华氏度 倍
成 折 种 类 样 门 派 股 票 床 车 船 家子 点 百 千 万 百万 千万 亿 万亿 个百分点
"""
_OTHER_WORDS = "回[复答忆应]|页面|分析|天[空气津]|面[积前对]|台[湾北风]|场[景馆所]|点[击赞]|部[队门]|口号"
MEASURE = f"(?!{_OTHER_WORDS})(?:" + "|".join(sorted(set(_MEASURES.split()), key=len, reverse=True)) + ")"
"""A Chinese measure word or unit, or a word for a power of ten."""

ORDINAL = "(?:月|日|号|楼|季度|年级|两|级|等|代|期|届|手|胎|环|审|维|线|班|路|区|栋|单元|幢|中|分之)"
"""After these two is 二, not 两: they count, or name, a place in a row (or are the weight 两 itself)."""

CURRENCY = r"(?:US\$|HK\$|NT\$|[$€£¥￥₩₹₽฿]|RMB|CNY|USD|EUR|HKD|JPY)"

_CURRENCIES = {
    "US$": "美元", "HK$": "港元", "NT$": "新台币", "$": "美元", "€": "欧元", "£": "英镑", "¥": "元", "￥": "元",
    "₩": "韩元", "₹": "卢比", "₽": "卢布", "฿": "泰铢", "RMB": "元", "CNY": "元", "USD": "美元", "EUR": "欧元",
    "HKD": "港元", "JPY": "日元",
}  # fmt: skip


def currency(sign: str) -> str:
    """What a sum with this sign before it is counted in."""
    return _CURRENCIES[sign]
