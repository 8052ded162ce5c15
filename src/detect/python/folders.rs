//! Folders of metadata, whose names Python compares without regard to case: `importlib.metadata` finds `X-1.0.DIST-INFO`.

/// `text` without an ending, in capitals or not.
pub(crate) fn strip_ending<'t>(text: &'t str, ending: &str) -> Option<&'t str> {
    let (rest, tail) = text.split_at_checked(text.len().checked_sub(ending.len())?)?;
    tail.eq_ignore_ascii_case(ending).then_some(rest)
}

/// What stands before the ending of a folder or file of metadata.
pub(crate) fn stem(name: &str) -> Option<&str> {
    strip_ending(name, ".dist-info").or_else(|| strip_ending(name, ".egg-info"))
}

/// The folder of metadata that a path leads into: all of it up to and with `.dist-info`.
pub(crate) fn dist_info(path: &str) -> Option<&str> {
    let slashes = path.match_indices('/').map(|(at, _)| &path[..at]);
    slashes
        .into_iter()
        .find(|folder| strip_ending(folder, ".dist-info").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings() {
        assert_eq!(strip_ending("a-1.DIST-Info", ".dist-info"), Some("a-1"));
        assert_eq!(strip_ending("é", ".dist-info"), None);
        assert_eq!(strip_ending("ééééé", ".dist-inf"), None);
        assert_eq!(dist_info("p/a-1.Dist-info/sub/x"), Some("p/a-1.Dist-info"));
        assert_eq!(dist_info("a-1.dist-info"), None);
    }
}
