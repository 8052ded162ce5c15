//! Tells somebody what is new: a JSON document posted to a URL, once for each audit that found something.

use super::{
    source::split,
    store::{FlawRow, Store, StoreError},
};
use crate::http::{HttpError, Remote};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    time::Duration,
};

/// Findings that are listed; the rest is a number.
const LISTED: usize = 50;
/// Of those, in a message for people.
const SAID: usize = 15;
/// Functions that are named for each.
const NAMED: usize = 5;
/// Until somebody answers at all.
const CONNECT: Duration = Duration::from_secs(10);
/// What is read of an answer, which nobody looks at.
const ANSWER: u64 = 64 << 10;

/// How the document is shaped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// Our own, for machines (`plimsoll/notify/1`).
    #[default]
    Json,
    /// A message as Slack's incoming webhooks take it, and Mattermost's and Discord's `/slack`.
    Slack,
}

/// A flaw that is new to functions.
#[derive(Clone, Debug, PartialEq)]
pub struct NewFlaw {
    /// What it is.
    pub flaw: FlawRow,
    /// `npm lodash 4.17.20`; `None` where it is not about a component.
    pub component: Option<(String, String, Option<String>)>,
    /// `note`, `warning` or `error`: the worst.
    pub level: &'static str,
    /// `none` to `critical`: the worst.
    pub severity: Option<&'static str>,
    /// Functions that have it now and had it not before, in their order.
    pub functions: Vec<String>,
}

/// What an audit found that none before it had.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct News {
    /// The audit.
    pub run: i64,
    /// When it began.
    pub at: String,
    /// The worst first.
    pub new: Vec<NewFlaw>,
    /// Findings that it no longer saw.
    pub fixed: u64,
    /// Findings of level error that are open now.
    pub open: u64,
}

const SEVERITIES: [&str; 5] = ["critical", "high", "medium", "low", "none"];
const LEVELS: [&str; 3] = ["error", "warning", "note"];

fn rank(flaw: &NewFlaw) -> (usize, bool, usize) {
    let place = |words: &[&str], word: &str| words.iter().position(|w| *w == word).unwrap_or(words.len());
    // One that nobody has rated counts as high.
    let severity = flaw.severity.map_or(1, |severity| place(&SEVERITIES, severity));
    (place(&LEVELS, flaw.level), flaw.flaw.exploited.is_none(), severity)
}

/// What is new in an audit.
///
/// # Errors
/// When the store cannot be read.
pub fn news(store: &mut Store, run: i64) -> Result<News, StoreError> {
    let mut news = News { run, ..News::default() };
    if let Some(row) = store.runs()?.into_iter().find(|row| row.id == run) {
        news.at = row.started;
    }
    let mut found: BTreeMap<i64, (Vec<i64>, &'static str, Option<&'static str>)> = BTreeMap::new();
    store.findings(&mut |row| {
        news.fixed += u64::from(row.fixed_run == Some(run));
        news.open += u64::from(row.fixed_run.is_none() && row.level == "error");
        if row.first_run == run && row.fixed_run.is_none() {
            let of = found.entry(row.flaw).or_insert((Vec::new(), row.level, row.severity));
            of.0.push(row.function);
            let place = |level: &str| LEVELS.iter().position(|l| *l == level);
            if place(row.level) < place(of.1) {
                (of.1, of.2) = (row.level, row.severity);
            }
        }
        Ok(())
    })?;
    if found.is_empty() {
        return Ok(news);
    }
    let mut names = HashMap::new();
    store.functions(&mut |row| {
        names.insert(row.id, row.function.name);
        Ok(())
    })?;
    let mut coordinates = HashMap::new();
    store.coordinates(&mut |row| {
        coordinates.insert(row.id, (row.ecosystem, row.name, row.version));
        Ok(())
    })?;
    store.flaws(&mut |flaw| {
        if let Some((functions, level, severity)) = found.remove(&flaw.id) {
            news.new.push(NewFlaw {
                component: coordinates.get(&flaw.coordinate).cloned(),
                functions: functions.iter().filter_map(|id| names.get(id).cloned()).collect(),
                flaw,
                level,
                severity,
            });
        }
        Ok(())
    })?;
    news.new.sort_by(|a, b| {
        rank(a)
            .cmp(&rank(b))
            .then_with(|| b.functions.len().cmp(&a.functions.len()))
    });
    Ok(news)
}

/// The document. It names packages, advisories and functions, and nothing of where artifacts lie or what they are reached with.
#[must_use]
pub fn document(news: &News, shape: Shape) -> Value {
    match shape {
        Shape::Json => for_machines(news),
        Shape::Slack => json!({ "text": for_people(news) }),
    }
}

