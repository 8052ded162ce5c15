//! Subresource Integrity: `sha512-…` in base 64, several parted by blanks (W3C SRI, section 3.5), as lock files pin archives.

use base64::{Engine as _, prelude::BASE64_STANDARD};

/// A hash of a package's archive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest {
    /// `SHA-256`, as CycloneDX and NIST write it.
    pub algorithm: &'static str,
    /// In hexadecimal, lower case.
    pub hexadecimal: String,
}

/// Algorithms by their name here, with their length in bytes and the name that reports use.
const ALGORITHMS: &[(&str, usize, &str)] = &[
    ("sha1", 20, "SHA-1"),
    ("sha256", 32, "SHA-256"),
    ("sha384", 48, "SHA-384"),
    ("sha512", 64, "SHA-512"),
];

/// The hashes in a text; what is not one of the right length is read over.
pub fn digests(text: &str) -> impl Iterator<Item = Digest> {
    text.split_ascii_whitespace().filter_map(|part| {
        let (name, encoded) = part.split_once('-')?;
        let (_, length, algorithm) = ALGORITHMS.iter().find(|(known, ..)| *known == name)?;
        // Options may follow: `sha512-…?opt`.
        let encoded = encoded.split('?').next()?;
        let bytes = BASE64_STANDARD.decode(encoded).ok().filter(|b| b.len() == *length)?;
        Some(Digest {
            algorithm,
            hexadecimal: super::hexadecimal(&bytes),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_of_the_right_length() {
        let one = format!("sha1-{}", BASE64_STANDARD.encode([0xab; 20]));
        let two = format!(
            "{one} sha512-{}?x md5-AAAA sha256-AAAA junk",
            BASE64_STANDARD.encode([1; 64])
        );
        let found: Vec<_> = digests(&two).collect();
        assert_eq!(
            found.iter().map(|d| d.algorithm).collect::<Vec<_>>(),
            ["SHA-1", "SHA-512"]
        );
        assert_eq!(found[0].hexadecimal, "ab".repeat(20));
    }
}
