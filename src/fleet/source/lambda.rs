//! Deployed Lambda functions, and the layers that they use or that the account has, of one region as one profile sees it.

use super::{Fetched, Listed, Source, SourceError, web::Web};
use crate::fleet::{Function, tasks::wait};
use aws_config::{
    BehaviorVersion, Region, profile::ProfileFileCredentialsProvider, provider_config::ProviderConfig,
    retry::RetryConfig,
};
use aws_sdk_lambda::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::{FunctionConfiguration, LayerVersionContentOutput},
};
use aws_smithy_http_client::{Builder, tls};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::{StreamExt as _, stream};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    ops::ControlFlow,
};

/// Functions whose tags are asked for at once. Lambda takes 100 such requests a second from an account.
const AT_ONCE: usize = 8;
/// Times that a request is made in all; a large account is throttled now and then.
const TRIES: u32 = 8;

/// Of one region.
#[derive(Debug)]
pub struct Lambda {
    client: Client,
    profile: Option<String>,
    region: String,
    web: Web,
}

/// Every source that `lambda://[PROFILE@]REGION[,REGION...]` names.
///
/// # Errors
/// When it names no region.
pub(super) fn open(rest: &str, profiles: &[String]) -> Result<Vec<Box<dyn Source>>, SourceError> {
    let (own, regions) = match rest.rsplit_once('@') {
        Some((profile, regions)) => (vec![Some(profile.to_owned())], regions),
        None if profiles.is_empty() => (vec![None], rest),
        None => (profiles.iter().cloned().map(Some).collect(), rest),
    };
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    for region in regions.split(',').map(|region| region.trim_end_matches('/')) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if region.is_empty() || !region.chars().all(plain) {
            return Err(SourceError::Failed(format!(
                "lambda://{rest}: `{region}` is no region; expected lambda://eu-west-1, lambda://PROFILE@eu-west-1,us-east-1"
            )));
        }
        for profile in &own {
            sources.push(Box::new(Lambda::new(region, profile.as_deref())));
        }
    }
    Ok(sources)
}

