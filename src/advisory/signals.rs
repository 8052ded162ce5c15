//! What is known of the use of flaws by attackers: CISA's catalogue of known exploited vulnerabilities (KEV) and FIRST's
//! Exploit Prediction Scoring System (EPSS), from their public files.
//!
//! Both speak of CVE names and change daily, with no regard to advisories; so they lie in a file of their own, `signals`,
//! beside the generations of the database, which a new generation leaves as it is.
//!
//! ```text
//! magic, version u32, CRC-32 of all that follows u32
//! length of the meta u32, meta as JSON
//! rows of KEV u32, each: CVE u64, day since 1970 u32, ransomware u32
//! rows of EPSS u32, each: CVE u64, score u32, percentile u32, both in hundred-thousandths
//! ```
//!
//! All little-endian; rows sorted by CVE.

use crate::{
    model::{Epss, Exploited},
    parse::json,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// CISA's file.
pub const KEV_URL: &str = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json";
/// FIRST's file.
pub const EPSS_URL: &str = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz";

const MAGIC: &[u8; 8] = b"PLIMSSIG";
const VERSION: u32 = 1;
/// Bytes of either file, unpacked, and of our own. 256 MiB: the scores of all 300,000 CVEs take 8.
pub const BYTES: u64 = 256 << 20;
const ROW: usize = 16;
/// Hundred-thousandths: EPSS is published with five decimals.
const UNIT: f64 = 100_000.0;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum SignalsError {
    /// A file.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Bytes that are not what they should be.
    #[error("{place}: {reason}")]
    Format {
        /// Where they are from.
        place: String,
        /// What is wrong, and what was expected.
        reason: String,
    },
}

type Result<T> = std::result::Result<T, SignalsError>;

/// Where one of the two came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// A URL, or the file that was imported.
    pub from: String,
    /// The day or time that the file itself gives.
    pub as_of: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Meta {
    kev: Option<Origin>,
    epss: Option<Origin>,
}

/// KEV: by CVE, the day since 1970 on which it was added, and whether ransomware uses it.
type Kev = BTreeMap<u64, (u32, bool)>;
/// EPSS: CVE, score and percentile in hundred-thousandths; sorted.
type Scores = Vec<(u64, u32, u32)>;

/// Both, by CVE.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signals {
    meta: Meta,
    kev: Kev,
    epss: Scores,
}

/// Which of the two a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// KEV, as JSON.
    Kev,
    /// EPSS, as CSV, packed with gzip or not.
    Epss,
}

/// Which of the two a file is, by its first bytes; `None` for anything else.
#[must_use]
pub fn kind(path: &Path) -> Option<Kind> {
    let mut head = Vec::new();
    File::open(path).ok()?.take(4096).read_to_end(&mut head).ok()?;
    if head.starts_with(&[0x1f, 0x8b]) {
        // What is cut off in the middle is told as an error after what there was.
        let mut unpacked = Vec::new();
        let _ = flate2::read::GzDecoder::new(&*head)
            .take(4096)
            .read_to_end(&mut unpacked);
        head = unpacked;
    }
    let text = String::from_utf8_lossy(&head);
    if text.starts_with("#model_version") || text.starts_with("cve,epss") {
        Some(Kind::Epss)
    } else if text.trim_start_matches('\u{feff}').trim_start().starts_with('{') && text.contains("\"catalogVersion\"") {
        Some(Kind::Kev)
    } else {
        None
    }
}

