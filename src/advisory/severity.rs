//! CVSS vectors to a score and a word.

use super::Record;
use crate::model::Severity;
use cvss::Cvss;
use std::str::FromStr as _;

/// The highest rating that a record gives: its severity and base score (0 to 10), where a CVSS vector gives one.
///
/// Where it has no vector that can be read, the word of the database that published it counts (GitHub's `MODERATE`).
#[must_use]
pub fn rate(record: &Record) -> (Option<Severity>, Option<f64>) {
    let vectors = record
        .severity
        .iter()
        .chain(record.affected.iter().flat_map(|a| &a.severity));
    let score = vectors
        // Version 2 has no prefix of its own; some databases give it one after the fashion of version 3.
        .filter_map(|v| Cvss::from_str(v.score.strip_prefix("CVSS:2.0/").unwrap_or(&v.score)).ok())
        .map(|cvss| cvss.score())
        .max_by(f64::total_cmp);
    if let Some(score) = score {
        return (Some(band(score)), Some(score));
    }
    let word = record
        .database_specific
        .as_ref()
        .and_then(|d| d.severity.as_deref())
        .unwrap_or_default();
    let severity = match word.to_ascii_lowercase().as_str() {
        "critical" => Some(Severity::Critical),
        "high" => Some(Severity::High),
        "moderate" | "medium" => Some(Severity::Medium),
        "low" => Some(Severity::Low),
        _ => None,
    };
    (severity, None)
}

/// The qualitative severity rating scale, CVSS v3.1 section 5; v4.0 has the same.
fn band(score: f64) -> Severity {
    match score {
        s if s >= 9.0 => Severity::Critical,
        s if s >= 7.0 => Severity::High,
        s if s >= 4.0 => Severity::Medium,
        s if s > 0.0 => Severity::Low,
        _ => Severity::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_and_words() {
        for (fields, severity, score) in [
            (
                r#""severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H"}]"#,
                Some(Severity::High),
                Some(7.2),
            ),
            (
                r#""severity":[{"type":"CVSS_V4","score":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H"}]"#,
                Some(Severity::Critical),
                Some(10.0),
            ),
            (
                r#""severity":[{"type":"CVSS_V2","score":"AV:N/AC:L/Au:N/C:P/I:P/A:P"}]"#,
                Some(Severity::High),
                Some(7.5),
            ),
            (
                r#""severity":[{"type":"CVSS_V2","score":"CVSS:2.0/AV:N/AC:L/Au:N/C:P/I:P/A:P"}]"#,
                Some(Severity::High),
                Some(7.5),
            ),
            (
                r#""severity":[{"type":"CVSS_V3","score":"CVSS:3.1/nonsense"}],"database_specific":{"severity":"MODERATE"}"#,
                Some(Severity::Medium),
                None,
            ),
            (r#""severity":[]"#, None, None),
        ] {
            let record: Record =
                serde_json::from_str(&format!(r#"{{"id":"X-1","modified":"2024-01-01T00:00:00Z",{fields}}}"#))
                    .expect("a record");
            assert_eq!(rate(&record), (severity, score), "{fields}");
        }
    }
}
