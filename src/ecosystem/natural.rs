//! The order of versions that no specification covers.

use std::cmp::Ordering;

/// Runs of digits as numbers of any length, the rest as bytes: `r9` < `r10`, `2004d` < `2004e`.
pub(super) fn order(a: &str, b: &str) -> Ordering {
    let (mut a_rest, mut b_rest) = (a, b);
    loop {
        match (a_rest.is_empty(), b_rest.is_empty()) {
            (true, true) => return a.cmp(b),
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        let (a_run, a_next) = first_run(a_rest);
        let (b_run, b_next) = first_run(b_rest);
        let digits = |s: &str| s.as_bytes()[0].is_ascii_digit();
        let order = if digits(a_run) && digits(b_run) {
            let (x, y) = (a_run.trim_start_matches('0'), b_run.trim_start_matches('0'));
            x.len().cmp(&y.len()).then_with(|| x.cmp(y))
        } else {
            a_run.cmp(b_run)
        };
        if order.is_ne() {
            return order;
        }
        (a_rest, b_rest) = (a_next, b_next);
    }
}

/// The leading run of digits or of other characters; the text is not empty.
fn first_run(text: &str) -> (&str, &str) {
    let digits = text.as_bytes()[0].is_ascii_digit();
    let end = text
        .bytes()
        .position(|b| b.is_ascii_digit() != digits)
        .unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::order;

    #[test]
    fn numbers_count_as_numbers() {
        let sorted = ["", "2004d", "2004e", "r9", "r10", "r010b", "r99999999999999999999999"];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(order(a, b), i.cmp(&j), "{a} {b}");
            }
        }
    }
}
