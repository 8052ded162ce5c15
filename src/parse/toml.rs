//! TOML documents. Unlike other text they must be UTF-8 (TOML 1.0, "spec"): what is not is an error, not guessed at.

use serde::de::DeserializeOwned;

/// The text of a document, with its byte order mark if it has one: the parser forgives one, and no more.
///
/// # Errors
/// When it is not UTF-8; one sentence.
pub fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|e| format!("not UTF-8 at byte {}", e.valid_up_to()))
}

/// Parses a document. Depth is bounded by the parser.
///
/// # Errors
/// When it is not TOML, or not of the shape; one sentence.
pub fn document<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    toml::from_str(text(bytes)?).map_err(|e| e.message().to_owned())
}
