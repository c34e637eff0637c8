"""Word lists of the neutral tone: which words lose the tone of their last character, and which only seem to.

The first list holds the words that the Mandarin proficiency test (普通话水平测试) asks to be said so, apart from those
in -子 and -们 and reduplications, which follow rules, and further ones that dictionaries mark as mostly so.
"""

__all__ = [
    "DONE_A_LITTLE",
    "FULL_LOCATIVE",
    "FULL_VERB",
    "FULL_ZI",
    "KIN",
    "NEUTRAL",
    "NEUTRAL_BELOW",
    "ONLY_ALONE",
    "TWICE",
]

NEUTRAL = frozenset(
    """
爱人 巴掌 白净 帮手 棒槌 包袱 包涵 本事 比方 扁担 别扭 拨弄 簸箕 补丁 不由得 不在乎 部分 裁缝 财主 苍蝇 差事 柴火 称呼
锄头 畜生 窗户 刺猬 凑合 耷拉 答应 打扮 打点 打发 打量 打算 打听 大方 大爷 大夫 耽搁 耽误 道士 灯笼 提防 地道 地方
弟弟 弟兄 点心 东家 东西 动静 动弹 豆腐 嘟囔 对付 对头 队伍 多么 多少 耳朵 风筝 福气 甘蔗 干事 高粱 膏药 告诉 疙瘩
胳膊 跟头 工夫 功夫 姑娘 骨头 故事 寡妇 怪物 关系 官司 罐头 规矩 闺女 蛤蟆 含糊 行当 合同 和尚 核桃 红火 后头 厚道
狐狸 胡琴 糊涂 皇上 萝卜 活泼 火候 伙计 护士 机灵 脊梁 记号 记性 家伙 架势 嫁妆 见识 将就 交情 叫唤 结实 街坊 姐夫
戒指 咳嗽 客气 口袋 窟窿 快活 困难 阔气 喇叭 喇嘛 懒得 浪头 老婆 老实 老爷 老头 累赘 篱笆 里头 力气 厉害 利落 利索
痢疾 连累 凉快 粮食 溜达 骆驼 麻烦 麻利 马虎 码头 买卖 馒头 忙活 冒失 眉毛 媒人 门道 眯缝 迷糊 苗条 苗头 名堂 名字
明白 模糊 蘑菇 木匠 木头 那么 难为 脑袋 能耐 念叨 念头 娘家 奴才 女婿 暖和 疟疾 牌楼 盘算 朋友 脾气 屁股 便宜 漂亮
婆家 铺盖 欺负 前头 亲戚 勤快 清楚 亲家 拳头 热闹 人家 认识 扫帚 商量 上司 上头 烧饼 少爷 舌头 什么 生意 牲口 师父
师傅 石榴 石头 时候 使唤 世故 似的 事情 收成 收拾 首饰 舒服 舒坦 疏忽 爽快 思量 算计 岁数 特务 挑剔 跳蚤 铁匠 头发
妥当 唾沫 挖苦 晚上 尾巴 委屈 位置 稳当 稀罕 媳妇 喜欢 下巴 吓唬 先生 乡下 相声 消息 小气 小伙 笑话 心思 行李 兄弟
休息 秀才 秀气 学生 学问 丫头 衙门 哑巴 胭脂 烟筒 眼睛 秧歌 养活 吆喝 妖精 钥匙 衣服 衣裳 意思 应酬 冤枉 月饼 月亮
云彩 运气 在乎 咱们 早上 怎么 扎实 眨巴 栅栏 看过 去过 来过 受过 出过 吃过 做过 听过 有过 到过 想过 当过 说过 用过
学过 写过 打过 买过 住过 干过 问过 读过 玩过 谈过 犯过 聪明 体面 告示 算盘 巴结 正经 张罗 丈夫 帐篷 丈人 招呼 招牌
折腾 这么 枕头 芝麻 知识 指甲 指头 主意 转悠 庄稼 壮实 状元 字号 祖宗 嘴巴 作坊 琢磨 太阳 父亲 母亲 葡萄 玻璃 玫瑰
琵琶 枇杷 葫芦 槟榔 荸荠 鸳鸯 馄饨 蚂蚱 泥鳅 邋遢 哈欠 哆嗦 嘱咐 伺候 恶心 佩服 痛快 新鲜 照顾 惦记 讲究 毛病 胡同
窝囊 牢骚 罗嗦 啰嗦 利害 寒碜 牙碜 糟蹋 倒腾 闹腾 翻腾 扑腾 盘缠 喽啰 菩萨 咕噜 嘀咕 冤家 甜头 姥爷 妯娌 琉璃 砚台
笤帚 炊帚 棉花 薄荷 棺材 情形 希罕 软和 踏实 唠叨 忽悠 嚷嚷 搅和 掺和 铃铛 里脊 玄乎 糨糊 烂糊 照过 跟过 梦过 换过
等过 点过 结过 传过 上过 拾掇 比划 抽屉 出息 得罪 底下 估摸 滑溜 和气 家里 夜里 心里 屋里 手里 嘴里 眼里 城里 村里
外头 外甥 抬举 行头 匀称 造化 志气 趔趄 苦头 派头 兆头 势头 石匠 费用 扫把 悟性 熟悉
""".split()
)
"""Words whose last character is neutral."""

