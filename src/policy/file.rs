//! `plimsoll.toml`, read by hand over the spans that the TOML parser gives, so that every error knows its line and column,
//! all of them are told at once, and an unknown key is an error that names the right one. (serde's `deny_unknown_fields`
//! stops at the first, and knows no near misses.)

use super::{Acceptance, Advisories, Bar, Entry, Pattern, Policy};
use crate::{
    check,
    limits::{Limits, TABLE},
    model::{Justification, Severity},
};
use std::{collections::BTreeMap, ops::Range, time::Duration};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Something wrong in a policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// 1-based.
    pub line: usize,
    /// 1-based, in characters.
    pub column: usize,
    /// What, and what was expected.
    pub message: String,
}

/// Keys outside of all tables, and the tables.
const TOP: &[&str] = &[
    "fail-on",
    "fail-on-exploited",
    "require-coverage",
    "verify-records",
    "rules",
    "limits",
    "advisories",
    "typosquat",
    "ignore",
    "accept-gap",
];
const ADVISORIES: &[&str] = &[
    "db",
    "url",
    "offline",
    "warn-after",
    "fail-after",
    "kev-url",
    "epss-url",
    "names-url",
];
const TYPOSQUAT: &[&str] = &["allow"];
const IGNORE: &[&str] = &[
    "id",
    "package",
    "path",
    "rule",
    "artifact",
    "reason",
    "expires",
    "justification",
];
const ACCEPT_GAP: &[&str] = &["path", "about", "stage", "artifact", "reason", "expires"];

/// Every key by its table, for the test that the commented policy of `plimsoll policy init` names them all.
#[cfg(test)]
pub(super) const KEYS: [(&str, &[&str]); 5] = [
    ("", TOP),
    ("advisories", ADVISORIES),
    ("typosquat", TYPOSQUAT),
    ("ignore", IGNORE),
    ("accept-gap", ACCEPT_GAP),
];

/// Values of `fail-on`, as those of `--fail-on`.
const BARS: [(&str, Bar); 6] = [
    ("none", Bar::Never),
    ("low", Bar::AtLeast(Severity::Low)),
    ("medium", Bar::AtLeast(Severity::Medium)),
    ("high", Bar::AtLeast(Severity::High)),
    ("critical", Bar::AtLeast(Severity::Critical)),
    ("any", Bar::Any),
];

type Value<'t> = Spanned<DeValue<'t>>;

/// Reads a policy.
///
/// # Errors
/// All that is wrong with it, in the order of the text.
pub(super) fn read(text: &str, place: &str) -> Result<Policy, Vec<Problem>> {
    let mut reader = Reader {
        text,
        problems: Vec::new(),
    };
    let document = match DeTable::parse(text) {
        Ok(document) => document.into_inner(),
        Err(e) => {
            let span = e.span().unwrap_or_default();
            reader.problem(&span, e.message().trim().to_owned());
            return Err(reader.problems);
        }
    };
    let policy = reader.policy(&document, place);
    if reader.problems.is_empty() {
        Ok(policy)
    } else {
        reader.problems.sort_by_key(|p| (p.line, p.column));
        Err(reader.problems)
    }
}

