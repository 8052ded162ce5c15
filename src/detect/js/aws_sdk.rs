//! Clients of AWS's SDK for JavaScript, version 3, in any bundle: each has its service's name and its own version beside one another
//! in the defaults that it hands to the user agent, where no minifier touches them. They are in most functions for AWS, come out
//! every week, and pin the exact versions of a hundred packages each.
//!
//! ```js
//! serviceId: config?.serviceId ?? "Secrets Manager"
//! clientVersion: "3.454.0"
//! ```
//!
//! Bundlers that take its manifest as a module leave a name there, and the version where they set it:
//!
//! ```js
//! var version$4 = "3.454.0";
//! var packageInfo$3 = { version: version$4 };
//! defaultUserAgent({ serviceId: clientSharedValues.serviceId, clientVersion: packageInfo$3.version })
//! ```
//!
//! The package of `Secrets Manager` is `@aws-sdk/client-secrets-manager`: the generator of all clients makes the one of the other.

use super::module_path::is_version;
use memchr::memmem;
use semver::Version;

/// A client, with its version where that is told.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::detect) struct Client<'t> {
    /// Where in the text.
    pub(in crate::detect) at: usize,
    /// Its package.
    pub(in crate::detect) name: String,
    /// As published.
    pub(in crate::detect) version: Option<&'t str>,
}

/// Longest expression between `serviceId:` and the name; two tests for `null` and `undefined` and their variables.
const EXPRESSION: usize = 120;

/// Longest name of a service; the longest so far has 46 letters.
const NAME: usize = 64;

/// How far its version is from a service's name; the modules that lie between them are the client's own.
const APART: usize = 64 << 10;

/// How far before it is used a version is set: what lies between are the modules that a client's defaults are made of.
const SET_BEFORE: usize = 512 << 10;

/// Versions that are looked for where they are set: a hostile text has a million.
const MOST_SET: usize = 64;

/// Bytes of a manifest before its version; a name and a description.
const BEFORE_VERSION: usize = 1024;

