//! Names of synthetic people, of every kind that registers of residents hold.

use super::draws::Draws;

/// How a name is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameStyle {
    /// 张伟: one character of surname, one or two given.
    Han,
    /// 欧阳晓雨.
    CompoundSurname,
    /// With a character outside of Unicode's first plane, which old systems cannot hold.
    RareCharacter,
    /// 古丽娜尔·买买提.
    MiddleDots,
    /// 陳家豪, as in Hong Kong, Macao and Taiwan.
    Traditional,
    /// MARIA O'BRIEN.
    Latin,
}

const SURNAMES: [&str; 40] = [
    "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭",
    "何", "林", "高", "罗", "郑", "梁", "谢", "宋", "唐", "许", "韩", "邓", "冯", "曹", "彭", "曾",
    "肖", "田", "董", "潘", "袁", "蔡", "蒋", "余",
];

pub(super) const COMPOUND_SURNAMES: [&str; 8] = [
    "欧阳", "司马", "上官", "诸葛", "夏侯", "皇甫", "尉迟", "令狐",
];

const GIVEN: [&str; 48] = [
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "涛", "明", "超",
    "霞", "平", "刚", "玲", "桂", "晓", "雨", "欣", "怡", "子", "轩", "梓", "涵", "浩", "宇", "思",
    "远", "文", "博", "佳", "琪", "雪", "梅", "海", "燕", "春", "华", "志", "建", "国", "婷", "睿",
];

/// Of plane 2: 𠮷, 𬀩, 𬘡, 𫄸, 𬊈, 𬇕, 𬭸, 𫖯.
const RARE: [&str; 8] = [
    "\u{20BB7}",
    "\u{2C029}",
    "\u{2C621}",
    "\u{2B138}",
    "\u{2C288}",
    "\u{2C1D5}",
    "\u{2CB78}",
    "\u{2B5AF}",
];

const MINORITY_GIVEN: [&str; 10] = [
    "古丽娜尔",
    "阿依古丽",
    "艾力",
    "热依汗",
    "吐尔逊",
    "阿卜杜拉",
    "扎西",
    "卓玛",
    "麦尔丹",
    "迪丽拜尔",
];

const MINORITY_FAMILY: [&str; 8] = [
    "买买提",
    "阿不都拉",
    "吾斯曼",
    "依明",
    "沙吾提",
    "多吉",
    "玉山江",
    "克里木",
];

const TRADITIONAL_SURNAMES: [&str; 12] = [
    "陳", "黃", "張", "李", "劉", "吳", "鄭", "蔡", "楊", "許", "葉", "蘇",
];

const TRADITIONAL_GIVEN: [&str; 16] = [
    "家", "豪", "志", "偉", "淑", "芬", "麗", "華", "詩", "涵", "俊", "傑", "怡", "君", "雅", "婷",
];

const LATIN_GIVEN: [&str; 10] = [
    "MARIA", "JEAN-LUC", "ANNA", "THOMAS", "SOFÍA", "BJÖRN", "MIN-JUN", "AIKO", "DAVID", "FATIMA",
];

const LATIN_FAMILY: [&str; 10] = [
    "O'BRIEN", "MÜLLER", "GARCÍA", "SMITH", "NGUYỄN", "TANAKA", "KIM", "DUPONT", "IVANOV",
    "VAN DIJK",
];

/// A name.
pub(super) fn draw(style: NameStyle, draws: &mut Draws) -> String {
    match style {
        NameStyle::Han => draws.one_of(&SURNAMES).to_owned() + &given(&GIVEN, draws),
        NameStyle::CompoundSurname => {
            draws.one_of(&COMPOUND_SURNAMES).to_owned() + &given(&GIVEN, draws)
        }
        NameStyle::RareCharacter => draws.one_of(&SURNAMES).to_owned() + draws.one_of(&RARE),
        NameStyle::MiddleDots => {
            let given = draws.one_of(&MINORITY_GIVEN);
            format!("{given}\u{B7}{}", draws.one_of(&MINORITY_FAMILY))
        }
        NameStyle::Traditional => {
            draws.one_of(&TRADITIONAL_SURNAMES).to_owned() + &given(&TRADITIONAL_GIVEN, draws)
        }
        NameStyle::Latin => {
            let given = draws.one_of(&LATIN_GIVEN);
            format!("{given} {}", draws.one_of(&LATIN_FAMILY))
        }
    }
}

/// One or two characters; two of three people have two.
fn given(list: &[&'static str], draws: &mut Draws) -> String {
    let first = draws.one_of(list);
    if draws.below(3) == 0 {
        first.to_owned()
    } else {
        first.to_owned() + draws.one_of(list)
    }
}
