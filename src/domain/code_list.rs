//! Closed lists of codes: an enum whose variants each have one fixed text, in JSON, in the database
//! and on the command line. A text that is not in the list is refused.

/// Text that is not in a code list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown")]
pub struct UnknownCode;

/// Declares such an enum. Append new variants at the end: compact encodings number them.
macro_rules! code_list {
    ($(#[$doc:meta])* pub enum $name:ident {
        $($(#[$variant_doc:meta])* $variant:ident = $code:literal,)+
    }) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize,
        )]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $code)] $variant,)+
        }

        impl $name {
            /// The whole list, in its order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::code_list::UnknownCode;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($code => Ok(Self::$variant),)+
                    _ => Err($crate::domain::code_list::UnknownCode),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use code_list;

#[cfg(test)]
mod tests {
    use super::UnknownCode;
    use crate::domain::check::CheckResult;

    #[test]
    fn a_code_is_the_same_in_text_and_json() {
        for &result in CheckResult::ALL {
            assert_eq!(result.as_str().parse(), Ok(result));
            assert_eq!(result.to_string(), result.as_str());
            let json = serde_json::to_string(&result).unwrap();
            assert_eq!(json, format!("\"{result}\""));
            assert_eq!(serde_json::from_str::<CheckResult>(&json).unwrap(), result);
        }
        assert_eq!("no_record".parse(), Ok(CheckResult::NoRecord));
    }

    #[test]
    fn an_unknown_code_is_refused() {
        assert_eq!("Match".parse::<CheckResult>(), Err(UnknownCode));
        assert!(serde_json::from_str::<CheckResult>("\"maybe\"").is_err());
    }
}
