//! Crate names in mangled symbols. The whole symbol is not demangled: only where a crate's name can stand is looked at,
//! once, from left to right.

/// How a mangled symbol begins: legacy (`_ZN`, also C++'s) and v0 (RFC 2603).
pub(in crate::detect) const STARTS: &[&[u8]] = &[b"_ZN", b"_RN", b"_RI", b"_RM", b"_RX", b"_RY"];

/// Longest symbol that is looked at to its end; what lies beyond has nothing that the start has not.
const SYMBOL: usize = 4096;

/// Calls `found` with every crate that a symbol names, and returns where the symbol ends. `bytes` begin with the symbol.
pub(in crate::detect) fn crates<'b>(bytes: &'b [u8], found: &mut impl FnMut(&'b str)) -> usize {
    let is_symbol = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'.');
    let end = bytes.iter().take(SYMBOL).position(|b| !is_symbol(b));
    let symbol = &bytes[..end.unwrap_or(bytes.len().min(SYMBOL))];
    match symbol {
        [b'_', b'Z', b'N', path @ ..] => legacy(path, found),
        [b'_', b'R', path @ ..] => v0(path, found),
        _ => {}
    }
    symbol.len().max(1)
}

/// `<length><bytes>` at the start.
fn counted(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let digits = bytes.iter().take(4).take_while(|b| b.is_ascii_digit()).count();
    let length: usize = std::str::from_utf8(bytes.get(..digits)?).ok()?.parse().ok()?;
    let rest = bytes.get(digits..)?;
    Some((std::str::from_utf8(rest.get(..length)?).ok()?, rest.get(length..)?))
}

/// `_ZN <segment>… 17h<hash> E`. The first segment is the crate; types in any segment begin with theirs.
fn legacy<'b>(path: &'b [u8], found: &mut impl FnMut(&'b str)) {
    // The hash at the end tells it from C++.
    let (mut last, mut rest) = ("", path);
    while let Some((segment, after)) = counted(rest) {
        (last, rest) = (segment, after);
    }
    let hashed = last.len() == 17 && last.starts_with('h') && last.bytes().skip(1).all(|b| b.is_ascii_hexdigit());
    if !hashed || rest.first() != Some(&b'E') {
        return;
    }
    let (mut first, mut rest) = (true, path);
    while let Some((segment, after)) = counted(rest) {
        if segment.contains('$') {
            // `_$LT$hyper..body..Body$u20$as$u20$http_body..Body$GT$`: what stands before the first `..` of a path.
            for path in segment.split('$') {
                if let Some((head, _)) = path.trim_start_matches('_').split_once("..") {
                    report(head, found);
                }
            }
        } else if first {
            report(segment, found);
        }
        (first, rest) = (false, after);
    }
}

/// A crate root is `C`, a disambiguator `s<base 62>_` and a counted name (RFC 2603, "Crate root").
fn v0<'b>(path: &'b [u8], found: &mut impl FnMut(&'b str)) {
    let mut from = 0;
    while let Some(at) = memchr::memmem::find(path.get(from..).unwrap_or_default(), b"Cs").map(|at| at + from) {
        from = at + 2;
        let Some(rest) = path.get(from..) else { return };
        // 64 bits are 11 digits.
        let Some(digits) = rest.iter().take(12).position(|b| *b == b'_') else {
            continue;
        };
        if !rest[..digits].iter().all(u8::is_ascii_alphanumeric) {
            continue;
        }
        if let Some((name, after)) = counted(&rest[digits + 1..]) {
            report(name.trim_start_matches('_'), found);
            from = path.len() - after.len();
        }
    }
}

fn report<'b>(name: &'b str, found: &mut impl FnMut(&'b str)) {
    let is_identifier = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.len() <= 64;
    if is_identifier {
        found(name);
    }
}

#[cfg(test)]
mod tests {
    use super::crates;

    #[test]
    fn where_crates_stand() {
        for (symbol, names) in [
            (
                "_ZN10serde_json2de10from_slice17h0123456789abcdefE",
                &["serde_json"][..],
            ),
            (
                "_ZN69_$LT$hyper..body..body..Body$u20$as$u20$http_body..Body$GT$9poll_data17h0123456789abcdefE",
                &["hyper", "http_body"],
            ),
            (
                "_ZN4core3ptr37drop_in_place$LT$h2..frame..Frame$GT$17h0123456789abcdefE",
                &["core", "h2"],
            ),
            ("_ZN4llvm5Value7getTypeEv", &[]),
            ("_RNvCs1234_7mycrate3foo", &["mycrate"]),
            ("_RNvNtCsagfE_4core3ptr", &["core"]),
            (
                "_RINvNtCs3_5alloc3vec4pushNtCsabc_2h25FrameECs9_5tokio",
                &["alloc", "h2", "tokio"],
            ),
            ("_RNvCs_99999x", &[]),
            ("_ZN99999999999999999999999999x", &[]),
            ("_ZN", &[]),
        ] {
            let mut found = Vec::new();
            assert_eq!(crates(symbol.as_bytes(), &mut |name| found.push(name)), symbol.len());
            assert_eq!(found, names, "{symbol}");
        }
    }
}
