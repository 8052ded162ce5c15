//! Packages whose name looks like a popular one's.

use super::{ADVICE, Check, Context, about};
use crate::{
    ecosystem,
    model::{Component, Coordinate, EcosystemId, Finding, Level, Rule, Severity},
    names::{Edit, How, Likeness, Popular},
};
use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
    sync::{Arc, PoisonError, RwLock},
};

pub(super) struct Typosquat;

static RULE: Rule = Rule {
    id: "typosquat",
    title: "component is named like a popular package",
    help: "Somebody who mistypes the popular name gets this package. Look whether it is the one that was meant: who publishes \
           it, since when, and how many use it. If it is not, take it out and treat what it could reach as compromised; if it \
           is, allow the name in the policy. Error: one edit or a letter drawn alike away from a name of the first thousand; \
           warning: of the first five thousand; note: weaker likenesses. A name that is popular itself is never reported, and \
           one that a popular package of the same artifact asks for is reported one level lower.",
    level: ADVICE,
};

impl Check for Typosquat {
    fn rule(&self) -> &'static Rule {
        &RULE
    }

    fn run(&self, cx: Context<'_>, out: &mut Vec<Finding>) {
        let mut judged: HashMap<(EcosystemId, &str), Option<(Level, Likeness<'_>)>> = HashMap::new();
        for component in cx.inventory.iter() {
            let Coordinate { ecosystem, name, .. } = &component.coordinate;
            let mut allowed = cx.settings.typosquat_allow.iter();
            if allowed.any(|pattern| pattern.matches(&component.coordinate)) {
                continue;
            }
            let found = *judged.entry((*ecosystem, name)).or_insert_with(|| {
                if cx.settings.innocent.holds(*ecosystem, name) {
                    return None;
                }
                let found = looks_like(*ecosystem, name, &cx.settings.popular);
                if found.is_none() {
                    cx.settings.innocent.add(*ecosystem, name);
                }
                found
            });
            if let Some((level, likeness)) = found {
                let vouched = voucher(cx, &component.coordinate);
                out.extend(finding(component, level, likeness, vouched));
            }
        }
    }
}

/// Names that were looked at and look like no other, so that an audit of ten thousand artifacts looks at each of their names
/// once. For one list of popular names.
#[derive(Clone, Debug, Default)]
pub struct Innocent(Arc<RwLock<HashMap<EcosystemId, HashSet<Box<str>>>>>);

impl Innocent {
    /// Names that are remembered of one ecosystem: more than any company uses.
    const MOST: usize = 100_000;

    fn holds(&self, ecosystem: EcosystemId, name: &str) -> bool {
        let names = self.0.read().unwrap_or_else(PoisonError::into_inner);
        names.get(&ecosystem).is_some_and(|names| names.contains(name))
    }

    fn add(&self, ecosystem: EcosystemId, name: &str) {
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let names = names.entry(ecosystem).or_default();
        if names.len() < Self::MOST {
            names.insert(name.into());
        }
    }
}

/// The worst that can be said of a name by itself.
#[must_use]
pub fn looks_like<'p>(ecosystem: EcosystemId, name: &str, popular: &'p Popular) -> Option<(Level, Likeness<'p>)> {
    let likenesses = popular.of(ecosystem).likenesses(name).into_iter();
    let judged = likenesses.filter_map(|likeness| Some((level(name, likeness)?, likeness)));
    judged.max_by_key(|(level, likeness)| {
        (
            *level,
            std::cmp::Reverse(likeness.how),
            std::cmp::Reverse(likeness.rank),
        )
    })
}

/// How much a likeness means; `None` where honest names look like this all the time. What each line costs in false alarms and
/// brings in squats is printed by `cargo run --example typosquat-score`.
fn level(name: &str, likeness: Likeness<'_>) -> Option<Level> {
    let Likeness { target, rank, how } = likeness;
    let letters = target.bytes().filter(u8::is_ascii_alphanumeric).count();
    let (top, high, listed) = (rank <= 1_000, rank <= 5_000, rank <= 15_000);
    let tiered = |error: bool, warning: bool, note: bool| match () {
        () if error && top => Some(Level::Error),
        () if warning && high => Some(Level::Warning),
        () if note && listed => Some(Level::Note),
        () => None,
    };
    match how {
        How::Homoglyph => tiered(letters >= 6, letters >= 6, letters >= 5),
        // Hands do this and hardly any name differs from another by it.
        How::Edit(Edit::Transposition) => match tiered(letters >= 6, letters >= 4, letters >= 4) {
            Some(Level::Note) if letters >= 6 => Some(Level::Warning),
            level => level,
        },
        How::Edit(Edit::Version) => tiered(false, top && letters >= 8, letters >= 6),
        How::Edit(edit) => {
            let slip = matches!(edit, Edit::Omission | Edit::Repetition | Edit::Keyboard);
            // A letter fewer is as if the name were shorter.
            let letters = if slip { letters } else { letters.saturating_sub(2) };
            if is_other_word(name, target) {
                tiered(false, top && letters >= 7 || letters >= 10, letters >= 8)
            } else if is_plural(name, target) {
                tiered(letters >= 10, letters >= 10, letters >= 8)
            } else {
                let best = rank <= 100;
                let few = letters >= if slip { 5 } else { 4 };
                tiered(
                    letters >= 6,
                    best && letters >= 3 || top && few || letters >= 7,
                    letters >= 6,
                )
            }
        }
        How::ScopeDropped => tiered(
            false,
            letters >= 8 && (name.contains('-') || name.len() >= 10),
            letters >= 8,
        ),
        How::Scope(_) => Some(Level::Warning),
        How::WordOrder | How::Glued => tiered(false, true, true),
        How::Delimiters => {
            let types = target.starts_with("@types/");
            tiered(false, types || letters >= 8 && same_scope(name, target), letters >= 6)
        }
        How::AffixAndEdit(Edit::Version) => None,
        How::AffixDropped => tiered(false, target.starts_with("py"), false),
        How::AffixSwapped => {
            let python = is_python_affix(name) && (target.starts_with("py") || is_python_affix(target));
            tiered(false, python && top, false)
        }
        How::Affix => tiered(
            false,
            is_node_affix(name, target)
                || top && name.strip_suffix("js") == Some(target)
                || rank <= 100 && is_python_affix(name),
            high && letters >= 5,
        ),
        How::AffixAndEdit(_) => tiered(false, letters >= 8 && top, letters >= 6 && top),
        How::TwoEdits => {
            let same = top && !is_other_word(name, target);
            tiered(false, same && letters >= 10, same && letters >= 8)
        }
    }
}

