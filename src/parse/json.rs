//! JSON, read into typed shapes without building what nobody asked for.
//!
//! Depth is bounded by `serde_json` (128). Memory is bounded by the document: unknown members are skipped, not kept.

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use std::{fmt, marker::PhantomData};

/// Parses a document; see [`super::text`] for what is forgiven.
///
/// # Errors
/// When it is not JSON, or not of the shape.
pub fn document<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => serde_json::from_slice(rest),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => serde_json::from_str(&super::text(bytes)),
        _ => serde_json::from_slice(bytes),
    }
}

/// JSON with comments and trailing commas (bun's lock file, tsconfig's dialect) as strict JSON.
#[must_use]
pub fn relaxed(text: &str) -> String {
    let mut strict = Vec::with_capacity(text.len());
    let mut bytes = text.bytes().peekable();
    // Where a comma stands that nothing has followed yet.
    let mut comma: Option<usize> = None;
    while let Some(byte) = bytes.next() {
        match (byte, bytes.peek()) {
            (b'"', _) => {
                comma = None;
                strict.push(byte);
                while let Some(inside) = bytes.next() {
                    strict.push(inside);
                    match inside {
                        b'\\' => strict.extend(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            (b'/', Some(b'/')) => while bytes.next_if(|b| *b != b'\n').is_some() {},
            (b'/', Some(b'*')) => {
                bytes.next();
                let mut last = None;
                for inside in bytes.by_ref() {
                    if last == Some(b'*') && inside == b'/' {
                        break;
                    }
                    last = Some(inside);
                }
                strict.push(b' ');
            }
            (b',', _) => {
                comma = Some(strict.len());
                strict.push(byte);
            }
            _ => {
                if let (b']' | b'}', Some(at)) = (byte, comma)
                    && let Some(stray) = strict.get_mut(at)
                {
                    *stray = b' ';
                }
                if !byte.is_ascii_whitespace() {
                    comma = None;
                }
                strict.push(byte);
            }
        }
    }
    String::from_utf8(strict).unwrap_or_default()
}

/// An object as its members in order, repeated keys included. Anything but an object is empty.
#[derive(Debug)]
pub struct Members<T>(pub Vec<(String, T)>);

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Any<T> {
            type Value = Members<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Members::default())
            }
            fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                Ok(Members::default())
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Members::default())
            }
            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Members::default())
            }
            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Members::default())
            }
            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Members::default())
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Members::default())
            }
        }
        deserializer.deserialize_any(Any(PhantomData))
    }
}

/// A string or a flag where a member should hold one; any other value is read over.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub enum Scalar {
    /// Absent, or of another type.
    #[default]
    Other,
    /// A string.
    Text(String),
    /// `true` or `false`.
    Flag(bool),
}

impl Scalar {
    /// The string, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is `true`.
    #[must_use]
    pub fn is_true(&self) -> bool {
        *self == Self::Flag(true)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(text.to_owned()))
            }
            fn visit_bool<E>(self, flag: bool) -> Result<Scalar, E> {
                Ok(Scalar::Flag(flag))
            }
            fn visit_u64<E>(self, _: u64) -> Result<Scalar, E> {
                Ok(Scalar::Other)
            }
            fn visit_i64<E>(self, _: i64) -> Result<Scalar, E> {
                Ok(Scalar::Other)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Scalar, E> {
                Ok(Scalar::Other)
            }
            fn visit_unit<E>(self) -> Result<Scalar, E> {
                Ok(Scalar::Other)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// The texts of a value that is written as a text, as an object that names itself (`{"name": …}`, `{"type": …}`), or as a
/// list of these. Anything else holds none.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Words(pub Vec<String>);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Words;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_str<E>(self, text: &str) -> Result<Words, E> {
                let text = text.trim();
                Ok(Words(
                    Some(text)
                        .filter(|t| !t.is_empty())
                        .map(str::to_owned)
                        .into_iter()
                        .collect(),
                ))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Words, E> {
                Ok(Words::default())
            }
            fn visit_u64<E>(self, _: u64) -> Result<Words, E> {
                Ok(Words::default())
            }
            fn visit_i64<E>(self, _: i64) -> Result<Words, E> {
                Ok(Words::default())
            }
            fn visit_f64<E>(self, _: f64) -> Result<Words, E> {
                Ok(Words::default())
            }
            fn visit_unit<E>(self) -> Result<Words, E> {
                Ok(Words::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Words, A::Error> {
                let mut words = Words::default();
                while let Some(key) = map.next_key::<String>()? {
                    match (&*key, map.next_value::<Scalar>()?) {
                        ("name" | "type", Scalar::Text(text)) if !text.trim().is_empty() => words.0.push(text),
                        _ => {}
                    }
                }
                Ok(words)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Words, A::Error> {
                let mut words = Words::default();
                while let Some(more) = seq.next_element::<Words>()? {
                    words.0.extend(more.0);
                }
                Ok(words)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_forgiven_and_repeats_kept() {
        let utf16: Vec<u8> = [0xff, 0xfe]
            .into_iter()
            .chain(r#"{"a":"x"}"#.encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        for bytes in [&b"{\"a\":\"x\"}"[..], b"\xef\xbb\xbf{\"a\":\"x\"}", &utf16] {
            let Members(found) = document::<Members<Scalar>>(bytes).expect("parses");
            assert_eq!(found, [("a".to_owned(), Scalar::Text("x".to_owned()))]);
        }
        let Members(found) = document::<Members<Scalar>>(br#"{"a":1,"a":[{}],"a":true}"#).expect("parses");
        assert_eq!(found.len(), 3);
        assert!(found[2].1.is_true());
    }

    #[test]
    fn comments_and_trailing_commas() {
        let text = "{ // one\n \"a,}\": [1, 2, /* two, ] */ ], \"b\": \"\\\",\", \"é\": {},\n}";
        let value: serde_json::Value = serde_json::from_str(&relaxed(text)).expect("strict");
        assert_eq!(value, serde_json::json!({"a,}": [1, 2], "b": "\",", "é": {}}));
        for hostile in ["", ",", "\"", "/*", "//", "{,}", "\"\\"] {
            let _ = relaxed(hostile);
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "[".repeat(200_000);
        assert!(document::<Scalar>(deep.as_bytes()).is_err());
    }
}
