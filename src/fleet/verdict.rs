//! What is wrong with an artifact, from what is kept of it.

use super::store::{LEVELS, SEVERITIES, lines};
use crate::{
    advisory::{Database, Hit, IndexError, Matches, matching},
    audit::Dossier,
    check::{self, Context, Settings},
    inventory::Inventory,
    model::{Component, Coordinate, Evidence, Fact, Finding, Location, Proof},
};
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, HashMap},
    time::SystemTime,
};

/// What tells a flaw from others: the rule, the component, the advisory; of what concerns no component its message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) rule: &'static str,
    pub(super) subject: Option<Coordinate>,
    pub(super) advisory: Box<str>,
    pub(super) about: Box<str>,
}

/// What is said of a flaw.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    pub(super) score: Option<f64>,
    pub(super) aliases: String,
    pub(super) fixed_in: String,
    pub(super) message: String,
    pub(super) exploited: Option<String>,
    pub(super) epss: Option<f64>,
}

/// A flaw in an artifact.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) key: Key,
    pub(super) said: Said,
    pub(super) level: i64,
    pub(super) severity: Option<i64>,
    pub(super) places: String,
}

/// A component without a version of which there are advisories: which, where, how many.
pub(super) type Doubt = (Coordinate, String, String);

/// What the advisories say of each name and version, asked once however many artifacts hold it.
pub(super) struct Judge<'d> {
    database: &'d Database,
    settings: &'d Settings,
    now: SystemTime,
    concerned: HashMap<Coordinate, (Vec<Hit>, Option<usize>)>,
}

impl<'d> Judge<'d> {
    /// Asks for all names and versions that there are.
    pub(super) fn new(
        database: &'d Database,
        settings: &'d Settings,
        now: SystemTime,
        all: &[Coordinate],
    ) -> Result<Self, IndexError> {
        let ask = |coordinate: &Coordinate| {
            let mut matches = matching(&Inventory::of(vec![bare(coordinate)]), database)?;
            let found = (
                matches.hits.remove(coordinate).unwrap_or_default(),
                matches.undecided.remove(coordinate),
            );
            let concerned = !found.0.is_empty() || found.1.is_some();
            Ok(concerned.then(|| (coordinate.clone(), found)))
        };
        let asked: Vec<_> = all.par_iter().map(ask).collect::<Result<_, IndexError>>()?;
        Ok(Self {
            database,
            settings,
            now,
            concerned: asked.into_iter().flatten().collect(),
        })
    }

    fn matches(&self, inventory: &Inventory) -> Result<Matches, IndexError> {
        let mut matches = Matches::default();
        for component in inventory.iter() {
            let coordinate = &component.coordinate;
            // What depends on more than the name and version is asked for by itself.
            let apart = |fact: &Fact| matches!(fact, Fact::Os(_) | Fact::Arch(_) | Fact::OneOf(_));
            let own = component.facts().any(apart);
            match self.concerned.get(coordinate) {
                None if !own => {}
                Some((hits, undecided)) if !own => {
                    if !hits.is_empty() {
                        matches.hits.insert(coordinate.clone(), hits.clone());
                    }
                    if let Some(advisories) = undecided {
                        matches.undecided.insert(coordinate.clone(), *advisories);
                    }
                }
                _ => {
                    let alone = matching(&Inventory::of(vec![component.clone()]), self.database)?;
                    matches.hits.extend(alone.hits);
                    matches.undecided.extend(alone.undecided);
                }
            }
        }
        Ok(matches)
    }

    /// Judges an artifact.
    pub(super) fn of(&self, dossier: Dossier) -> Result<(Vec<Verdict>, Vec<Doubt>), IndexError> {
        let matches = self.matches(&dossier.inventory)?;
        let doubts = matches.undecided.keys().filter_map(|coordinate| {
            let place = dossier
                .inventory
                .get(coordinate)?
                .evidence
                .first()?
                .location
                .to_string();
            let advisories = matches.undecided.get(coordinate).copied().unwrap_or_default();
            let exist = match advisories {
                1 => "1 advisory exists".to_owned(),
                n => format!("{n} advisories exist"),
            };
            let reason = format!("version of {} unknown, {exist}", coordinate.name);
            Some((coordinate.clone(), place, reason))
        });
        let doubts = doubts.collect();
        let artifact = dossier.judge(&matches, self.database, self.settings, self.now);
        Ok((verdicts(artifact.findings), doubts))
    }

