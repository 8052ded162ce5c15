//! What packages call their licence, as an SPDX expression where it is one.

use spdx::{Expression, ParseMode};

/// A licence that was read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Licence {
    /// One identifier of the SPDX list.
    Id(String),
    /// An expression of several, or with an exception.
    Expression(String),
    /// Anything else, as it was written.
    Name(String),
}

impl Licence {
    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Id(text) | Self::Expression(text) | Self::Name(text) => text,
        }
    }
}

/// Longer texts are no expression that anybody wrote by hand; the parser's work is bounded by it.
const LONGEST: usize = 512;

/// Identifiers that SPDX has deprecated (`GPL-2.0`) stay valid. The crate's list of imprecise names is not used: it takes
/// `BSD` for one of the several licences of that name.
const MODE: ParseMode = ParseMode {
    allow_slash_as_or_operator: false,
    allow_imprecise_license_names: false,
    allow_postfix_plus_on_gpl: true,
    allow_deprecated: true,
    allow_unknown: false,
};

/// Names with one meaning, in lower case: Python's classifiers (those that name no version of the licence are left out), and
/// what authors write in their place.
const NAMES: &[(&str, &str)] = &[
    ("apache 2", "Apache-2.0"),
    ("apache 2.0", "Apache-2.0"),
    ("apache license 2.0", "Apache-2.0"),
    ("apache license, version 2.0", "Apache-2.0"),
    ("apache-2", "Apache-2.0"),
    ("boost software license 1.0 (bsl-1.0)", "BSL-1.0"),
    ("bsd 2-clause", "BSD-2-Clause"),
    ("bsd 3-clause", "BSD-3-Clause"),
    ("3-clause bsd license", "BSD-3-Clause"),
    ("cc0 1.0 universal (cc0 1.0) public domain dedication", "CC0-1.0"),
    ("eclipse public license 2.0 (epl-2.0)", "EPL-2.0"),
    ("european union public licence 1.2 (eupl 1.2)", "EUPL-1.2"),
    ("gnu affero general public license v3", "AGPL-3.0-only"),
    (
        "gnu affero general public license v3 or later (agplv3+)",
        "AGPL-3.0-or-later",
    ),
    ("gnu general public license v2 (gplv2)", "GPL-2.0-only"),
    ("gnu general public license v2 or later (gplv2+)", "GPL-2.0-or-later"),
    ("gnu general public license v3 (gplv3)", "GPL-3.0-only"),
    ("gnu general public license v3 or later (gplv3+)", "GPL-3.0-or-later"),
    (
        "gnu lesser general public license v2 or later (lgplv2+)",
        "LGPL-2.0-or-later",
    ),
    ("gnu lesser general public license v3 (lgplv3)", "LGPL-3.0-only"),
    (
        "gnu lesser general public license v3 or later (lgplv3+)",
        "LGPL-3.0-or-later",
    ),
    ("historical permission notice and disclaimer (hpnd)", "HPND"),
    ("isc license", "ISC"),
    ("isc license (iscl)", "ISC"),
    ("mit license", "MIT"),
    ("mit no attribution license (mit-0)", "MIT-0"),
    ("mozilla public license 2.0 (mpl 2.0)", "MPL-2.0"),
    ("python software foundation license", "PSF-2.0"),
    ("the mit license", "MIT"),
    ("the mit license (mit)", "MIT"),
    ("the unlicense (unlicense)", "Unlicense"),
    ("universal permissive license (upl)", "UPL-1.0"),
    ("zlib/libpng license", "Zlib"),
];

/// Reads one.
///
/// ```
/// use plimsoll::parse::licence::{Licence, read};
/// assert_eq!(read("MIT"), Licence::Id("MIT".to_owned()));
/// assert_eq!(read("(MIT or Apache-2.0)"), Licence::Expression("(MIT OR Apache-2.0)".to_owned()));
/// assert_eq!(read("BSD"), Licence::Name("BSD".to_owned()));
/// ```
#[must_use]
pub fn read(text: &str) -> Licence {
    let text = text.trim();
    let name = || Licence::Name(text.to_owned());
    if text.len() > LONGEST {
        return name();
    }
    if let Some(id) = id(text) {
        return Licence::Id(id.to_owned());
    }
    // Cargo's old way to write a choice.
    let slashes = text.replace('/', " OR ");
    let upper = |word: &str| match word.to_ascii_uppercase() {
        operator if matches!(&*operator, "AND" | "OR" | "WITH") => operator,
        _ => word.to_owned(),
    };
    let canonical = slashes
        .split_ascii_whitespace()
        .map(upper)
        .collect::<Vec<_>>()
        .join(" ");
    match Expression::parse_mode(&canonical, MODE) {
        Ok(_) if !canonical.contains([' ', '(', '+']) && spdx::license_id(&canonical).is_some() => {
            Licence::Id(canonical)
        }
        Ok(_) => Licence::Expression(canonical),
        Err(_) => name(),
    }
}

fn id(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    let named = NAMES.iter().find(|(name, _)| *name == lower).map(|(_, id)| *id);
    // `mit`, `Isc`: the identifiers mean the same in any case (SPDX 2.3, annex D.2).
    named.or_else(|| {
        spdx::identifiers::LICENSES
            .iter()
            .map(|l| l.name)
            .find(|id| id.eq_ignore_ascii_case(text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_what_spdx_lists() {
        for (name, id) in NAMES {
            assert!(spdx::license_id(id).is_some(), "{id}");
            assert_eq!(*name, name.to_ascii_lowercase());
        }
    }

    #[test]
    fn expressions_and_names() {
        for (text, read_as) in [
            ("mit", Licence::Id("MIT".into())),
            ("MIT/Apache-2.0", Licence::Expression("MIT OR Apache-2.0".into())),
            ("GPL-2.0+", Licence::Id("GPL-2.0+".into())),
            ("Apache-2.0+", Licence::Expression("Apache-2.0+".into())),
            ("GPL-2.0", Licence::Id("GPL-2.0".into())),
            (
                "Apache-2.0 with LLVM-exception",
                Licence::Expression("Apache-2.0 WITH LLVM-exception".into()),
            ),
            (
                "SEE LICENSE IN LICENSE.md",
                Licence::Name("SEE LICENSE IN LICENSE.md".into()),
            ),
            ("BSD License", Licence::Name("BSD License".into())),
            ("MIT OR", Licence::Name("MIT OR".into())),
            ("Mozilla Public License 2.0 (MPL 2.0)", Licence::Id("MPL-2.0".into())),
        ] {
            assert_eq!(read(text), read_as);
        }
        let deep = "(".repeat(200_000);
        assert_eq!(read(&deep), Licence::Name(deep));
    }
}