ONLY_ALONE = frozenset("东西 地方 大方 大爷 地道 对头 人家 利害 情形 太阳 打点".split())
"""Of these, the ones that keep their tone as the first part of a longer word: 地方政府, 太阳能."""

KIN = "妈爸爷奶哥姐弟妹叔伯姑舅婶嫂姨姥公婆爹娘太娃宝星猩"
"""Twice, these are a noun with a neutral second half, in longer words too: 妈妈, 老奶奶, 黑猩猩."""

TWICE = KIN + "蛐蝈饽馍嬷狒格圈框杠泡豆兜窝蛋棒丫妞猫狗头本谢痒嚷"
"""These as a word by themselves."""

DONE_A_LITTLE = frozenset("点摇招挥摊散跑看写读跳上聊洗做热降动练咂跺解握拍鼓转逛唱听想讲翻试谢走敲伸捶擦刷泡")
"""Verbs of 散散步, 点点头."""

FULL_VERB = "处整可呼活足哼满略死累通弯习断强哗鼓露扬申轰呵傻冒冲凿厌娇彰愣怔沸昏濯疯突窃腾荡蒸讪诤饱恋迷吁耸统落凶叠"
"""Twice, these are adverbs and pictures, not verbs done a little: 处处, 满满 keep both tones."""

FULL_ZI = tuple(
    """
电子 分子 弟子 女子 男子 太子 原子 公子 天子 父子 粒子 离子 莲子 君子 长子 量子 孢子 母子 精子 因子 孝子 学子 瓜子
中子 质子 皇子 其子 光子 次子 臣子 才子 养子 黑子 仙子 转子 定子 世子 卵子 浪子 游子 爱子 幼子 墨子 义子 亲子 甲子
核子 独子 士子 赤子 骄子 巨子 娇子 犬子 孺子 附子 处子 圣子 庶子 嫡子 逆子 帝子 继子 孽子 内子 弃子 王子 孔子 孟子
荀子 曾子 韩非子 鬼谷子 西子 夫子 竖子 贵子 戊子 丙子 庚子 壬子 算子 介子 玻色子 中微子 载流子 偶极子 谐振子 绝缘子
振子 端子 石子 鱼子 虾子 松子 五味子 枸杞子 决明子 菟丝子 蛇床子 五倍子 舍利子 侍子 密码子 棋子 举子 配子 诸子 扬子
晏子 庄子 惠子 朱子 淮南子 逍遥子 抱朴子 登徒子 不孝子 不肖子 俗子 卒子 嗣子 弱子 余子 相思子 覆盆子 复盆子 车前子
诃子 芥子 吾子 少子 败家子 金龟子 风信子 莱菔子 牛蒡子 牵牛子 桑椹子 操纵子 启动子 癸子 激子 胶子 孤子 双子 良子
""".split()
)
"""子 is a child, a seed, a particle or a master in these, not a mere ending, and in longer words that end in them."""

FULL_LOCATIVE = frozenset(
    """
之上 以上 偏上 北上 南上 史上 右上 同上 向上 太上 左上 无上 最上 楼上 水上 海上 至上 西上 附上 陆上 万里 公里 十里
千里 故里 百里 英里 表里 邻里
""".split()
)
"""Words of place in -上 or -里 that keep its tone."""

NEUTRAL_BELOW = ("底下", "乡下")
"""The only ones in -下 that lose it, and longer ones that end in them."""