impl Signals {
    /// What a file holds; nothing where there is none.
    ///
    /// # Errors
    /// When it cannot be read, or is damaged.
    pub fn open(path: &Path) -> Result<Self> {
        match read(path) {
            Ok(bytes) => Self::from_bytes(&bytes).ok_or_else(|| SignalsError::Format {
                place: path.display().to_string(),
                reason: "damaged; remove it, and fetch it again with `plimsoll db update --kev --epss`".to_owned(),
            }),
            Err(SignalsError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(e),
        }
    }

    /// Takes one of the two from a file as it is published.
    ///
    /// # Errors
    /// When it cannot be read, or is not what it should be.
    pub fn import(&mut self, kind: Kind, path: &Path) -> Result<()> {
        self.take(kind, &read(path)?, &path.display().to_string())
    }

    /// Takes one of the two from the bytes of such a file; `from` is where they are from.
    ///
    /// # Errors
    /// When they are not what they should be; what there was stays.
    pub fn take(&mut self, kind: Kind, bytes: &[u8], from: &str) -> Result<()> {
        let wrong = |reason: String| SignalsError::Format {
            place: from.to_owned(),
            reason,
        };
        let origin = |as_of: String| {
            Some(Origin {
                from: from.to_owned(),
                as_of,
            })
        };
        match kind {
            Kind::Kev => {
                let (as_of, rows) = catalogue(bytes).map_err(wrong)?;
                (self.meta.kev, self.kev) = (origin(as_of), rows);
            }
            Kind::Epss => {
                let (as_of, rows) = scores(bytes).map_err(wrong)?;
                (self.meta.epss, self.epss) = (origin(as_of), rows);
            }
        }
        Ok(())
    }

    /// Takes what another has.
    pub fn merge(&mut self, other: Self) {
        if other.meta.kev.is_some() {
            (self.meta.kev, self.kev) = (other.meta.kev, other.kev);
        }
        if other.meta.epss.is_some() {
            (self.meta.epss, self.epss) = (other.meta.epss, other.epss);
        }
    }

    /// Whether it has neither.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.meta == Meta::default()
    }

    /// Where one of the two came from, and how many flaws it names; `None` where it was never taken.
    #[must_use]
    pub fn origin(&self, kind: Kind) -> Option<(&Origin, usize)> {
        match kind {
            Kind::Kev => self.meta.kev.as_ref().map(|origin| (origin, self.kev.len())),
            Kind::Epss => self.meta.epss.as_ref().map(|origin| (origin, self.epss.len())),
        }
    }

    /// What KEV says of a flaw, by any of its names.
    #[must_use]
    pub fn exploited<'n>(&self, names: impl Iterator<Item = &'n str>) -> Option<Exploited> {
        let found = names.filter_map(|name| self.kev.get(&key(name)?));
        // Of several names the one that has been known for longest.
        let (day, ransomware) = found.copied().min()?;
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(day) * 86_400);
        let text = humantime::format_rfc3339_seconds(time).to_string();
        Some(Exploited {
            added: text.split('T').next().unwrap_or_default().into(),
            ransomware,
        })
    }

    /// The highest score of a flaw, by any of its names.
    #[must_use]
    pub fn epss<'n>(&self, names: impl Iterator<Item = &'n str>) -> Option<Epss> {
        let row = |name: &str| {
            let key = key(name)?;
            let at = self.epss.binary_search_by_key(&key, |row| row.0).ok()?;
            self.epss.get(at).map(|&(_, score, percentile)| (score, percentile))
        };
        let (score, percentile) = names.filter_map(row).max()?;
        Some(Epss {
            score: f64::from(score) / UNIT,
            percentile: f64::from(percentile) / UNIT,
        })
    }

    /// Writes all to a file, never half of it under its name.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let io = |source| SignalsError::Io {
            path: path.to_owned(),
            source,
        };
        let mut draft = path.as_os_str().to_owned();
        draft.push(".draft");
        let mut file = File::create(&draft).map_err(io)?;
        file.write_all(&self.to_bytes())
            .and_then(|()| file.sync_all())
            .map_err(io)?;
        fs::rename(&draft, path).map_err(io)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
        let meta = serde_json::to_vec(&self.meta).unwrap_or_default();
        body.extend(count(meta.len()));
        body.extend(meta);
        body.extend(count(self.kev.len()));
        for (cve, (day, ransomware)) in &self.kev {
            body.extend(cve.to_le_bytes());
            body.extend(day.to_le_bytes());
            body.extend(u32::from(*ransomware).to_le_bytes());
        }
        body.extend(count(self.epss.len()));
        for (cve, score, percentile) in &self.epss {
            body.extend(cve.to_le_bytes());
            body.extend(score.to_le_bytes());
            body.extend(percentile.to_le_bytes());
        }
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(crc32fast::hash(&body).to_le_bytes());
        bytes.extend(body);
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(MAGIC)?;
        if word(&mut rest)? != VERSION || word(&mut rest)? != crc32fast::hash(rest) {
            return None;
        }
        let length = word(&mut rest)? as usize;
        let (meta, mut rest) = rest.split_at_checked(length)?;
        let meta = serde_json::from_slice(meta).ok()?;
        let mut table = || -> Option<Vec<(u64, u32, u32)>> {
            let count = word(&mut rest)? as usize;
            let (rows, after) = rest.split_at_checked(count.checked_mul(ROW)?)?;
            rest = after;
            let row = |mut row: &[u8]| {
                let (low, high) = (word(&mut row)?, word(&mut row)?);
                Some((u64::from(high) << 32 | u64::from(low), word(&mut row)?, word(&mut row)?))
            };
            rows.chunks_exact(ROW).map(row).collect()
        };
        let kev = table()?
            .into_iter()
            .map(|(cve, day, ransomware)| (cve, (day, ransomware != 0)))
            .collect();
        let epss = table()?;
        (rest.is_empty() && epss.is_sorted_by(|a, b| a.0 < b.0)).then_some(Self { meta, kev, epss })
    }
}

