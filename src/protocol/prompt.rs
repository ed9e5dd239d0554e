//! `prompt`: which pages the client wants shown, or none at all (OIDC Core §3.1.2.1).

use serde::{Deserialize, Serialize};

/// One value of `prompt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Prompt {
    /// Show nothing; answer with an error if a page is needed.
    None,
    /// Log in again.
    Login,
    /// Ask for consent again.
    Consent,
    /// Let the resident choose an account.
    SelectAccount,
}

impl Prompt {
    /// Every value, for discovery.
    pub const ALL: [Self; 4] = [Self::None, Self::Login, Self::Consent, Self::SelectAccount];

    /// The value as sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Login => "login",
            Self::Consent => "consent",
            Self::SelectAccount => "select_account",
        }
    }
}

/// The set of values in one request; `none` stands alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Prompts(Vec<Prompt>);

/// A `prompt` that is not acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// OIDC Prompt Create 1.0 §4.1.2: an unsupported value is an error, not ignored.
    #[error("prompt has a value that is not supported")]
    Unknown,
    /// `none` beside another value.
    #[error("prompt=none cannot be combined with another value")]
    NoneWithOthers,
}

impl Prompts {
    /// Reads `prompt`.
    pub fn parse(text: &str) -> Result<Self, PromptError> {
        let mut prompts = Vec::new();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let prompt = Prompt::ALL
                .into_iter()
                .find(|prompt| prompt.as_str() == word)
                .ok_or(PromptError::Unknown)?;
            if !prompts.contains(&prompt) {
                prompts.push(prompt);
            }
        }
        if prompts.contains(&Prompt::None) && prompts.len() > 1 {
            return Err(PromptError::NoneWithOthers);
        }
        Ok(Self(prompts))
    }

    /// Whether `prompt` was asked for.
    #[must_use]
    pub fn contains(&self, prompt: Prompt) -> bool {
        self.0.contains(&prompt)
    }

    /// Whether no page may be shown.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.contains(Prompt::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_stands_alone() {
        assert!(Prompts::parse("none").unwrap().is_silent());
        assert_eq!(
            Prompts::parse("none login"),
            Err(PromptError::NoneWithOthers)
        );
        assert!(Prompts::parse("none none").unwrap().is_silent());
    }

    #[test]
    fn values_are_a_set() {
        let prompts = Prompts::parse("login  consent login").unwrap();
        assert!(prompts.contains(Prompt::Login) && prompts.contains(Prompt::Consent));
        assert!(!prompts.contains(Prompt::SelectAccount) && !prompts.is_silent());
        assert_eq!(Prompts::parse("login create"), Err(PromptError::Unknown));
        assert_eq!(Prompts::parse("Login"), Err(PromptError::Unknown));
    }
}