impl Lambda {
    /// Of a region, as a profile of AWS's configuration files sees it, or as the environment does.
    #[must_use]
    pub fn new(region: &str, profile: Option<&str>) -> Self {
        // The same TLS that fetches advisories, rather than a second one that would take a C compiler and a minute to build.
        let http = Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
            .build_https();
        let region = Region::new(region.to_owned());
        let mut settings = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http.clone())
            .retry_config(RetryConfig::standard().with_max_attempts(TRIES))
            .region(region.clone());
        if let Some(profile) = profile {
            // Keys in the environment would win over a profile that was only named: it was named for another account.
            let with = ProviderConfig::default()
                .with_http_client(http)
                .with_region(Some(region.clone()));
            let of_profile = ProfileFileCredentialsProvider::builder()
                .configure(&with)
                .profile_name(profile);
            settings = settings.profile_name(profile).credentials_provider(of_profile.build());
        }
        Self {
            client: Client::new(&wait(settings.load())),
            profile: profile.map(str::to_owned),
            region: region.to_string(),
            web: Web::default(),
        }
    }

    fn functions(
        &self,
        layers: &mut BTreeSet<String>,
        trouble: &mut Option<SourceError>,
        each: &mut dyn FnMut(Listed) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, SourceError> {
        let mut marker = None;
        loop {
            let page = wait(self.client.list_functions().set_marker(marker).send());
            let page = page.map_err(|e| self.failed("ListFunctions", &e))?;
            let tags = wait(
                stream::iter(page.functions())
                    .map(|f| self.tags(f))
                    .buffered(AT_ONCE)
                    .collect::<Vec<_>>(),
            );
            for (function, tags) in page.functions().iter().zip(tags) {
                let tags = tags.unwrap_or_else(|e| {
                    trouble.get_or_insert(e);
                    BTreeMap::new()
                });
                let listed = listed(function, tags);
                layers.extend(listed.function.layers.iter().cloned());
                if each(listed).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            marker = page.next_marker().filter(|m| !m.is_empty()).map(str::to_owned);
            if marker.is_none() {
                return Ok(ControlFlow::Continue(()));
            }
        }
    }

    /// The list of functions has no tags; what describes one of them has.
    async fn tags(&self, function: &FunctionConfiguration) -> Result<BTreeMap<String, String>, SourceError> {
        let arn = function.function_arn().unwrap_or_default();
        match self.client.get_function().function_name(arn).send().await {
            Ok(got) => Ok(got
                .tags()
                .into_iter()
                .flatten()
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect()),
            // Deleted since it was listed: fetching says so.
            Err(e) if e.code() == Some("ResourceNotFoundException") => Ok(BTreeMap::new()),
            Err(e) => Err(self.failed("GetFunction", &e)),
        }
    }

    /// The newest version of each layer of the account.
    fn newest_layers(&self) -> Result<Vec<String>, SourceError> {
        let (mut newest, mut marker) = (Vec::new(), None);
        loop {
            let page = wait(self.client.list_layers().set_marker(marker).send());
            let page = page.map_err(|e| self.failed("ListLayers", &e))?;
            let versions = page.layers().iter().filter_map(|layer| layer.latest_matching_version());
            newest.extend(versions.filter_map(|version| version.layer_version_arn().map(str::to_owned)));
            marker = page.next_marker().filter(|m| !m.is_empty()).map(str::to_owned);
            if marker.is_none() {
                return Ok(newest);
            }
        }
    }

    async fn code(&self, arn: &str) -> Result<(Option<String>, u64), SourceError> {
        if arn.contains(":layer:") {
            // A layer's name may be its ARN, so that other accounts' layers are found too; the last part is its version.
            let (layer, version) = arn.rsplit_once(':').unwrap_or((arn, ""));
            let version = version.parse().unwrap_or(1);
            let got = self
                .client
                .get_layer_version()
                .layer_name(layer)
                .version_number(version);
            let got = got.send().await.map_err(|e| self.failed("GetLayerVersion", &e))?;
            let content = got.content();
            let size = content.map_or(0, LayerVersionContentOutput::code_size);
            return Ok((content.and_then(|c| c.location()).map(str::to_owned), bytes(size)));
        }
        let got = self.client.get_function().function_name(arn).send().await;
        let got = got.map_err(|e| self.failed("GetFunction", &e))?;
        let size = got.configuration().map_or(0, FunctionConfiguration::code_size);
        let code = got.code();
        if let Some(image) = code.and_then(|code| code.image_uri()) {
            return Err(SourceError::Failed(format!(
                "a container image, not a zip; `plimsoll scan` reads what `docker save {image}` writes"
            )));
        }
        Ok((code.and_then(|code| code.location()).map(str::to_owned), bytes(size)))
    }

    fn failed<E: ProvideErrorMetadata + std::error::Error + 'static>(
        &self,
        what: &str,
        e: &SdkError<E>,
    ) -> SourceError {
        let why = match (e.code(), e.message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.to_owned(),
            _ => {
                let mut last: &dyn std::error::Error = e;
                while let Some(source) = last.source() {
                    last = source;
                }
                last.to_string()
            }
        };
        SourceError::Failed(format!("{}: {what}: {why}", self.name()))
    }
}

impl Source for Lambda {
    fn name(&self) -> String {
        let profile = self
            .profile
            .as_ref()
            .map_or_else(String::new, |profile| format!("{profile}@"));
        format!("lambda://{profile}{}", self.region)
    }