fn for_machines(news: &News) -> Value {
    let flaws = news.new.iter().take(LISTED).map(|new| {
        let (ecosystem, name, version) = new
            .component
            .clone()
            .map_or((None, None, None), |(e, n, v)| (Some(e), Some(n), v));
        json!({
            "rule": new.flaw.rule,
            "level": new.level,
            "severity": new.severity,
            "exploited": new.flaw.exploited,
            "ecosystem": ecosystem,
            "package": name,
            "version": version,
            "advisory": Some(&new.flaw.advisory).filter(|id| !id.is_empty()),
            "aliases": new.flaw.aliases,
            "fixed_in": new.flaw.fixed_in,
            "message": new.flaw.message,
            "functions": new.functions.len(),
            "first_functions": new.functions.iter().take(NAMED).collect::<Vec<_>>(),
        })
    });
    json!({
        "schema": "plimsoll/notify/1",
        "run": news.run,
        "at": news.at,
        "new": {"flaws": news.new.len(), "findings": news.new.iter().map(|n| n.functions.len()).sum::<usize>()},
        "fixed": news.fixed,
        "open": news.open,
        "flaws": flaws.collect::<Vec<_>>(),
        "left_out": news.new.len().saturating_sub(LISTED),
    })
}

fn for_people(news: &News) -> String {
    let plural = |n: usize, noun: &str| format!("{n} {noun}{}", if n == 1 { "" } else { "s" });
    let mut text = format!(
        "*plimsoll*: {} new since the last audit; {} fixed, {} open",
        plural(news.new.len(), "flaw"),
        news.fixed,
        news.open
    );
    for new in news.new.iter().take(SAID) {
        let subject = match &new.component {
            Some((ecosystem, name, version)) => {
                format!(
                    "{name} {} ({ecosystem})",
                    version.as_deref().unwrap_or("of unknown version")
                )
            }
            None => new.flaw.rule.clone(),
        };
        let exploited = if new.flaw.exploited.is_some() {
            ", exploited"
        } else {
            ""
        };
        let names = new
            .functions
            .iter()
            .take(NAMED)
            .map(|name| plain(name))
            .collect::<Vec<_>>()
            .join(", ");
        let more = match new.functions.len().saturating_sub(NAMED) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let _ = write!(
            text,
            "\n• *{}{exploited}* {} {}: {} in {names}{more}",
            new.severity.unwrap_or(new.level),
            plain(&subject),
            plain(&new.flaw.advisory),
            plain(&new.flaw.message),
        );
    }
    if let more @ 1.. = news.new.len().saturating_sub(SAID) {
        let _ = write!(text, "\n… and {more} more");
    }
    text
}

/// Text from artifacts and advisories as plain words of a message: no links, no `<!channel>`, no formatting, one line.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(300) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A zero-width space keeps what follows from being formatting or a mention.
            '*' | '_' | '`' | '~' | '@' => {
                out.push('\u{200b}');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Posts a document; tried again, with waits, where that can help. The address is a secret as a rule (a webhook's), so that
/// errors name its host alone.
///
/// # Errors
/// What went wrong the last time.
pub fn post(url: &str, document: &Value) -> Result<(), String> {
    let (server, path) = split(url).map_err(|_| "the address to notify is not a URL".to_owned())?;
    let failed = |e: HttpError| {
        let why = match e {
            HttpError::Url { reason, .. } => reason.to_owned(),
            HttpError::Transport { reason, .. } => reason.replace(url, "…"),
            HttpError::Status { status, .. } => format!("status {status}"),
            HttpError::TooLarge { .. } | HttpError::TooSlow { .. } | HttpError::File { .. } => {
                "no sensible answer".to_owned()
            }
        };
        format!("{server}: could not be notified: {why}")
    };
    let remote = Remote::new(&server, CONNECT, true).map_err(failed)?;
    match remote.post(&path, &document.to_string(), ANSWER) {
        // It took the document, and had more to say than anybody reads.
        Ok(_) | Err(HttpError::TooLarge { .. }) => Ok(()),
        Err(e) => Err(failed(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> News {
        News {
            run: 7,
            at: "2026-11-25T02:00:00Z".to_owned(),
            fixed: 2,
            open: 9,
            new: vec![NewFlaw {
                flaw: FlawRow {
                    id: 1,
                    rule: "vulnerable".to_owned(),
                    coordinate: 1,
                    advisory: "GHSA-1".to_owned(),
                    about: String::new(),
                    score: Some(9.8),
                    aliases: vec!["CVE-1".to_owned()],
                    fixed_in: vec!["1.2.6".to_owned()],
                    message: "<!channel> *now* & <https://evil|here>".to_owned(),
                    exploited: None,
                    epss: None,
                },
                component: Some(("npm".to_owned(), "minimist".to_owned(), Some("1.2.5".to_owned()))),
                level: "error",
                severity: Some("critical"),
                functions: (0..7).map(|i| format!("f{i}")).collect(),
            }],
        }
    }

    #[test]
    fn a_message_for_people_is_plain_text() {
        let document = document(&example(), Shape::Slack);
        let text = document["text"].as_str().unwrap_or_default();
        assert!(text.contains("minimist 1.2.5 (npm)"), "{text}");
        assert!(text.contains("f0, f1, f2, f3, f4 and 2 more"), "{text}");
        assert!(!text.contains('<') && !text.contains("*now*"), "{text}");
    }

    #[test]
    fn a_document_for_machines_counts_everything() {
        let document = document(&example(), Shape::Json);
        assert_eq!(document["schema"], "plimsoll/notify/1");
        assert_eq!(document["new"], json!({"flaws": 1, "findings": 7}));
        assert_eq!(
            document["flaws"][0]["first_functions"].as_array().map(Vec::len),
            Some(5)
        );
    }
}