/// `jquery.js` for `jquery`, `nodefabric` and `node-fabric` for `fabric`: what Node's own packages are often called besides.
fn is_node_affix(name: &str, target: &str) -> bool {
    let rest = name
        .strip_suffix(".js")
        .or_else(|| name.strip_prefix("node").map(|rest| rest.trim_start_matches('-')));
    rest == Some(target)
}

/// `python-uvicorn` for `uvicorn`, `pytz3-dev` for `pytz`.
fn is_python_affix(name: &str) -> bool {
    let words = name.split('-').collect::<Vec<_>>();
    words.len() > 1 && words.iter().any(|word| matches!(*word, "python" | "python3" | "py"))
        || name.starts_with("python")
}

fn same_scope(name: &str, target: &str) -> bool {
    name.starts_with('@') == target.starts_with('@')
}

/// Whether the difference is in the first letter of a word: `ts-stream` is no slip for `is-stream`, and nobody who writes
/// `docker` begins with an `s`.
fn is_other_word(name: &str, target: &str) -> bool {
    let words = |text: &'_ str| -> Vec<String> {
        text.split(|c: char| !c.is_ascii_alphanumeric())
            .map(str::to_owned)
            .collect()
    };
    let (mine, theirs) = (words(name), words(target));
    if mine.len() != theirs.len() {
        return true;
    }
    let different = mine.iter().zip(&theirs).filter(|(a, b)| a != b);
    different.into_iter().any(|(a, b)| a.chars().next() != b.chars().next())
}

fn is_plural(name: &str, target: &str) -> bool {
    let plural = |many: &str, one: &str| many.strip_suffix('s') == Some(one) && !one.ends_with('s');
    plural(name, target) || plural(target, name)
}

/// A popular package of the same artifact that asks for this one.
fn voucher<'c>(cx: Context<'c>, of: &Coordinate) -> Option<&'c Component> {
    let asks = |c: &&Component| {
        c.requires
            .iter()
            .any(|r| r.ecosystem == of.ecosystem && r.name == of.name)
    };
    let popular = |c: &&Component| cx.settings.popular.of(of.ecosystem).rank(&c.coordinate.name).is_some();
    cx.inventory.iter().filter(asks).find(popular)
}

fn finding(
    component: &Component,
    level: Level,
    likeness: Likeness<'_>,
    voucher: Option<&Component>,
) -> Option<Finding> {
    let level = match (level, voucher) {
        (level, None) => level,
        (Level::Error, Some(_)) => Level::Warning,
        (_, Some(_)) => Level::Note,
    };
    let mut message = format!(
        "{} {}, {}",
        words(likeness.how),
        likeness.target,
        standing(component, likeness.rank)
    );
    if let Some(voucher) = voucher {
        let _ = write!(message, "; {} asks for it", voucher.coordinate.name);
    }
    let mut finding = about(component, &RULE, level, message)?;
    finding.severity = (level == Level::Error).then_some(Severity::High);
    Some(finding)
}

fn words(how: How) -> &'static str {
    match how {
        How::Homoglyph => "differs in characters that are drawn alike from",
        How::Edit(edit) => by(edit),
        How::Delimiters => "differs in delimiters alone from",
        How::ScopeDropped => "is without its scope",
        How::Scope(_) => "has a scope one letter away from that of",
        How::WordOrder => "has the words in another order of",
        How::Affix => "adds a word that says nothing to",
        How::AffixDropped => "lacks a word of",
        How::AffixSwapped => "has another word that says nothing than",
        How::Glued => "puts another popular name behind",
        How::AffixAndEdit(_) => "adds a word that says nothing to a misspelling of",
        How::TwoEdits => "is two letters away from",
    }
}

fn by(edit: Edit) -> &'static str {
    match edit {
        Edit::Omission => "lacks a letter of",
        Edit::Repetition => "doubles a letter of",
        Edit::Transposition => "swaps two letters of",
        Edit::Keyboard => "has a letter replaced by its neighbour on the keyboard, from",
        Edit::BitFlip => "has a letter one bit off from",
        Edit::Substitution => "has another letter than",
        Edit::Insertion => "has a letter more than",
        Edit::Version => "has another version number than",
    }
}

fn standing(component: &Component, rank: usize) -> String {
    let registry = ecosystem::of(component.coordinate.ecosystem).osv;
    let tier = [100, 1_000, 5_000, 15_000].into_iter().find(|tier| rank <= *tier);
    match tier {
        Some(tier) => format!("one of the {tier} most popular packages of {registry}"),
        None => format!("a popular package of {registry}"),
    }
}