fn word(bytes: &mut &[u8]) -> Option<u32> {
    let (word, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u32::from_le_bytes(*word))
}

/// `CVE-2021-44228` as a number: year and number.
fn key(name: &str) -> Option<u64> {
    let (year, number) = name.strip_prefix("CVE-")?.split_once('-')?;
    let year: u16 = year.parse().ok()?;
    let number: u64 = number.parse().ok().filter(|n| *n < 1 << 48)?;
    Some(u64::from(year) << 48 | number)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let io = |source| SignalsError::Io {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    File::open(path)
        .map_err(io)?
        .take(BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if bytes.len() as u64 > BYTES {
        let reason = format!("over the limit of {BYTES} bytes");
        return Err(SignalsError::Format {
            place: path.display().to_string(),
            reason,
        });
    }
    Ok(bytes)
}

#[derive(Deserialize)]
struct Catalogue {
    #[serde(rename = "dateReleased")]
    released: String,
    vulnerabilities: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "cveID")]
    cve: String,
    #[serde(rename = "dateAdded")]
    added: String,
    #[serde(rename = "knownRansomwareCampaignUse", default)]
    ransomware: String,
}

/// KEV's JSON: when it was released, and its rows. A row that cannot be read is an error: it would be a flaw that nobody is
/// told of.
fn catalogue(bytes: &[u8]) -> std::result::Result<(String, Kev), String> {
    let expected = "expected CISA's known_exploited_vulnerabilities.json";
    let catalogue: Catalogue = json::document(bytes).map_err(|e| format!("{e}; {expected}"))?;
    let row = |entry: &Entry| {
        let time = humantime::parse_rfc3339(&format!("{}T00:00:00Z", entry.added)).ok()?;
        let days = time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs() / 86_400;
        Some((
            key(&entry.cve)?,
            (u32::try_from(days).ok()?, entry.ransomware == "Known"),
        ))
    };
    let mut rows = BTreeMap::new();
    for entry in &catalogue.vulnerabilities {
        let (cve, what) = row(entry)
            .ok_or_else(|| format!("entry `{}` of `{}` cannot be read; {expected}", entry.cve, entry.added))?;
        rows.insert(cve, what);
    }
    if rows.is_empty() {
        return Err(format!("names no flaw; {expected}"));
    }
    Ok((catalogue.released, rows))
}

