//! The header block of a Python METADATA or PKG-INFO file: the core metadata specification's e-mail headers.

/// Fields of the header block in order, folded lines joined (RFC 5322 section 2.2.3). Ends at the first empty line: what
/// follows is the description, which may hold text of any shape, `Name:` lines included.
pub fn fields(text: &str) -> impl Iterator<Item = (&str, String)> {
    let mut lines = text
        .lines()
        .take_while(|line| !line.trim_end_matches('\r').is_empty())
        .peekable();
    std::iter::from_fn(move || {
        loop {
            let line = lines.next()?;
            let mut whole = None;
            while let Some(more) = lines.next_if(|next| next.starts_with([' ', '\t'])) {
                let whole: &mut String = whole.get_or_insert_with(|| line.to_owned());
                whole.push(' ');
                whole.push_str(more.trim());
            }
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            let value = match &whole {
                Some(whole) => whole[name.len() + 1..].trim().to_owned(),
                None => value.trim().to_owned(),
            };
            return Some((name.trim(), value));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::fields;

    #[test]
    fn folded_repeated_and_beyond_the_block() {
        let text = "Metadata-Version: 2.1\r\nName:\r\n folded\nVersion: 1\nversion: 2\njunk\n\nName: not-this\n";
        let found: Vec<_> = fields(text).collect();
        assert_eq!(
            found,
            [
                ("Metadata-Version", "2.1".into()),
                ("Name", "folded".into()),
                ("Version", "1".into()),
                ("version", "2".into())
            ]
        );
    }
}