    /// What is wrong with a runtime that functions are deployed to.
    pub(super) fn of_runtime(&self, runtime: &str) -> Vec<Verdict> {
        let settings = Settings {
            runtime: Some(runtime.to_owned()),
            ..Settings::default()
        };
        let cx = Context {
            symbols: &[],
            inventory: &Inventory::default(),
            matches: &Matches::default(),
            anomalies: &[],
            observations: &[],
            settings: &settings,
            runtimes: &[],
            now: self.now,
        };
        let mut findings = Vec::new();
        for check in check::ALL.iter().filter(|c| c.rule().id == "runtime-eol") {
            check.run(cx, &mut findings);
        }
        verdicts(findings)
    }
}

/// A component of which nothing but its name and version is known.
fn bare(coordinate: &Coordinate) -> Component {
    Component {
        coordinate: coordinate.clone(),
        evidence: vec![Evidence {
            detector: "inventory",
            location: Location::whole(),
            proof: Proof::Declared,
            confidence: 1.0,
            facts: Vec::new(),
        }],
        requires: Vec::new(),
    }
}

/// Findings as verdicts: several of one flaw are one, the worst, at all of their places.
fn verdicts(findings: Vec<Finding>) -> Vec<Verdict> {
    let mut all: BTreeMap<Key, Verdict> = BTreeMap::new();
    for finding in findings {
        let verdict = verdict(finding);
        match all.get_mut(&verdict.key) {
            None => drop(all.insert(verdict.key.clone(), verdict)),
            Some(known) => {
                let places = format!("{}\n{}", known.places, verdict.places);
                if (verdict.level, verdict.severity) > (known.level, known.severity) {
                    *known = verdict;
                }
                known.places = places;
            }
        }
    }
    all.into_values().collect()
}

fn verdict(finding: Finding) -> Verdict {
    let places = std::iter::once(&finding.primary).chain(&finding.related);
    let places: Vec<String> = places.map(Location::to_string).collect();
    let about = if finding.subject.is_none() {
        &*finding.message
    } else {
        ""
    };
    let triage = &finding.triage;
    Verdict {
        said: Said {
            score: finding.score,
            aliases: lines(finding.aliases.iter().map(|a| &**a)),
            fixed_in: lines(finding.fixed_in.iter().map(|v| &**v)),
            message: finding.message.clone(),
            exploited: triage.exploited.as_ref().map(|e| e.added.to_string()),
            epss: triage.epss.map(|e| e.score),
        },
        level: number(&LEVELS, finding.level.as_str()),
        severity: finding.severity.map(|s| number(&SEVERITIES, s.as_str())),
        places: lines(places.iter().map(String::as_str)),
        key: Key {
            rule: finding.rule.id,
            about: about.into(),
            advisory: finding.advisory.unwrap_or_default(),
            subject: finding.subject,
        },
    }
}

fn number(words: &[&str], word: &str) -> i64 {
    let at = words.iter().position(|known| *known == word);
    i64::try_from(at.unwrap_or_default()).unwrap_or_default()
}

/// The names of which two databases say different things.
pub(super) fn changed<'c>(
    before: &Database,
    after: &Database,
    names: &[&'c Coordinate],
) -> Result<Vec<&'c Coordinate>, IndexError> {
    let differs = |name: &&'c Coordinate| {
        // Whichever the version: what is said of one may change in records of others.
        let (old, new) = (before.lookup(name)?, after.lookup(name)?);
        let same = old.len() == new.len() && old.iter().zip(&new).all(|(a, b)| a.record == b.record);
        let covered = before.covers(name.ecosystem) == after.covers(name.ecosystem);
        Ok((!same || !covered).then_some(*name))
    };
    let asked: Vec<_> = names.par_iter().map(differs).collect::<Result<_, IndexError>>()?;
    Ok(asked.into_iter().flatten().collect())
}
