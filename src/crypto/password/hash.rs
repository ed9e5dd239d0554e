//! A stored password hash and the parameters it was made with. Everything outside sane bounds is
//! refused when it is read, so that a hash from an import cannot exhaust the machine later.

use std::fmt;
use std::str::FromStr;

use argon2::password_hash::phc;
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroizing;

use crate::crypto::PrimitiveError;
use crate::crypto::digest::equal;

const MAX_MEMORY_KIB: u32 = 1024 * 1024;
const MAX_PASSES: u32 = 20;
const MAX_LANES: u32 = 16;
const SALT_LEN: usize = 16;
const OUTPUT_LEN: usize = 32;

/// What one guess costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordParameters {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl PasswordParameters {
    /// Parameters within bounds: at most 1 GiB, 20 passes and 16 lanes, at least 8 KiB a lane.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Option<Self> {
        let lanes_fit = (1..=MAX_LANES).contains(&lanes);
        let passes_fit = (1..=MAX_PASSES).contains(&passes);
        let memory_fits = memory_kib <= MAX_MEMORY_KIB && memory_kib / 8 >= lanes;
        (lanes_fit && passes_fit && memory_fits).then_some(Self {
            memory_kib,
            passes,
            lanes,
        })
    }

    fn argon2(self, output_len: usize) -> Result<Argon2<'static>, argon2::Error> {
        let parameters = Params::new(self.memory_kib, self.passes, self.lanes, Some(output_len))?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters))
    }

    /// How many blocks a hash needs, at most.
    pub(super) fn blocks(self) -> usize {
        usize::try_from(self.memory_kib).unwrap_or(0)
    }

    /// Whether a guess against `self` is cheaper than one against `other`.
    const fn weaker_than(self, other: Self) -> bool {
        self.memory_kib < other.memory_kib || self.passes < other.passes
    }
}

/// What OWASP's cheat sheet on password storage names first.
impl Default for PasswordParameters {
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            passes: 2,
            lanes: 1,
        }
    }
}

/// An argon2id hash that may be stored. It does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    text: String,
    parameters: PasswordParameters,
    salt: phc::Salt,
    output: phc::Output,
}

impl PasswordHash {
    /// The stored form.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it was made with.
    pub const fn parameters(&self) -> PasswordParameters {
        self.parameters
    }

    /// Whether a new hash of the same password would be better.
    pub fn is_old(&self, current: PasswordParameters) -> bool {
        self.parameters.weaker_than(current)
            || self.salt.len() < SALT_LEN
            || self.output.len() < OUTPUT_LEN
    }

    /// Hashes a password. `memory` is grown as needed and can be used again.
    pub(super) fn make(
        password: &[u8],
        salt: &[u8; SALT_LEN],
        parameters: PasswordParameters,
        memory: &mut Vec<Block>,
    ) -> Result<Self, PrimitiveError> {
        let mut output = Zeroizing::new([0; OUTPUT_LEN]);
        compute(password, salt, parameters, memory, &mut *output).map_err(|_| PrimitiveError)?;
        let salt = phc::Salt::new(salt).map_err(|_| PrimitiveError)?;
        let output = phc::Output::new(&*output).map_err(|_| PrimitiveError)?;
        let argon2 = parameters.argon2(OUTPUT_LEN).map_err(|_| PrimitiveError)?;
        let whole = phc::PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: argon2.params().try_into().map_err(|_| PrimitiveError)?,
            salt: Some(salt),
            hash: Some(output),
        };
        Ok(Self {
            text: whole.to_string(),
            parameters,
            salt,
            output,
        })
    }

    /// Whether this is the hash of a password, in constant time.
    pub(super) fn matches(
        &self,
        password: &[u8],
        memory: &mut Vec<Block>,
    ) -> Result<bool, PrimitiveError> {
        let mut output = Zeroizing::new([0; phc::Output::MAX_LENGTH]);
        let output = output.get_mut(..self.output.len()).ok_or(PrimitiveError)?;
        compute(password, &self.salt, self.parameters, memory, output)
            .map_err(|_| PrimitiveError)?;
        Ok(equal(output, self.output.as_bytes()))
    }
}

fn compute(
    password: &[u8],
    salt: &[u8],
    parameters: PasswordParameters,
    memory: &mut Vec<Block>,
    output: &mut [u8],
) -> Result<(), argon2::Error> {
    let argon2 = parameters.argon2(output.len())?;
    let blocks = argon2.params().block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::new());
    }
    argon2.hash_password_into_with_memory(password, salt, output, memory)
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PasswordHash")
            .field(&self.parameters)
            .finish()
    }
}

/// Why text is not a password hash that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParsePasswordHashError {
    /// Not the PHC string form.
    #[error("not a PHC string")]
    Malformed,
    /// Another algorithm, or an old version of argon2.
    #[error("not argon2id of version 19")]
    Algorithm,
    /// Parameters, salt or output out of bounds, or parameters that are not argon2's.
    #[error("argon2id with parameters that are not accepted")]
    Parameters,
}

/// Reads the stored form, ours or another system's.
impl FromStr for PasswordHash {
    type Err = ParsePasswordHashError;

    fn from_str(text: &str) -> Result<Self, ParsePasswordHashError> {
        let whole = phc::PasswordHash::new(text).map_err(|_| ParsePasswordHashError::Malformed)?;
        if whole.algorithm != ARGON2ID_IDENT || whole.version != Some(Version::V0x13.into()) {
            return Err(ParsePasswordHashError::Algorithm);
        }
        let (Some(salt), Some(output)) = (whole.salt, whole.hash) else {
            return Err(ParsePasswordHashError::Malformed);
        };
        let [mut memory, mut passes, mut lanes] = [None; 3];
        for (name, value) in whole.params.iter() {
            let value = value.decimal().ok();
            match name.as_str() {
                "m" => memory = value,
                "t" => passes = value,
                "p" => lanes = value,
                // `keyid` and `data` change the result or ask for a key we do not have.
                _ => return Err(ParsePasswordHashError::Parameters),
            }
        }
        let parameters = memory
            .zip(passes)
            .zip(lanes)
            .and_then(|((memory, passes), lanes)| PasswordParameters::new(memory, passes, lanes))
            .ok_or(ParsePasswordHashError::Parameters)?;
        if output.len() < 16 {
            return Err(ParsePasswordHashError::Parameters);
        }
        Ok(Self {
            text: whole.to_string(),
            parameters,
            salt,
            output,
        })
    }
}

#[cfg(test)]
mod tests;
