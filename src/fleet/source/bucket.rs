//! Object stores: Amazon S3 and what speaks like it, Google Cloud Storage, Azure Blob Storage.
//!
//! Keys, regions and other servers come from the environment variables that their own tools read: see [`environment`].

use super::{Fetched, Listed, Source, SourceError, environment, folder::rfc3339, web::public};
use crate::fleet::{Function, tasks::wait};
use futures_util::StreamExt as _;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _, path::Path};
use reqwest::Url;
use std::{
    io::Write as _,
    ops::ControlFlow,
    time::{Duration, SystemTime},
};
use tempfile::NamedTempFile;

/// Endings of keys that are listed. What an object is shows in its first bytes alone, and to ask for those of a bucket's every
/// log file each night would be no kindness; keys without any ending are listed too.
const ENDINGS: [&str; 12] = [
    "zip", "whl", "egg", "pex", "pyz", "jar", "tar", "tgz", "gz", "crate", "xz", "zst",
];

/// What lies below a prefix, or one object.
#[derive(Debug)]
pub struct Bucket {
    store: Box<dyn ObjectStore>,
    /// `s3://bucket`
    root: String,
    prefix: Path,
    only: bool,
}

impl Bucket {
    /// Of a URL.
    ///
    /// # Errors
    /// When it is none, or the environment says something impossible.
    pub fn new(text: &str) -> Result<Self, SourceError> {
        let failed =
            |e: &dyn std::fmt::Display| SourceError::Failed(format!("{}: {}", public(text), safe(&e.to_string())));
        let url = Url::parse(text).map_err(|e| failed(&e))?;
        // Its HTTP client takes the process's own TLS. That it was installed before is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let variables =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let settings = environment::settings(url.scheme(), variables);
        let failed = |e: &dyn std::fmt::Display| match environment::remedy(url.scheme()) {
            Some(remedy) => SourceError::Failed(format!("{}; {remedy}", failed(e))),
            None => failed(e),
        };
        let (store, prefix) = object_store::parse_url_opts(&url, settings).map_err(|e| failed(&e))?;
        let root = public(text);
        let root = match root.split_once("://") {
            Some((scheme, rest)) => format!("{scheme}://{}", rest.split('/').next().unwrap_or_default()),
            None => root,
        };
        let only = !text.ends_with('/')
            && prefix
                .filename()
                .is_some_and(|name| ending(name).is_some_and(is_archive));
        Ok(Self {
            store,
            root,
            prefix,
            only,
        })
    }

    /// The mark of the one object that the URL names.
    pub(super) fn stamp(&self) -> Option<String> {
        wait(self.store.head(&self.prefix)).ok()?.e_tag
    }

    fn listed(&self, meta: &ObjectMeta) -> Listed {
        let key = meta.location.as_ref();
        let name = if self.only {
            meta.location.filename().unwrap_or(key)
        } else {
            key.strip_prefix(self.prefix.as_ref())
                .unwrap_or(key)
                .trim_start_matches('/')
        };
        let seconds = u64::try_from(meta.last_modified.timestamp()).unwrap_or(0);
        let plain = || Some(format!("{}-{seconds}", meta.size));
        Listed {
            function: Function {
                name: name.to_owned(),
                location: format!("{}/{key}", self.root),
                last_modified: Some(rfc3339(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))),
                ..Function::default()
            },
            stamp: meta.e_tag.clone().or_else(|| meta.version.clone()).or_else(plain),
            digest: None,
        }
    }

    async fn download(&self, key: &Path, limit: u64) -> Result<Fetched, SourceError> {
        let failed = |e: object_store::Error| SourceError::Failed(safe(&told(&e)));
        let io = |e: std::io::Error| SourceError::Failed(format!("temporary file: {e}"));
        let got = self.store.get(key).await.map_err(failed)?;
        if got.meta.size > limit {
            return Err(SourceError::TooLarge {
                got: got.meta.size,
                limit,
            });
        }
        let mut file = NamedTempFile::new().map_err(io)?;
        let mut pieces = got.into_stream();
        let mut read = 0;
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(failed)?;
            read += piece.len() as u64;
            if read > limit {
                return Err(SourceError::TooLarge { got: read, limit });
            }
            file.write_all(&piece).map_err(io)?;
        }
        Ok(Fetched::Temporary(file.into_temp_path()))
    }
}

impl Source for Bucket {
    fn name(&self) -> String {
        let folder = match (self.only, self.prefix.as_ref().rsplit_once('/')) {
            (false, _) => self.prefix.as_ref(),
            (true, Some((folder, _))) => folder,
            (true, None) => "",
        };
        format!("{}/{folder}", self.root)
    }

