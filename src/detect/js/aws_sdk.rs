//! Clients of AWS's SDK for JavaScript, version 3, in any bundle: each has its service's name and its own version beside one another
//! in the defaults that it hands to the user agent, where no minifier touches them. They are in most functions for AWS, come out
//! every week, and pin the exact versions of a hundred packages each.
//!
//! ```js
//! serviceId: config?.serviceId ?? "Secrets Manager"
//! clientVersion: "3.454.0"
//! ```
//!
//! The package of `Secrets Manager` is `@aws-sdk/client-secrets-manager`: the generator of all clients makes the one of the other.

use super::module_path::is_version;
use memchr::memmem;

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

/// Services of which packages for credentials carry a client under their own version.
const CARRIED: &[&str] = &["SSO OIDC", "STS", "Signin"];

/// Clients that a text names, in its order.
pub(in crate::detect) fn clients(text: &[u8]) -> Vec<Client<'_>> {
    let mut clients: Vec<(Client<'_>, bool)> = Vec::new();
    let services =
        memmem::find_iter(text, b"serviceId:").filter_map(|at| Some((at, Said::Service(service(text, at)?))));
    let versions =
        memmem::find_iter(text, b"clientVersion:").filter_map(|at| Some((at, Said::Version(version(text, at)?))));
    let mut said: Vec<(usize, Said<'_>)> = services.chain(versions).collect();
    said.sort_by_key(|(at, _)| *at);
    // A version is of the service before it, and one service has one.
    for (at, said) in said {
        match said {
            Said::Service(service) => {
                let name = format!("@aws-sdk/client-{}", service.to_ascii_lowercase().replace(' ', "-"));
                let is_carried = CARRIED.contains(&service);
                clients.push((
                    Client {
                        at,
                        name,
                        version: None,
                    },
                    is_carried,
                ));
            }
            Said::Version(version) => {
                if let Some((last, _)) = clients.last_mut().filter(|(last, _)| at - last.at < APART) {
                    last.version.get_or_insert(version);
                }
            }
        }
    }
    clients
        .into_iter()
        .filter(|(_, is_carried)| !is_carried)
        .map(|(client, _)| client)
        .collect()
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

fn version(text: &[u8], at: usize) -> Option<&str> {
    let rest = text[at + "clientVersion:".len()..].trim_ascii_start();
    quoted(rest).filter(|version| is_version(version))
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
                new("SQS") + &version("3.1.0") + &new("STS") + &version("3.2.0") + &version("3.3.0"),
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