    fn list(&self, each: &mut dyn FnMut(Listed) -> ControlFlow<()>) -> Result<(), SourceError> {
        let (mut layers, mut trouble) = (BTreeSet::new(), None);
        if self.functions(&mut layers, &mut trouble, each)?.is_break() {
            return Ok(());
        }
        match self.newest_layers() {
            Ok(newest) => layers.extend(newest),
            Err(e) => {
                trouble.get_or_insert(e);
            }
        }
        for arn in layers {
            if each(layer(&arn)).is_break() {
                return Ok(());
            }
        }
        // What could be listed is; that the list is not whole has to be said all the same.
        trouble.map_or(Ok(()), Err)
    }

    fn fetch(&self, listed: &Listed, limit: u64) -> Result<Fetched, SourceError> {
        let arn = &listed.function.location;
        let (location, size) = wait(self.code(arn))?;
        if size > limit {
            return Err(SourceError::TooLarge { got: size, limit });
        }
        let location =
            location.ok_or_else(|| SourceError::Failed(format!("{arn}: no place to download its code from")))?;
        self.web.fetch(&location, limit)
    }
}

fn bytes(size: i64) -> u64 {
    u64::try_from(size).unwrap_or(0)
}

fn listed(function: &FunctionConfiguration, tags: BTreeMap<String, String>) -> Listed {
    let owner = ["owner", "team"].iter().find_map(|wanted| {
        let found = tags.iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.clone())
    });
    let layers = function
        .layers()
        .iter()
        .filter_map(|layer| layer.arn().map(str::to_owned));
    let stamp = function.code_sha256().map(str::to_owned);
    Listed {
        function: Function {
            name: function.function_name().unwrap_or_default().to_owned(),
            location: function.function_arn().unwrap_or_default().to_owned(),
            runtime: function.runtime().map(|runtime| runtime.as_str().to_owned()),
            memory_mb: function.memory_size().map(i64::from),
            timeout_s: function.timeout().map(i64::from),
            layers: layers.collect(),
            last_modified: function.last_modified().map(str::to_owned),
            owner,
            tags,
        },
        digest: stamp.as_deref().and_then(hexadecimal),
        stamp,
    }
}

/// A version of a layer never changes, so its name is its stamp.
fn layer(arn: &str) -> Listed {
    // arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION; of another account's layer all of it is the name.
    Listed {
        function: Function {
            name: arn.to_owned(),
            location: arn.to_owned(),
            tags: BTreeMap::from([("kind".to_owned(), "layer".to_owned())]),
            ..Function::default()
        },
        stamp: Some(arn.to_owned()),
        digest: None,
    }
}

/// `CodeSha256` is the SHA-256 of the zip in base64.
fn hexadecimal(base64: &str) -> Option<String> {
    let bytes = BASE64_STANDARD.decode(base64).ok().filter(|bytes| bytes.len() == 32)?;
    let mut out = String::new();
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_profiles() {
        let names = |rest: &str, profiles: &[&str]| {
            let profiles: Vec<String> = profiles.iter().map(|&p| p.to_owned()).collect();
            let sources = open(rest, &profiles).map_err(|e| e.to_string())?;
            Ok::<_, String>(sources.iter().map(|s| s.name()).collect::<Vec<_>>().join(" "))
        };
        for (rest, profiles, expected) in [
            ("eu-west-1", &[][..], "lambda://eu-west-1"),
            ("eu-west-1,us-east-1/", &[], "lambda://eu-west-1 lambda://us-east-1"),
            ("eu-west-1", &["a", "b"], "lambda://a@eu-west-1 lambda://b@eu-west-1"),
            ("prod@eu-west-1", &["a"], "lambda://prod@eu-west-1"),
        ] {
            assert_eq!(names(rest, profiles).as_deref(), Ok(expected));
        }
        assert!(names("", &[]).is_err());
        assert!(names("eu-west-1/../x", &[]).is_err());
    }

    #[test]
    fn code_sha256_is_a_digest_in_base64() {
        let empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        let expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hexadecimal(empty).as_deref(), Some(expected));
        assert_eq!(hexadecimal("AAAA"), None);
    }
}