struct Reader<'t> {
    text: &'t str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn policy(&mut self, top: &DeTable<'_>, place: &str) -> Policy {
        self.known(top, "", TOP);
        let mut policy = Policy {
            place: place.to_owned(),
            fail_on: self.one_of(top, "fail-on", &BARS),
            fail_on_exploited: self.flag(top, "fail-on-exploited").unwrap_or_default(),
            require_coverage: self.flag(top, "require-coverage"),
            verify_records: self.flag(top, "verify-records"),
            ..Policy::default()
        };
        if let Some(rules) = self.table(top, "rules") {
            policy.rules = self.rules(rules);
        }
        if let Some(limits) = self.table(top, "limits") {
            policy.limits = self.limits(limits);
        }
        if let Some(advisories) = self.table(top, "advisories") {
            policy.advisories = self.advisories(advisories);
        }
        if let Some(typosquat) = self.table(top, "typosquat") {
            self.known(typosquat, "typosquat", TYPOSQUAT);
            policy.typosquat_allow = self.texts(typosquat, "allow");
        }
        for (line, span, entry) in self.entries(top, "ignore") {
            let entry = self.ignore(entry, line, &span);
            policy.ignores.extend(entry);
        }
        for (line, span, entry) in self.entries(top, "accept-gap") {
            let entry = self.accept(entry, line, &span);
            policy.acceptances.extend(entry);
        }
        policy
    }

    fn rules(&mut self, table: &DeTable<'_>) -> BTreeMap<&'static str, Bar> {
        let ids: Vec<&'static str> = check::ALL.iter().map(|c| c.rule().id).collect();
        self.known(table, "rules", &ids);
        let of = |id: &'static str| Some((id, self.one_of(table, id, &BARS)?));
        ids.into_iter().filter_map(of).collect()
    }

    fn limits(&mut self, table: &DeTable<'_>) -> Vec<String> {
        let names: Vec<&str> = TABLE.iter().map(|limit| limit.name).collect();
        self.known(table, "limits", &names);
        let mut limits = Vec::new();
        for name in names {
            let Some(value) = table.get(name) else { continue };
            let written = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Integer(number) => number.to_string().replace('_', ""),
                _ => {
                    self.wrong(value, name, "a number, or a text like \"4G\"");
                    continue;
                }
            };
            let set = format!("{name}={written}");
            match Limits::default().set(&set) {
                Ok(()) => limits.push(set),
                Err(message) => self.problem(&value.span(), format!("limit `{name}`: {message}")),
            }
        }
        limits
    }

    fn advisories(&mut self, table: &DeTable<'_>) -> Advisories {
        self.known(table, "advisories", ADVISORIES);
        Advisories {
            db: self.string(table, "db"),
            url: self.string(table, "url"),
            offline: self.flag(table, "offline").unwrap_or_default(),
            warn_after: self.duration(table, "warn-after"),
            fail_after: self.duration(table, "fail-after"),
            kev_url: self.string(table, "kev-url"),
            names_url: self.string(table, "names-url"),
            epss_url: self.string(table, "epss-url"),
        }
    }

    fn ignore(&mut self, table: &DeTable<'_>, line: usize, span: &Range<usize>) -> Option<Entry> {
        self.known(table, "ignore", IGNORE);
        let rules: Vec<(&'static str, &'static str)> = check::ALL.iter().map(|c| (c.rule().id, c.rule().id)).collect();
        let justifications = Justification::ALL.map(|j| (j.as_str(), j));
        let entry = Entry {
            line,
            ids: self.texts(table, "id"),
            package: self.package(table),
            path: self.string(table, "path"),
            rule: self.one_of(table, "rule", &rules),
            artifact: self.string(table, "artifact"),
            reason: self.reason(table, "ignore", span)?,
            expires: self.day(table, "expires"),
            justification: self.one_of(table, "justification", &justifications),
        };
        let keys = ["id", "package", "path", "rule"];
        if keys.iter().all(|key| table.get(*key).is_none()) {
            self.problem(
                span,
                "entry does not say what to ignore; expected id, package, rule or path".to_owned(),
            );
        }
        Some(entry)
    }

    fn accept(&mut self, table: &DeTable<'_>, line: usize, span: &Range<usize>) -> Option<Acceptance> {
        self.known(table, "accept-gap", ACCEPT_GAP);
        let entry = Acceptance {
            line,
            path: self.string(table, "path"),
            about: self.string(table, "about"),
            stage: self.string(table, "stage"),
            artifact: self.string(table, "artifact"),
            reason: self.reason(table, "accept-gap", span)?,
            expires: self.day(table, "expires"),
        };
        if table.get("path").is_none() && table.get("about").is_none() {
            let message =
                "entry does not say which gaps to accept; expected path, or about (a part of the gap's reason)";
            self.problem(span, message.to_owned());
        }
        Some(entry)
    }

    fn package(&mut self, table: &DeTable<'_>) -> Option<Pattern> {
        let value = table.get("package")?;
        let text = self.string(table, "package")?;
        Pattern::parse(&text)
            .map_err(|message| self.problem(&value.span(), message))
            .ok()
    }

    /// Why: the one key that no entry may leave out, so that whoever reads it in a year knows whether it still holds.
    fn reason(&mut self, table: &DeTable<'_>, name: &str, span: &Range<usize>) -> Option<String> {
        match table.get("reason") {
            None => {
                self.problem(
                    span,
                    format!("[[{name}]] has no reason; say why, for whoever reads it in a year"),
                );
                None
            }
            Some(value) => {
                let reason = self.string(table, "reason")?;
                if reason.trim().is_empty() {
                    self.problem(&value.span(), "reason is empty; say why".to_owned());
                }
                Some(reason.trim().to_owned())
            }
        }
    }

    /// A day, as TOML's own date or as text.
    fn day(&mut self, table: &DeTable<'_>, key: &str) -> Option<Box<str>> {
        let value = table.get(key)?;
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Datetime(date) => date.to_string(),
            _ => String::new(),
        };
        if text.len() == 10 && humantime::parse_rfc3339(&format!("{text}T00:00:00Z")).is_ok() {
            return Some(text.into());
        }
        self.wrong(value, key, "a day like 2027-01-31");
        None
    }

    fn duration(&mut self, table: &DeTable<'_>, key: &str) -> Option<Duration> {
        let value = table.get(key)?;
        let parsed = value
            .get_ref()
            .as_str()
            .and_then(|text| humantime::parse_duration(text).ok());
        if parsed.is_none() {
            self.wrong(value, key, "a time like \"24h\" or \"5 days\"");
        }
        parsed
    }

    fn string(&mut self, table: &DeTable<'_>, key: &str) -> Option<String> {
        let value = table.get(key)?;
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong(value, key, "a text in quotes");
        }
        text.filter(|text| {
            let empty = text.is_empty();
            if empty {
                self.wrong(value, key, "a text that is not empty");
            }
            !empty
        })
    }

    /// One text, or a list of them.
    fn texts(&mut self, table: &DeTable<'_>, key: &str) -> Vec<String> {
        let Some(value) = table.get(key) else { return Vec::new() };
        let one = |value: &Value<'_>| value.get_ref().as_str().filter(|t| !t.is_empty()).map(str::to_owned);
        let all: Option<Vec<String>> = match value.get_ref() {
            DeValue::Array(list) => list.iter().map(one).collect(),
            _ => one(value).map(|text| vec![text]),
        };
        all.unwrap_or_else(|| {
            self.wrong(value, key, "a text in quotes, or a list of them");
            Vec::new()
        })
    }

    fn flag(&mut self, table: &DeTable<'_>, key: &str) -> Option<bool> {
        let value = table.get(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong(value, key, "true or false");
        }
        flag
    }

    fn one_of<T: Copy>(&mut self, table: &DeTable<'_>, key: &str, values: &[(&'static str, T)]) -> Option<T> {
        let value = table.get(key)?;
        let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
        let Some(text) = value.get_ref().as_str() else {
            self.wrong(value, key, &format!("one of {}", quoted(&names)));
            return None;
        };
        let found = values.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            let hint = near(text, &names).map_or_else(
                || format!("there are: {}", quoted(&names)),
                |near| format!("did you mean \"{near}\"?"),
            );
            self.problem(&value.span(), format!("no {key} \"{text}\"; {hint}"));
        }
        found
    }

    fn table<'d, 't>(&mut self, top: &'d DeTable<'t>, key: &str) -> Option<&'d DeTable<'t>> {
        let value = top.get(key)?;
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong(value, key, &format!("a table, [{key}]"));
        }
        table
    }

    /// The tables of a list, each with its line and place.
    fn entries<'d, 't>(&mut self, top: &'d DeTable<'t>, key: &str) -> Vec<(usize, Range<usize>, &'d DeTable<'t>)> {
        let Some(value) = top.get(key) else { return Vec::new() };
        let list = value.get_ref().as_array();
        let tables: Option<Vec<_>> = list.and_then(|list| {
            let entry =
                |value: &'d Value<'t>| Some((self.at(value.span().start).0, value.span(), value.get_ref().as_table()?));
            list.iter().map(entry).collect()
        });
        tables.unwrap_or_else(|| {
            self.wrong(value, key, &format!("a list of tables, each begun with [[{key}]]"));
            Vec::new()
        })
    }

    /// Tells of keys that a table does not have.
    fn known(&mut self, table: &DeTable<'_>, name: &str, keys: &[&str]) {
        for key in table.keys() {
            let text = &**key.get_ref();
            if keys.contains(&text) {
                continue;
            }
            let within = if name.is_empty() {
                String::new()
            } else {
                format!(" in [{name}]")
            };
            let hint = near(text, keys).map_or_else(
                || format!("there are: {}", keys.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            self.problem(&key.span(), format!("unknown key `{text}`{within}; {hint}"));
        }
    }

    fn wrong(&mut self, value: &Value<'_>, key: &str, expected: &str) {
        self.problem(&value.span(), format!("`{key}`: expected {expected}"));
    }

    fn problem(&mut self, span: &Range<usize>, message: String) {
        let (line, column) = self.at(span.start);
        self.problems.push(Problem { line, column, message });
    }

    fn at(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        (line, before.rsplit('\n').next().unwrap_or_default().chars().count() + 1)
    }
}

fn quoted(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("\"{name}\""))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The name that was probably meant: at most a third of it mistyped.
fn near<'n>(text: &str, names: &[&'n str]) -> Option<&'n str> {
    let text = text.to_ascii_lowercase();
    let distance = |name: &&str| strsim::damerau_levenshtein(&text, name);
    let nearest = names.iter().copied().min_by_key(distance)?;
    (distance(&nearest) <= (nearest.len() / 3).max(1)).then_some(nearest)
}