/// EPSS's CSV, packed or not: the day of its scores, and its rows.
fn scores(bytes: &[u8]) -> std::result::Result<(String, Scores), String> {
    let expected = "expected FIRST's epss_scores-….csv.gz";
    let mut text = String::new();
    let unpacked = if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::GzDecoder::new(bytes)
            .take(BYTES + 1)
            .read_to_string(&mut text)
    } else {
        (&mut &*bytes).take(BYTES + 1).read_to_string(&mut text)
    };
    match unpacked {
        Err(e) => return Err(format!("{e}; {expected}")),
        Ok(n) if n as u64 > BYTES => return Err(format!("over the limit of {BYTES} bytes")),
        Ok(_) => {}
    }
    let as_of = text
        .split_once("score_date:")
        .and_then(|(_, rest)| rest.split([',', '\r', '\n']).next())
        .unwrap_or_default();
    let rows = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.starts_with("cve,") && !line.is_empty());
    let part = |text: &str| {
        let value: f64 = text.trim().parse().ok().filter(|v| (0.0..=1.0).contains(v))?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 100,000
        let parts = (value * UNIT).round() as u32;
        Some(parts)
    };
    let row = |line: &str| {
        let mut fields = line.split(',');
        let row = (
            key(fields.next()?.trim())?,
            part(fields.next()?)?,
            part(fields.next()?)?,
        );
        fields.next().is_none().then_some(row)
    };
    let mut all = Vec::new();
    for line in rows {
        let shown: String = line.chars().take(40).collect();
        all.push(row(line).ok_or_else(|| format!("line `{shown}` cannot be read; {expected}"))?);
    }
    all.sort_unstable();
    all.dedup_by_key(|row| row.0);
    if all.is_empty() {
        return Err(format!("names no flaw; {expected}"));
    }
    Ok((as_of.to_owned(), all))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEV: &str = r#"{"title":"t","catalogVersion":"2026.11.20","dateReleased":"2026-11-20T15:00:00.000Z","count":2,
        "vulnerabilities":[
            {"cveID":"CVE-2021-44228","dateAdded":"2021-12-10","dueDate":"2021-12-24","knownRansomwareCampaignUse":"Known"},
            {"cveID":"CVE-2021-44906","dateAdded":"2024-02-29","knownRansomwareCampaignUse":"Unknown"}]}"#;
    const EPSS: &str = "#model_version:v2026.01.01,score_date:2026-11-20T00:00:00+0000\ncve,epss,percentile\n\
                        CVE-2021-44906,0.02345,0.84123\nCVE-1999-0001,1,1.0\nCVE-2024-1234567,0.00043,0.1\n";

    fn both() -> Signals {
        let mut signals = Signals::default();
        signals.take(Kind::Kev, KEV.as_bytes(), "kev").expect("KEV");
        signals.take(Kind::Epss, EPSS.as_bytes(), "epss").expect("EPSS");
        signals
    }

    #[test]
    fn by_any_name() {
        let signals = both();
        let one = signals.exploited(["GHSA-x", "CVE-2021-44228"].into_iter());
        assert_eq!(
            one,
            Some(Exploited {
                added: "2021-12-10".into(),
                ransomware: true
            })
        );
        let leap = signals
            .exploited(["CVE-2021-44906"].into_iter())
            .map(|e| (e.added, e.ransomware));
        assert_eq!(leap, Some(("2024-02-29".into(), false)));
        assert_eq!(signals.exploited(["CVE-2021-4422"].into_iter()), None);
        let epss = signals.epss(["CVE-2024-1234567", "CVE-2021-44906"].into_iter());
        assert_eq!(
            epss,
            Some(Epss {
                score: 0.02345,
                percentile: 0.84123
            })
        );
        assert_eq!(
            signals
                .epss(["CVE-1999-1", "CVE-", "CVE-x-1", "x"].into_iter())
                .map(|e| e.score),
            Some(1.0)
        );
    }

    #[test]
    fn every_flipped_bit_is_told() {
        let bytes = both().to_bytes();
        assert_eq!(Signals::from_bytes(&bytes), Some(both()));
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                assert_eq!(Signals::from_bytes(&flipped), None, "bit {bit} of byte {at}");
            }
            assert_eq!(Signals::from_bytes(&bytes[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn files_that_are_neither_change_nothing() {
        let mut signals = both();
        for (kind, bytes) in [
            (Kind::Kev, &b"{}"[..]),
            (Kind::Kev, b"{\"dateReleased\":\"x\",\"vulnerabilities\":[]}"),
            (
                Kind::Kev,
                b"{\"dateReleased\":\"x\",\"vulnerabilities\":[{\"cveID\":\"CVE-1\",\"dateAdded\":\"2021-12-10\"}]}",
            ),
            (Kind::Epss, b""),
            (Kind::Epss, b"cve,epss,percentile\n"),
            (Kind::Epss, b"CVE-2021-1,1.1,0"),
            (Kind::Epss, b"CVE-2021-1,0.1"),
            (Kind::Epss, b"CVE-2021-1,NaN,0"),
            (Kind::Epss, b"\x1f\x8b\x08\x00broken"),
        ] {
            signals.take(kind, bytes, "x").expect_err("neither");
        }
        assert_eq!(signals, both());
    }
}
