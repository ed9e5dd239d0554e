//! `operator.*`: who runs this server, as the privacy notice says it.

use super::read::Reader;
use crate::http::state::Operator;

pub(super) fn read(read: &Reader<'_>) -> Operator {
    let text = |path| {
        let text: Option<&str> = read.text(path);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    Operator {
        name: text("operator.name"),
        contact: text("operator.contact"),
    }
}
