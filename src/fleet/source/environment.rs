//! Where object stores are, and what lets us in: the environment variables that their own tools read.
//!
//! `object_store` knows most of them by their names. What it does not know is said here: names that the command lines of
//! Google and Azure have for the same, Azure's connection strings, and the emulators' addresses.

use reqwest::Url;

/// How the variables of each scheme begin, and which ones are asked for where something is missing.
const SCHEMES: [(&str, &str, &str); 3] = [
    ("s3", "AWS_", "AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
    (
        "gs",
        "GOOGLE_",
        "GOOGLE_APPLICATION_CREDENTIALS to the file of a service account",
    ),
    (
        "az",
        "AZURE_",
        "AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY",
    ),
];

/// Variables of the stores' own tools, and what `object_store` calls them.
const SYNONYMS: [(&str, &str); 4] = [
    // `gcloud`, which takes a token before anything else that it has.
    ("CLOUDSDK_AUTH_ACCESS_TOKEN", "GOOGLE_BEARER_TOKEN"),
    // Google's client libraries.
    ("STORAGE_EMULATOR_HOST", "GOOGLE_BASE_URL"),
    // `az storage`
    ("AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME"),
    ("AZURE_STORAGE_KEY", "AZURE_STORAGE_ACCOUNT_KEY"),
];

/// Fields of a connection string, by <https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string>.
const CONNECTION: [(&str, &str); 5] = [
    ("AccountName", "AZURE_STORAGE_ACCOUNT_NAME"),
    ("AccountKey", "AZURE_STORAGE_ACCOUNT_KEY"),
    ("SharedAccessSignature", "AZURE_STORAGE_SAS_TOKEN"),
    ("BlobEndpoint", "AZURE_STORAGE_ENDPOINT"),
    ("UseDevelopmentStorage", "AZURE_STORAGE_USE_EMULATOR"),
];

/// What to set where a store cannot even be named.
pub(super) fn remedy(scheme: &str) -> Option<String> {
    let (.., wanted) = SCHEMES.iter().find(|(known, ..)| *known == scheme)?;
    Some(format!("set {wanted}"))
}

/// What a bucket's URL means here, as names and values for `object_store`.
pub(super) fn settings(scheme: &str, variables: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let begin = SCHEMES
        .iter()
        .find(|(known, ..)| *known == scheme)
        .map_or("AWS_", |(_, begin, _)| begin);
    // What was called by its name comes last: the last one holds.
    let (mut named, mut settings) = (Vec::new(), Vec::new());
    for (name, value) in variables {
        if name == "AZURE_STORAGE_CONNECTION_STRING" {
            settings.splice(0..0, connection(&value));
        } else if let Some((_, known)) = SYNONYMS.iter().find(|(theirs, _)| *theirs == name) {
            settings.push(((*known).to_owned(), value));
        } else {
            named.push((name, value));
        }
    }
    settings.append(&mut named);
    // Only by their full names: a variable that is called TOKEN or PROXY_URL was set for somebody else.
    settings.retain(|(name, _)| name.starts_with(begin));
    if begin == "GOOGLE_" {
        emulator(&mut settings);
    }
    let is_place = |name: &str| name.contains("ENDPOINT") || name == "GOOGLE_BASE_URL";
    if settings.iter().any(|(name, url)| is_place(name) && is_here(url)) {
        settings.push((format!("{begin}ALLOW_HTTP"), "true".to_owned()));
    }
    settings
}

/// `NAME=VALUE` between semicolons; what is no such field is left out.
fn connection(text: &str) -> Vec<(String, String)> {
    let fields = || text.split(';').filter_map(|field| field.trim().split_once('='));
    let mut settings: Vec<_> = fields()
        .filter_map(|(name, value)| {
            let (_, known) = CONNECTION.iter().find(|(field, _)| field.eq_ignore_ascii_case(name))?;
            Some(((*known).to_owned(), value.to_owned()))
        })
        .collect();
    // Another cloud than the public one is told by the end of its host names.
    let of = |wanted: &str| {
        fields()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value)
    };
    if let (None, Some(account), Some(suffix)) = (of("BlobEndpoint"), of("AccountName"), of("EndpointSuffix")) {
        let endpoint = format!("https://{account}.blob.{suffix}");
        settings.push(("AZURE_STORAGE_ENDPOINT".to_owned(), endpoint));
    }
    settings
}

