//! Times of change, as publishers write them: `2026-01-01T00:00:00Z`, `2026-01-01T00:00:00.500000+00:00`.

use std::time::{Duration, SystemTime};

/// How old what was complete at a time (RFC 3339) is by now. `None` where that cannot be said: the text is no time, or one over
/// a day ahead, for a record dated years from now must not make a database one that is never old. A clock may be a day wrong.
#[must_use]
pub fn age(as_of: &str, now: SystemTime) -> Option<Duration> {
    match now.duration_since(parse(as_of)?) {
        Ok(age) => Some(age),
        Err(ahead) => (ahead.duration() < Duration::from_hours(24)).then_some(Duration::ZERO),
    }
}

/// The time that an RFC 3339 text in UTC says.
fn parse(text: &str) -> Option<SystemTime> {
    let text = text.trim();
    let utc = text.strip_suffix("+00:00").or_else(|| text.strip_suffix("-00:00"));
    match utc {
        Some(bare) => humantime::parse_rfc3339(&[bare, "Z"].concat()).ok(),
        None => humantime::parse_rfc3339(text).ok(),
    }
}

/// Whether two texts say one time. A list of changes and the records themselves come from different programs, which write
/// fractions of a second with as many digits as each likes.
pub(super) fn same(a: &str, b: &str) -> bool {
    a == b || parse(a).zip(parse(b)).is_some_and(|(a, b)| a == b)
}

/// Whether one time is before another; as texts where they are no times.
pub(super) fn before(a: &str, b: &str) -> bool {
    match parse(a).zip(parse(b)) {
        Some((a, b)) => a < b,
        None => a < b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Ordering;

    #[test]
    fn what_is_far_ahead_has_no_age() {
        let now = parse("2026-01-10T12:00:00Z").expect("a time");
        for (as_of, hours) in [
            ("2026-01-10T00:00:00Z", Some(12)),
            ("2026-01-11T00:00:00Z", Some(0)),
            ("2099-01-01T00:00:00Z", None),
            ("", None),
        ] {
            assert_eq!(age(as_of, now), hours.map(Duration::from_hours), "{as_of}");
        }
    }

    #[test]
    fn texts_of_one_time_are_one() {
        for (a, b, order) in [
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", Ordering::Equal),
            ("2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.500000Z", Ordering::Equal),
            (
                "2026-01-01T00:00:00.25Z",
                "2026-01-01T00:00:00.250+00:00",
                Ordering::Equal,
            ),
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z", Ordering::Less),
            ("2026-01-01T00:00:01Z", "2026-01-01T00:00:00.5Z", Ordering::Greater),
            ("soon", "soon", Ordering::Equal),
            ("later", "soon", Ordering::Less),
        ] {
            assert_eq!(same(a, b), order.is_eq(), "{a} {b}");
            assert_eq!(before(a, b), order.is_lt(), "{a} {b}");
            assert_eq!(before(b, a), order.is_gt(), "{a} {b}");
        }
    }
}
