//! Where a lock file took a package from, and whether that is where it took the others from.

use std::collections::HashMap;

/// The host that most of the URLs name: the registry of whoever wrote the lock file, a mirror or a private one included, so
/// that no list of registries has to be kept.
pub(in crate::detect) fn usual_host<'u>(urls: impl Iterator<Item = &'u str>) -> Option<&'u str> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for host in urls.filter_map(host) {
        *counts.entry(host).or_default() += 1;
    }
    counts
        .into_iter()
        .max_by_key(|(host, n)| (*n, std::cmp::Reverse(*host)))
        .map(|(host, _)| host)
}

/// Whether a URL is a git repository, a file, or on another host than the usual one.
pub(in crate::detect) fn is_unusual(url: &str, usual: Option<&str>) -> bool {
    match host(url) {
        Some(host) => Some(host) != usual,
        None => url.contains(':'),
    }
}

fn host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_the_rest() {
        let urls = [
            "https://r.example.test/a/-/a-1.tgz",
            "https://r.example.test/b/-/b-1.tgz",
            "http://other.example.test/c.tgz",
        ];
        let usual = usual_host(urls.into_iter());
        assert_eq!(usual, Some("r.example.test"));
        for (url, unusual) in [
            (urls[0], false),
            (urls[2], true),
            ("git+ssh://git@git.example.test/x.git#0123", true),
            ("file:../x", true),
            ("1.0.0", false),
        ] {
            assert_eq!(is_unusual(url, usual), unusual, "{url}");
        }
    }
}
