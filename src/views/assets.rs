//! The few files that pages load: stylesheets and the icon.
//!
//! Their addresses carry a fingerprint of the content, so that they may be cached for good.

/// A file to be served as it stands.
#[derive(Debug)]
pub struct Asset {
    /// How templates call its address.
    pub(super) name: &'static str,
    /// The path to serve it at.
    pub path: &'static str,
    /// Its media type.
    pub content_type: &'static str,
    /// Its content.
    pub body: &'static str,
}

impl Asset {
    /// The address that pages use: the path and the content's fingerprint.
    pub fn href(&self) -> String {
        format!("{}?v={:016x}", self.path, fingerprint(self.body.as_bytes()))
    }
}

/// The stylesheet of our own pages.
pub const STYLESHEET: Asset = Asset {
    name: "stylesheet",
    path: "/assets/tongxing.css",
    content_type: "text/css; charset=utf-8",
    body: include_str!("../../templates/assets/tongxing.css"),
};

/// The icon in the browser's tab.
pub const ICON: Asset = Asset {
    name: "icon",
    path: "/assets/tongxing.svg",
    content_type: "image/svg+xml",
    body: include_str!("../../templates/assets/tongxing.svg"),
};

/// The stylesheet of the demo's portals and its first page, which are not our pages.
pub const DEMO_STYLESHEET: Asset = Asset {
    name: "demo_stylesheet",
    path: "/assets/demo.css",
    content_type: "text/css; charset=utf-8",
    body: include_str!("../../templates/demo/demo.css"),
};

/// All assets.
pub const ALL: &[Asset] = &[STYLESHEET, ICON, DEMO_STYLESHEET];

/// The asset at `path`.
pub fn find(path: &str) -> Option<&'static Asset> {
    ALL.iter().find(|asset| asset.path == path)
}

/// FNV-1a: tells one version of a file from the next, and protects nothing.
pub(super) fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stylesheets_are_small_and_load_nothing() {
        for asset in ALL {
            assert!(
                asset.body.len() <= 14 * 1024,
                "{}: {}",
                asset.path,
                asset.body.len()
            );
            assert!(!asset.body.contains("url("), "{}", asset.path);
            assert!(!asset.body.contains("@import"), "{}", asset.path);
            assert!(!asset.body.contains("<script"), "{}", asset.path);
        }
    }

    #[test]
    fn an_address_changes_with_its_content() {
        assert_eq!(fingerprint(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fingerprint(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert!(STYLESHEET.href().starts_with("/assets/tongxing.css?v="));
        assert!(find("/assets/tongxing.css").is_some() && find("/assets/x").is_none());
    }
}