/// Emulators are told as `host:port` too; and who names one of this machine without a key means to go without.
fn emulator(settings: &mut Vec<(String, String)>) {
    for (_, value) in settings.iter_mut().filter(|(name, _)| name == "GOOGLE_BASE_URL") {
        if !value.contains("://") {
            value.insert_str(0, "http://");
        }
        value.truncate(value.trim_end_matches('/').len());
    }
    let is_emulated = settings
        .iter()
        .any(|(name, value)| name == "GOOGLE_BASE_URL" && is_here(value));
    let is_key = |name: &str| {
        ["SERVICE_ACCOUNT", "CREDENTIALS", "TOKEN", "SIGNATURE"]
            .iter()
            .any(|end| name.contains(end))
    };
    if is_emulated && !settings.iter().any(|(name, _)| is_key(name)) {
        settings.push(("GOOGLE_SKIP_SIGNATURE".to_owned(), "true".to_owned()));
    }
}

/// Whether a URL is one of this machine, to which plain HTTP is as good.
fn is_here(url: &str) -> bool {
    let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| matches!(&*host, "localhost" | "127.0.0.1" | "[::1]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(scheme: &str, variables: &[(&str, &str)]) -> Vec<String> {
        let owned = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        settings(scheme, owned)
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect()
    }

    #[test]
    fn variables_of_the_stores_own_tools() {
        for (scheme, variables, expected) in [
            (
                "s3",
                &[("AWS_REGION", "eu-west-1"), ("AZURE_STORAGE_KEY", "k"), ("TOKEN", "t")][..],
                &["AWS_REGION=eu-west-1"][..],
            ),
            (
                "s3",
                &[("AWS_ENDPOINT_URL", "http://localhost:9000")],
                &["AWS_ENDPOINT_URL=http://localhost:9000", "AWS_ALLOW_HTTP=true"],
            ),
            (
                "s3",
                &[("AWS_ENDPOINT_URL", "http://minio.example")],
                &["AWS_ENDPOINT_URL=http://minio.example"],
            ),
            (
                "gs",
                &[("STORAGE_EMULATOR_HOST", "127.0.0.1:4443")],
                &[
                    "GOOGLE_BASE_URL=http://127.0.0.1:4443",
                    "GOOGLE_SKIP_SIGNATURE=true",
                    "GOOGLE_ALLOW_HTTP=true",
                ],
            ),
            (
                "gs",
                &[
                    ("STORAGE_EMULATOR_HOST", "http://localhost:4443/"),
                    ("CLOUDSDK_AUTH_ACCESS_TOKEN", "t"),
                ],
                &[
                    "GOOGLE_BASE_URL=http://localhost:4443",
                    "GOOGLE_BEARER_TOKEN=t",
                    "GOOGLE_ALLOW_HTTP=true",
                ],
            ),
            (
                "az",
                &[
                    ("AZURE_STORAGE_ACCOUNT_NAME", "by-name"),
                    ("AZURE_STORAGE_ACCOUNT", "a"),
                    ("AZURE_STORAGE_KEY", "k"),
                ],
                &[
                    "AZURE_STORAGE_ACCOUNT_NAME=a",
                    "AZURE_STORAGE_ACCOUNT_KEY=k",
                    "AZURE_STORAGE_ACCOUNT_NAME=by-name",
                ],
            ),
            (
                "az",
                &[(
                    "AZURE_STORAGE_CONNECTION_STRING",
                    "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=a2V5==;EndpointSuffix=core.example",
                )],
                &[
                    "AZURE_STORAGE_ACCOUNT_NAME=shop",
                    "AZURE_STORAGE_ACCOUNT_KEY=a2V5==",
                    "AZURE_STORAGE_ENDPOINT=https://shop.blob.core.example",
                ],
            ),
            (
                "az",
                &[(
                    "AZURE_STORAGE_CONNECTION_STRING",
                    "UseDevelopmentStorage=true;nonsense;=",
                )],
                &["AZURE_STORAGE_USE_EMULATOR=true"],
            ),
            (
                "az",
                &[(
                    "AZURE_STORAGE_CONNECTION_STRING",
                    "BlobEndpoint=http://127.0.0.1:10000/dev;SharedAccessSignature=sv=2020&sig=x%3D",
                )],
                &[
                    "AZURE_STORAGE_ENDPOINT=http://127.0.0.1:10000/dev",
                    "AZURE_STORAGE_SAS_TOKEN=sv=2020&sig=x%3D",
                    "AZURE_ALLOW_HTTP=true",
                ],
            ),
        ] {
            assert_eq!(of(scheme, variables), expected, "{scheme} {variables:?}");
        }
    }
}