/// Clients that a text names, in its order.
pub(in crate::detect) fn clients(text: &[u8]) -> Vec<Client<'_>> {
    let mut clients: Vec<(Client<'_>, &str)> = Vec::new();
    let services =
        memmem::find_iter(text, b"serviceId:").filter_map(|at| Some((at, Said::Service(service(text, at)?))));
    let mut left = MOST_SET;
    let versions = memmem::find_iter(text, b"clientVersion:");
    let versions = versions.filter_map(|at| Some((at, Said::Version(version(text, at, &mut left)?))));
    let mut said: Vec<(usize, Said<'_>)> = services.chain(versions).collect();
    said.sort_by_key(|(at, _)| *at);
    // A version is of the service before it, and one service has one.
    for (at, said) in said {
        match said {
            Said::Service(service) => {
                let name = format!("@aws-sdk/client-{}", service.to_ascii_lowercase().replace(' ', "-"));
                let version = None;
                clients.push((Client { at, name, version }, service));
            }
            Said::Version(version) => {
                if let Some((last, _)) = clients.last_mut().filter(|(last, _)| at - last.at < APART) {
                    last.version.get_or_insert(version);
                }
            }
        }
    }
    let own = clients
        .into_iter()
        .filter(|(client, service)| !is_carried(service, client.version));
    own.map(|(client, _)| client).collect()
}

/// Versions of `@aws-sdk/nested-clients` from which on it has the client of STS, and those of SSO and of Cognito's identities.
const CARRIES_STS: Version = Version::new(3, 730, 0);
const CARRIES_SSO: Version = Version::new(3, 996, 0);

/// Whether a service may be there as the copy that packages for credentials carry, under their own version: SSO OIDC and Signin ever were,
/// others are since `@aws-sdk/nested-clients` has them. Where a version is not told, what always was there is named all the same.
fn is_carried(service: &str, version: Option<&str>) -> bool {
    let version = version.and_then(|version| Version::parse(version).ok());
    match service {
        "SSO OIDC" | "Signin" => true,
        "STS" => version.is_none_or(|version| version >= CARRIES_STS),
        "SSO" => version.is_some_and(|version| version >= CARRIES_SSO),
        // Applications have its own client too, which is never patched; the copies mostly are.
        "Cognito Identity" => version.is_some_and(|version| version >= CARRIES_SSO && version.patch > 0),
        _ => false,
    }
}

enum Said<'t> {
    Service(&'t str),
    Version(&'t str),
}

/// The name behind `serviceId: config?.serviceId ??`, or what older compilers make of that. The SDK's version 2 has the name at
/// once.
fn service(text: &[u8], at: usize) -> Option<&str> {
    let rest = &text[at + "serviceId:".len()..];
    let expression = &rest[..rest.len().min(EXPRESSION)];
    let end = memchr::memchr3(b'"', b'\'', b',', expression).filter(|end| expression[*end] != b',')?;
    memmem::find(&expression[..end], b".serviceId")?;
    let name = quoted(&rest[end..])?;
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || b == b' ';
    (name.len() <= NAME && name.bytes().all(is_letter)).then_some(name)
}

/// The version behind `clientVersion:`, or the one that was set to the name there; of such names no more than are `left`.
fn version<'t>(text: &'t [u8], at: usize, left: &mut usize) -> Option<&'t str> {
    let rest = text[at + "clientVersion:".len()..].trim_ascii_start();
    if quoted(rest).is_some() {
        return quoted_version(rest);
    }
    // A function that takes both apart names them as well.
    let before = text[..at].trim_ascii_end().strip_suffix(b",")?;
    if *left == 0 || !before.trim_ascii_end().ends_with(b".serviceId") {
        return None;
    }
    *left -= 1;
    let before = &text[at.saturating_sub(SET_BEFORE)..at];
    let (name, rest) = name(rest)?;
    if rest.starts_with(b".version") {
        set_to(before, name).find_map(|manifest| {
            let manifest = manifest.strip_prefix(b"{")?;
            let manifest = &manifest[..manifest.len().min(BEFORE_VERSION)];
            let at = memmem::find(manifest, b"version:")?;
            let value = manifest[at + "version:".len()..].trim_ascii_start();
            quoted_version(value).or_else(|| set_version(before, self::name(value)?.0))
        })
    } else {
        set_version(before, name)
    }
}

/// The last version that a name is set to in a text.
fn set_version<'t>(text: &'t [u8], name: &[u8]) -> Option<&'t str> {
    set_to(text, name).find_map(quoted_version)
}

/// What a name is set to in a text, from there on, the last first.
fn set_to<'t>(text: &'t [u8], name: &[u8]) -> impl Iterator<Item = &'t [u8]> {
    memmem::rfind_iter(text, name).filter_map(move |at| {
        let is_whole = text[..at].last().is_none_or(|b| !is_of_name(*b) && *b != b'.');
        let rest = text[at + name.len()..].trim_ascii_start().strip_prefix(b"=")?;
        is_whole.then(|| rest.trim_ascii_start())
    })
}

/// A variable's name that a text begins with, and what follows.
fn name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().take(NAME).position(|b| !is_of_name(*b))?;
    (end > 0).then(|| text.split_at(end))
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$')
}

fn quoted_version(text: &[u8]) -> Option<&str> {
    quoted(text).filter(|said| is_version(said))
}

