//! How large somebody wants the letters: as the browser has them, or larger throughout.
//!
//! Every size in our stylesheets is relative to the letters of the page, so this one choice moves
//! the whole layout.

/// The size of a page's letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextSize {
    /// What the browser is set to.
    #[default]
    Normal,
    /// Larger than that.
    Large,
}

impl TextSize {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Normal, Self::Large];

    /// As addresses, cookies and templates call it.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Large => "large",
        }
    }

    /// The size of a tag.
    pub fn for_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.tag() == tag)
    }

    /// What somebody changes to.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Normal => Self::Large,
            Self::Large => Self::Normal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_known_by_its_tag_and_nothing_else_is_one() {
        for size in TextSize::ALL {
            assert_eq!(TextSize::for_tag(size.tag()), Some(size));
            assert_ne!(size.other(), size);
        }
        for odd in ["", "Large", "huge", "large\""] {
            assert_eq!(TextSize::for_tag(odd), None);
        }
    }
}