    fn list(&self, each: &mut dyn FnMut(Listed) -> ControlFlow<()>) -> Result<(), SourceError> {
        let failed = |e: object_store::Error| SourceError::Failed(safe(&told(&e)));
        if self.only {
            let meta = wait(self.store.head(&self.prefix)).map_err(failed)?;
            let _ = each(self.listed(&meta));
            return Ok(());
        }
        let mut objects = self.store.list(Some(&self.prefix));
        // One after the other, so that whoever is told of an object may ask the network for it.
        while let Some(meta) = wait(objects.next()) {
            let meta = meta.map_err(failed)?;
            let name = meta.location.filename().unwrap_or_default();
            if meta.size > 0 && ending(name).is_none_or(is_archive) && each(self.listed(&meta)).is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn fetch(&self, listed: &Listed, limit: u64) -> Result<Fetched, SourceError> {
        let location = &listed.function.location;
        let key = location.strip_prefix(&*self.root).unwrap_or(location);
        let key = Path::parse(key).map_err(|e| SourceError::Failed(e.to_string()))?;
        wait(self.download(&key, limit))
    }

    fn is_whole(&self) -> bool {
        !self.only
    }
}

/// What follows the last dot of a name, where that looks like an ending.
fn ending(name: &str) -> Option<&str> {
    let (_, ending) = name.rsplit_once('.')?;
    (1..=5).contains(&ending.len()).then_some(ending)
}

fn is_archive(ending: &str) -> bool {
    ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending))
}

/// The innermost cause after the outermost words: what lies between repeats both. Of a server's XML its code and message are told.
fn told(e: &object_store::Error) -> String {
    let mut last: &dyn std::error::Error = e;
    while let Some(source) = last.source() {
        last = source;
    }
    let (outer, inner) = (e.to_string(), last.to_string());
    let whole = if outer.contains(&inner) {
        outer
    } else {
        format!("{outer}: {inner}")
    };
    answered(&whole)
}

/// A message whose XML is replaced by what it says.
fn answered(message: &str) -> String {
    let between = |open: &str, close: &str| {
        let (_, rest) = message.split_once(open)?;
        Some(rest.split_once(close)?.0.lines().next().unwrap_or_default())
    };
    let (Some(start), Some(code)) = (message.find('<'), between("<Code>", "</Code>")) else {
        return message.to_owned();
    };
    let before = message[..start].trim_end_matches([' ', ':']);
    match between("<Message>", "</Message>") {
        Some(said) => format!("{before}: {code}: {said}"),
        None => format!("{before}: {code}"),
    }
}

/// A message without the queries of its URLs, where signatures are.
fn safe(message: &str) -> String {
    let mut out = String::new();
    for (i, part) in message.split('?').enumerate() {
        let cut = if i == 0 {
            0
        } else {
            part.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ')' | '>'))
                .unwrap_or(part.len())
        };
        out.push_str(&part[cut..]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_of_archives_and_of_other_things() {
        for (name, yes) in [
            ("orders.zip", true),
            ("ORDERS.ZIP", true),
            ("app-1.0.tar.gz", true),
            ("d34db33f", true),
            ("function-v1.2024-11-25-build", true),
            ("access.log", false),
            ("page.html", false),
        ] {
            assert_eq!(ending(name).is_none_or(is_archive), yes, "{name}");
        }
    }

    #[test]
    fn messages_have_no_signatures() {
        let message = r#"GET https://a/b?sig=s3cret&x="1" failed (https://a/b?sig=s3cret)"#;
        assert_eq!(safe(message), r#"GET https://a/b"1" failed (https://a/b)"#);
    }

    #[test]
    fn xml_is_told_as_what_it_says() {
        let xml = "GET http://a/b?c=d failed: 404 Not Found: <?xml version=\"1.0\"?>\n<Error>\n <Code>NoSuchBucket</Code><Message>There is none.\nId:1</Message></Error>";
        assert_eq!(
            safe(&answered(xml)),
            "GET http://a/b failed: 404 Not Found: NoSuchBucket: There is none."
        );
        assert_eq!(answered("403 <html>no</html>"), "403 <html>no</html>");
    }

    #[test]
    fn one_object_is_one_of_its_folder() {
        let names = |url: &str| Bucket::new(url).map(|b| (b.name(), b.is_whole())).ok();
        assert_eq!(
            names("gs://bucket/nightly/"),
            Some(("gs://bucket/nightly".to_owned(), true))
        );
        assert_eq!(
            names("gs://bucket/nightly/a.zip"),
            Some(("gs://bucket/nightly".to_owned(), false))
        );
        assert_eq!(names("gs://bucket"), Some(("gs://bucket/".to_owned(), true)));
    }
}