/// A string that begins with its quote.
fn quoted(text: &[u8]) -> Option<&str> {
    let (quote, rest) = text.split_first().filter(|(quote, _)| matches!(quote, b'"' | b'\''))?;
    let end = memchr::memchr(*quote, &rest[..rest.len().min(2 * NAME)])?;
    std::str::from_utf8(&rest[..end]).ok().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_are_set_elsewhere() {
        for (set, used, expected) in [
            // webpack, and rollup with terser
            (
                "var b=r(7207);const w=\"3.1.0\",v=e=>e;",
                "n.serviceId,clientVersion:w",
                Some("3.1.0"),
            ),
            (
                "}var Ru=\"3.1.0\";const I=1;",
                "n.serviceId,clientVersion:Ru",
                Some("3.1.0"),
            ),
            // rollup
            (
                "var version$4 = \"3.1.0\";\nvar packageInfo$3 = {\n\tversion: version$4};\n",
                "values.serviceId, clientVersion: packageInfo$3.version",
                Some("3.1.0"),
            ),
            // esbuild
            (
                "var package_default = {\n  name: \"a\",\n  version: \"3.1.0\",\n};",
                "values.serviceId,\n clientVersion: package_default.version",
                Some("3.1.0"),
            ),
            // The last one; not what ends in the same letters, is a property or no version.
            (
                "w=\"3.0.0\",w=\"3.1.0\",w=2,a.w=\"3.2.0\",ow=\"3.3.0\";",
                "n.serviceId,clientVersion:w",
                Some("3.1.0"),
            ),
            ("const w=\"3.1\";", "n.serviceId,clientVersion:w", None),
            ("const w={name:\"3.1.0\"};", "n.serviceId,clientVersion:w.version", None),
            // What takes it apart.
            ("const t=\"3.1.0\";", "e,clientVersion:t", None),
            ("", "n.serviceId,clientVersion:", None),
        ] {
            let text = format!("{set}serviceId:e?.serviceId??\"S3\",x({{serviceId:{used}}})");
            let clients = clients(text.as_bytes());
            assert_eq!(clients.len(), 1, "{text}");
            assert_eq!(clients[0].version, expected, "{text}");
        }
    }

    #[test]
    fn clients_by_their_defaults() {
        let old = |name: &str| format!("serviceId:null!==(r=null==e?void 0:e.serviceId)&&void 0!==r?r:\"{name}\"");
        let new = |name: &str| format!("serviceId:e?.serviceId??'{name}'");
        let version = |version: &str| format!(",x=1;clientVersion:\"{version}\",");
        for (text, expected) in [
            (new("S3") + &version("3.454.0"), &[("client-s3", Some("3.454.0"))][..]),
            (
                old("Secrets Manager") + &version("3.150.0") + &new("DynamoDB") + ",y()",
                &[("client-secrets-manager", Some("3.150.0")), ("client-dynamodb", None)],
            ),
            // One that says it twice, and one of which packages carry copies.
            (
                new("SQS") + &version("3.1.0") + &new("STS") + &version("3.800.0") + &version("3.3.0"),
                &[("client-sqs", Some("3.1.0"))],
            ),
            (
                "serviceId: config?.serviceId ?? \"RDS Data\"".to_owned(),
                &[("client-rds-data", None)],
            ),
            // Version 2, and what is none.
            ("serviceId:\"S3\"".to_owned() + &version("2.1.0"), &[]),
            (
                new("../x") + &version("1.0.0") + &new("") + "serviceId:e.serviceId",
                &[],
            ),
            ("clientVersion:\"one\"".to_owned(), &[]),
            // What an older STS says is its own.
            (new("STS") + &version("3.556.0"), &[("client-sts", Some("3.556.0"))]),
            (new("STS") + &version("3.730.0"), &[]),
            (new("SSO") + &version("3.995.0"), &[("client-sso", Some("3.995.0"))]),
            (new("SSO") + &version("3.998.5"), &[]),
            (new("SSO"), &[("client-sso", None)]),
            (
                new("Cognito Identity") + &version("3.998.0"),
                &[("client-cognito-identity", Some("3.998.0"))],
            ),
            (new("Cognito Identity") + &version("3.998.5"), &[]),
        ] {
            let clients = clients(text.as_bytes());
            let told: Vec<_> = clients
                .iter()
                .map(|c| (c.name.trim_start_matches("@aws-sdk/"), c.version))
                .collect();
            assert_eq!(told, expected, "{text}");
        }
    }
}
